"""Whether a sentence is over, by its words: the real model on sentences of fixtures/facts/hesitant.toml and others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fixtures_models import product_settings  # noqa: F401 - a fixture

from config.models import resolve
from config.settings import Settings
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
    assert words.run(WordsRequest(said)) > 0.2


@pytest.mark.models
@pytest.mark.parametrize(
    "said", ["Could we move the", "I'm calling because my sister told me that", "Are there any places left in the..."]
)
def test_half_a_sentence(words: TurnWordsEngine, said: str) -> None:
    assert words.run(WordsRequest(said)) < 0.02


@pytest.mark.models
def test_it_depends_on_nothing_before(words: TurnWordsEngine) -> None:
    first = words.run(WordsRequest("Do you rent out bikes?"))
    words.run(WordsRequest("I wanted to ask about " + "the bike and " * 40))  # more than one step
    assert words.run(WordsRequest("Do you rent out bikes")) == pytest.approx(first, rel=1e-3)
    assert words.run(WordsRequest("...")) == 0.0
