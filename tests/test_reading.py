"""What the reader is shown, token by token, with a tokenizer that gives every character a number."""

from __future__ import annotations

import pytest

from pipeline.reading import DONE, LABELS, MAX_QUESTION, NOTHING, VERDICTS, Layout
from pipeline.statements import split

STATEMENTS = split("We are at 3 Mill Lane.\nA loaf costs 4.", "Corner Bakery")
_WHOLE = {word: 0x110000 + number for number, word in enumerate((*LABELS, *DONE, *VERDICTS))}


def tokens(text: str) -> list[int]:
    return [_WHOLE[text]] if text in _WHOLE else list(map(ord, text))


def text(ids: list[int]) -> str:
    names = {number: word for word, number in _WHOLE.items()}
    return "".join(names.get(number) or chr(number) for number in ids)


@pytest.fixture
def layout() -> Layout:
    return Layout(tokens)


def test_the_owners_lines_have_labels_and_the_last_one_stands_for_nothing(layout: Layout) -> None:
    ids, labels = layout.lines("Corner Bakery", STATEMENTS)
    shown = text(ids).splitlines()
    assert shown[0] == "Corner Bakery. Lines:"
    assert [line[:4] for line in shown[1:]] == ["[AA]", "[AB]", "[AC]"]
    assert "3 Mill Lane" in shown[1]
    assert "¤" not in shown[2], "the mark of an unnamed currency is ours, not the owner's"
    assert shown[3] == f"[AC] {NOTHING}"
    assert labels == [_WHOLE[label] for label in LABELS[:3]]


def test_in_training_the_labels_begin_anywhere(layout: Layout) -> None:
    _, labels = layout.lines("Corner Bakery", STATEMENTS, first=layout.most - 1)
    assert labels == [_WHOLE[LABELS[-1]], _WHOLE[LABELS[0]], _WHOLE[LABELS[1]]]


def test_three_answers_are_due_behind_the_last_three_tokens(layout: Layout) -> None:
    turn = layout.turn("How much is a loaf?")
    assert text(turn.ids) == "\nCaller: How much is a loaf\n[]"
    assert [chr(turn.ids[at]) for at in (turn.done_at, turn.label_at, turn.verdict_at)] == ["\n", "[", "]"]


@pytest.mark.parametrize("said", ["Do you deliver?", "Do you deliver", "Do you deliver...", "Do you deliver -", "Do you deliver, "])
def test_the_recognisers_own_last_mark_does_not_count(layout: Layout, said: str) -> None:
    assert layout.turn(said) == layout.turn("Do you deliver")


def test_of_a_long_turn_the_end_counts(layout: Layout) -> None:
    turn = layout.turn("well, " * 200 + "do you deliver?")
    assert text(turn.ids).endswith("do you deliver\n[]")
    assert len(turn.ids) == len("\nCaller: \n[]") + MAX_QUESTION


@pytest.mark.parametrize(("line", "label"), [(1, "AB"), (None, "AC")])
def test_the_question_before_comes_with_the_line_that_answered_it(layout: Layout, line: int | None, label: str) -> None:
    _, labels = layout.lines("Corner Bakery", STATEMENTS)
    assert text(layout.before("How much is a loaf?", line, labels)) == f"\nBefore: How much is a loaf [{label}]"
