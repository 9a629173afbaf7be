"""Times at the ear from marks: whatever the network takes, and wherever in a phrase its sound begins and ends."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.at_ear import AtEar
from pipeline.leg import Pcm

MS = 1_000_000


def sound(*parts: tuple[int, int]) -> Pcm:
    """(ms, level) one after the other, at 8000 Hz."""
    return np.concatenate([np.full(8 * ms, level, np.int16) for ms, level in parts])


def ear(*parts: tuple[int, int], given_ms: int = 1000) -> AtEar:
    ear = AtEar(8000)
    ear.given(1, sound(*parts), given_ms * MS)
    return ear


def test_the_first_word_is_dated_from_the_first_mark_and_the_last_from_the_last() -> None:
    at = ear((60, 0), (400, 3000), (140, 0))
    at.played(160, 1120 * MS)  # after 20 ms of the phrase, 100 of network
    assert at.heard(1) == (0, 0)
    at.played(960, 1220 * MS)
    assert at.heard(1) == (1160 * MS, 1220 * MS)
    at.played(4800, 1700 * MS)
    assert at.heard(1) == (1160 * MS, 1560 * MS)


def test_phrases_that_come_late_are_not_dated_back() -> None:
    at = ear((200, 3000))
    at.played(1600, 1220 * MS)
    at.given(1, sound((200, 3000)), 5000 * MS)  # the ear was silent in between
    at.played(1760, 5030 * MS)
    assert at.heard(1) == (1020 * MS, 5030 * MS)


def test_turns_have_their_own_times() -> None:
    at = ear((200, 3000))
    at.given(2, sound((100, 3000)), 1010 * MS)
    at.played(2400, 1300 * MS)
    assert at.heard(1) == (1000 * MS, 1200 * MS)
    assert at.heard(2) == (1200 * MS, 1300 * MS)
    assert at.heard(3) == (0, 0)


@pytest.mark.parametrize(
    ("cut_ms", "expected_ms"),
    [(300, 1300), (500, 1400), (560, 1400), (700, 1700)],
    ids=["in a word", "in a pause", "late in a pause", "in the next word"],
)
def test_silence_begins_with_the_last_that_could_be_heard(cut_ms: int, expected_ms: int) -> None:
    at = ear((400, 3000), (200, 0), (400, 3000))
    at.played(800, 1100 * MS)
    assert at.silenced(cut_ms * 8, (1000 + cut_ms + 30) * MS) == expected_ms * MS
    assert at.heard(1) == (1000 * MS, expected_ms * MS)


def test_silenced_before_a_mark_was_back_it_can_not_have_been_heard_before_it_was_given() -> None:
    at = AtEar(8000)
    at.given(1, sound((200, 3000)), 1000 * MS)
    at.played(1600, 1220 * MS)
    at.given(2, sound((200, 3000)), 9000 * MS)
    assert at.silenced(1600 + 320, 9050 * MS) == 9000 * MS


def test_nothing_audible_is_nothing_heard() -> None:
    at = ear((400, 10))
    at.played(3200, 1400 * MS)
    assert at.silenced(3200, 1500 * MS) == 0
    assert at.heard(1) == (0, 0)


def test_memory_is_bounded() -> None:
    at = AtEar(8000)
    for turn in range(1000):
        at.given(turn, sound((20, 3000)), turn * 20 * MS)
        at.played((turn + 1) * 160, (turn + 1) * 20 * MS)
    assert len(at._pieces) < 100
    assert len(at._turns) < 10
    assert at.heard(999) == (999 * 20 * MS, 1000 * 20 * MS)
