"""What is known of a pause, and what follows from it."""

from __future__ import annotations

import pytest

from pipeline.endpointing import Waits
from pipeline.pause import Pause

WAITS = Waits()
QUESTION = "Are you open today?"


def test_nothing_is_decided_before_sound_words_and_answer_are_known() -> None:
    pause = Pause(1, 0)
    assert pause.wait_ms(WAITS) == WAITS.max_ms
    pause.audio = 0.99
    assert pause.wait_ms(WAITS) == WAITS.max_ms
    pause.text, pause.ending = QUESTION, 5.0
    assert pause.wait_ms(WAITS) == WAITS.max_ms
    pause.answered = True
    assert pause.wait_ms(WAITS) == WAITS.sure_ms


@pytest.mark.parametrize(
    ("pause", "wanted"),
    [
        (Pause(1, 0, 0.9), False),
        (Pause(1, 0, 0.9, ""), False),
        (Pause(1, 0, 0.9, QUESTION), True),
        (Pause(1, 0, None, QUESTION, 5.0), True),
        (Pause(1, 0, 0.9, QUESTION, 5.0), False),
        (Pause(1, 0, 0.9, QUESTION, 1.0), True),
        (Pause(1, 0, 0.9, QUESTION, 3.8, answered=False), True),
        (Pause(1, 0, 0.9, QUESTION, 1.0, judging=True), False),
        (Pause(1, 0, 0.9, QUESTION, 1.0, wordless=True), False),
    ],
    ids=[
        "no text yet",
        "no words",
        "no ending",
        "no sound",
        "enough",
        "not enough",
        "unanswered",
        "asked already",
        "nobody to ask",
    ],
)
def test_the_words_are_wanted_where_the_rest_does_not_say_enough(pause: Pause, wanted: bool) -> None:
    assert pause.words_wanted(WAITS) is wanted


def test_a_way_in_waits_however_whole_it_is() -> None:
    assert Pause(1, 0, 0.99, "Hello.", 5.0, answered=True).wait_ms(WAITS) == WAITS.unsure_ms
