"""Whether a turn is over, by its words: the real model on sentences of fixtures/facts/hesitant.toml and others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fixtures_models import product_settings  # noqa: F401 - a fixture

from config.models import resolve
from config.settings import Settings
from fixtures.turn_words.turns import silences
from pipeline.llama import LlamaError
from pipeline.turn_words import TurnWordsEngine, WordsRequest


@pytest.fixture(scope="module")
def words(product_settings: Settings) -> Iterator[TurnWordsEngine]:  # noqa: F811
    assert product_settings.turn.words is not None
    engine = TurnWordsEngine(resolve(product_settings.turn.words, product_settings.models_dir), threads=1)
    yield engine
    engine.close()


@pytest.mark.models
@pytest.mark.parametrize("said", ["Do you rent out bikes?", "Are you open on Sunday.", "How much does a puncture repair cost"])
def test_a_whole_sentence(words: TurnWordsEngine, said: str) -> None:
    assert words.run(WordsRequest(said)) > 0.4


@pytest.mark.models
@pytest.mark.parametrize(
    "said", ["Could we move the", "I'm calling because my sister told me that", "Are there any places left in the..."]
)
def test_half_a_sentence(words: TurnWordsEngine, said: str) -> None:
    assert words.run(WordsRequest(said)) < 0.1


@pytest.mark.models
def test_a_whole_sentence_that_leads_up_to_a_question(words: TurnWordsEngine) -> None:
    """By its grammar it is over, and the model itself expects a full stop."""
    leads, asks = (words.run(WordsRequest(said)) for said in ("There will be six of us.", "Do you have a table for six of us?"))
    assert leads < 0.4 < asks


@pytest.mark.models
def test_it_depends_on_nothing_before(words: TurnWordsEngine) -> None:
    first = words.run(WordsRequest("Do you rent out bikes?"))
    words.run(WordsRequest("I wanted to ask about " + "the bike and " * 40))  # more than one step
    assert words.run(WordsRequest("Do you rent out bikes")) == pytest.approx(first, rel=1e-3)
    assert words.run(WordsRequest("...")) == 0.0


@pytest.mark.models
def test_another_model_is_refused(product_settings: Settings) -> None:  # noqa: F811
    with pytest.raises(
        LlamaError,
        match=r"is not the model that turn_words\.npz was made with: set FIRSTWORD_TURN__WORDS=smollm2-135m-q8_0, or none",
    ):
        TurnWordsEngine(resolve(product_settings.llm.model, product_settings.models_dir), threads=1)


def test_the_turns_to_learn_from_are_read_with_their_pauses() -> None:
    read = list(silences())
    assert len(read) == 5039
    assert sum(one.over for one in read) == 2880
    assert any(one.asked and not one.over for one in read)
    assert not any("|" in one.said or "[" in one.said for one in read)
