"""What is known of a pause, who is asked next, and what follows from it."""

from __future__ import annotations

import pytest

from pipeline.endpointing import Waits
from pipeline.pause import Pause

WAITS = Waits()
QUESTION = "Are you open today?"


def pause(text: str | None = QUESTION, ending: float = 1.0, **known: object) -> Pause:
    made = Pause(1, 0, text=text, ending=ending)
    for name, value in known.items():
        setattr(made, name, value)
    return made


def test_nothing_is_decided_before_the_transcript_and_its_answer_are_known() -> None:
    found = Pause(1, 0)
    assert found.wait_ms(WAITS) == WAITS.max_ms
    found.text, found.ending = QUESTION, 4.7
    assert found.wait_ms(WAITS) == WAITS.max_ms
    found.answered = True
    assert WAITS.certain_ms < found.wait_ms(WAITS) < WAITS.sure_ms
    found.ending = 8.0
    assert found.wait_ms(WAITS) == WAITS.certain_ms


@pytest.mark.parametrize(
    ("known", "judge"),
    [
        (pause(None), None),
        (pause(""), None),
        (pause(ending=8.0), None),
        (pause(ending=4.7), "words"),
        (pause(ending=3.0, answered=False), "words"),
        (pause(), "words"),
        (pause(words_asked=True), None),
        (pause(words_asked=True, words=0.9, ending=4.0), None),
        (pause(words_asked=True, words=0.1), "sound"),
        (pause(wordless=True), "sound"),
        (pause(words_asked=True, words=0.1, sound_asked=True), None),
        (pause(ending=0.0), "words"),
        (pause(ending=0.0, words_asked=True), "sound"),
        (pause(ending=0.0, words_asked=True, sound_asked=True), None),
    ],
    ids=[
        "no text yet",
        "no words",
        "a clear end",
        "most likely an end",
        "an end that nothing answers",
        "no clear end",
        "being asked",
        "the words are clear",
        "the words are not",
        "nobody for the words",
        "all are asked",
        "no ending known",
        "no ending known, words asked",
        "no ending known, both asked",
    ],
)
def test_who_is_asked_next(known: Pause, judge: str | None) -> None:
    assert known.next_judge(WAITS) == judge


def test_the_words_are_waited_for() -> None:
    found = pause(ending=4.7, answered=True, words_asked=True)
    assert found.wait_ms(WAITS) == WAITS.max_ms
    found.words = 0.95
    assert found.wait_ms(WAITS) < WAITS.sure_ms


def test_nobody_waits_for_the_sound_where_words_and_ending_are_known() -> None:
    found = pause(ending=2.0, answered=True, words_asked=True, words=0.6, sound_asked=True)
    unheard_ms = found.wait_ms(WAITS)
    assert WAITS.sure_ms < unheard_ms < WAITS.max_ms
    found.audio = 0.05
    assert found.wait_ms(WAITS) > unheard_ms


@pytest.mark.parametrize(
    "found",
    [
        pause(ending=0.0, answered=True, words_asked=True, words=0.99, sound_asked=True),
        pause(ending=4.0, answered=True, wordless=True, sound_asked=True),
    ],
    ids=["without an ending", "without the words"],
)
def test_where_less_is_known_the_sound_is_waited_for(found: Pause) -> None:
    assert found.wait_ms(WAITS) == WAITS.max_ms
    found.audio = 0.99
    assert found.wait_ms(WAITS) < WAITS.max_ms


@pytest.mark.parametrize("text", ["Hello.", "Okay, thank you."])
def test_a_way_in_waits_however_whole_it_is(text: str) -> None:
    assert pause(text, 5.0, answered=True).wait_ms(WAITS) == WAITS.lingering_ms


@pytest.mark.parametrize(
    "text", ["No, I meant Saturday.", "I can park there?", "I'd like to know what a full service costs, please."]
)
def test_what_looks_like_one_does_not(text: str) -> None:
    assert pause(text, 4.7, answered=True).wait_ms(WAITS) < WAITS.sure_ms
