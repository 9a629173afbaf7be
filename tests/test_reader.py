"""The reader: the real model with its adapter, on a small bot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fixtures_models import product_settings  # noqa: F401 - a fixture

from config.models import resolve
from config.settings import Settings
from pipeline.llama import LlamaError, LlamaModel
from pipeline.reader import MAX_CALLS, ReaderEngine, ReadRequest
from pipeline.reading import Reading
from pipeline.statements import Statement, split

pytestmark = pytest.mark.models

NAME = "Corner Bakery"
STATEMENTS = split(
    """
We are at 3 Mill Lane, next to the library.
We are open Tuesday to Saturday from 7 am to 3 pm. We are closed on Sunday and Monday.
A sourdough loaf costs 4 pounds 50. We bake it without milk and eggs.
Birthday cakes have to be ordered three days ahead.
We do not deliver.
There is a car park behind the shop.
""",
    NAME,
)


@pytest.fixture(scope="module")
def model(product_settings: Settings) -> Iterator[LlamaModel]:  # noqa: F811
    assert product_settings.reader.model is not None
    model = LlamaModel(resolve(product_settings.reader.model, product_settings.models_dir))
    yield model
    model.close()


@pytest.fixture(scope="module")
def reader(model: LlamaModel, product_settings: Settings) -> Iterator[ReaderEngine]:  # noqa: F811
    engine = ReaderEngine(model, threads=product_settings.threads)
    engine.learn(NAME, STATEMENTS)
    yield engine
    engine.close()


def line_of(reading: Reading) -> str:
    best = int(reading.lines.argmax())
    return STATEMENTS[best].full if best < len(STATEMENTS) else ""


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("What does a sourdough cost?", "4 pounds 50"),
        ("Where do I find you?", "Mill Lane"),
        ("Can I have it sent to my house?", "deliver"),
        ("I'm coming by car. Is there somewhere to leave it?", "car park"),
        ("My daughter turns six, how soon do I have to let you know about a cake?", "three days"),
        ("Do you have any jobs going?", ""),
    ],
)
def test_it_points_at_the_line_that_answers_or_at_nothing(reader: ReaderEngine, said: str, line: str) -> None:
    found = line_of(reader.run(ReadRequest(said, said)))
    assert (line in found) if line else not found


def test_it_says_yes_and_no(reader: ReaderEngine) -> None:
    yes, no, _ = reader.run(ReadRequest("a", "Is there a car park?")).verdict
    assert yes > no
    yes, no, _ = reader.run(ReadRequest("b", "Do you deliver?")).verdict
    assert no > yes


def test_half_a_sentence_is_not_over(reader: ReaderEngine) -> None:
    half = reader.run(ReadRequest("a", "I'm calling because my sister told me that"))
    whole = reader.run(ReadRequest("a", "I'm calling because my sister told me that you do birthday cakes. How much are they?"))
    assert half.over < 0 < whole.over


def test_a_follow_up_is_read_after_the_question_before(reader: ReaderEngine) -> None:
    loaf = next(number for number, one in enumerate(STATEMENTS) if "4 pounds 50" in one.full)
    assert "milk" in line_of(reader.run(ReadRequest("a", "And are there eggs in it?", ("How much is a sourdough loaf?", loaf))))


def test_what_was_read_before_changes_nothing(reader: ReaderEngine) -> None:
    said = "Is there somewhere to park near you?"
    alone = reader.run(ReadRequest("fresh", said))
    for other in ("Is there", "Is there somewhere to eat?", "How much is a loaf and " * 8, "..."):
        reader.run(ReadRequest("used", other))
        again = reader.run(ReadRequest("used", said))
        # A step of other rows is summed in another order, and Q4_0 rounds what goes in to 8 bits.
        assert np.allclose(np.exp(again.lines), np.exp(alone.lines), atol=0.05)
        assert again.over == pytest.approx(alone.over, abs=0.5)


def test_more_calls_than_are_kept_are_read_as_well(reader: ReaderEngine) -> None:
    for number in range(MAX_CALLS + 3):
        assert "deliver" in line_of(reader.run(ReadRequest(f"call {number}", "Do you deliver?")))
    assert "Mill Lane" in line_of(reader.run(ReadRequest("call 0", "Where are you?")))


def test_what_is_no_number_is_an_error_and_the_next_reading_is_one(reader: ReaderEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(reader._context, "logits", lambda _: np.full(200_000, np.nan, np.float32))
        with pytest.raises(LlamaError, match=r"no numbers.*compiled for another CPU"):
            reader.run(ReadRequest("a", "Do you deliver?"))
    assert "deliver" in line_of(reader.run(ReadRequest("a", "Do you deliver?")))


def test_a_text_that_does_not_fit_says_what_to_do(model: LlamaModel) -> None:
    engine = ReaderEngine(model, threads=1, characters=100)
    try:
        with pytest.raises(LlamaError, match=r"the instructions are \d+ tokens long.*shorten them"):
            engine.learn(NAME, [*STATEMENTS] * 5)
        with pytest.raises(LlamaError, match="more than the reader can tell apart"):
            engine.learn(NAME, [Statement("Hello.")] * 2000)
    finally:
        engine.close()


def test_an_adapter_that_does_not_fit_says_what_to_do(model: LlamaModel, tmp_path: Path) -> None:
    for adapter in (tmp_path / "reader.gguf", Path(__file__)):
        with pytest.raises(LlamaError, match=r"was not made for .*FIRSTWORD_READER__MODEL"):
            ReaderEngine(model, threads=1, adapter=adapter)
