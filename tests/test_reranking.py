"""What a reranker is shown, and what is made of what it says."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.reranking import MAX_BEFORE, MAX_SAID, Judged, PairLayout
from pipeline.retrieval import LEAST_JUDGED, with_judged
from pipeline.statements import Statement

seen: dict[str, int] = {}


def _tokens(text: str) -> list[int]:
    return [seen.setdefault(word, len(seen)) for word in text.replace("\n", " \n ").split(" ") if word]


def _text(ids: list[int]) -> str:
    names = {number: word for word, number in seen.items()}
    return " ".join(names[number] for number in ids).replace(" \n ", "\n")


def test_a_line_comes_first_and_the_question_behind_it() -> None:
    layout = PairLayout(_tokens)
    line = layout.line("Corner Bakery", Statement("A loaf costs 4 pounds."))
    asked = layout.question("What's a loaf?", None)
    assert _text([*line, *asked]) == "Corner Bakery. A loaf costs 4 pounds.\nCaller: What's a loaf\nAnswer:"
    assert _text(layout.question("And a big one?", "What's a loaf?")) == "What's a loaf\nThen: And a big one\nAnswer:"
    assert len(set(layout.beginnings)) == 4


def test_however_long_they_talk_the_end_counts() -> None:
    layout = PairLayout(_tokens)
    asked = _text(layout.question("well " * 200 + "do you deliver?", "so " * 200 + "when?"))
    assert asked.endswith("do you deliver\nAnswer:")
    assert len(asked) < MAX_SAID + MAX_BEFORE + 30


def test_the_beginnings_tell_whether_a_line_answers_and_how() -> None:
    judged = Judged.of((3, 1), np.log(np.array([[0.6, 0.1, 0.1, 0.2], [0.05, 0.2, 0.05, 0.7]], np.float32)))
    assert judged.lines == (3, 1)
    assert judged.bears == pytest.approx([np.log(0.8 / 0.2), np.log(0.3 / 0.7)], abs=1e-5)
    assert judged.verdict[0] == pytest.approx([0.75, 0.125, 0.125], abs=1e-5)


def test_a_line_that_was_judged_to_answer_goes_before_one_that_was_not_shown() -> None:
    nothing = with_judged([1.0, 0.5, 0.2], None)
    assert nothing == [1.0, 0.5, 0.2]
    judged = Judged((1, 0), np.array([5.0, -5.0], np.float32), np.zeros((2, 3), np.float32))
    totals = with_judged([1.0, 0.5, 0.2], judged)
    assert totals[1] == max(totals)
    assert totals[0] < totals[2], f"not shown is as unlikely as {LEAST_JUDGED}, and no more"
