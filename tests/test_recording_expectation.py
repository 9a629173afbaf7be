"""Two runs of a call compared: what may differ, and what may not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.recording.expectation import Expectation, Tolerances, Turn, compare, word_diff, words_differing
from telephony.recording.fixture import REPLAYS, expectation_of
from telephony.recording.reader import Recording, RecordingError

TURNS = (
    Turn("greeting", reply="Hello."),
    Turn("answered", 5000, "When are you open?", "We are open from nine to six.", 480),
    Turn("interrupted", 9000, "How can I pay?", "You can pay by card or in cash.", 500),
    Turn("reprompt", reply="Are you still there?"),
)
CALL = Expectation(TURNS, {"barge_in_cancelled": 1, "barge_in_resumed": 0})


def faults(**changes: object) -> list[str]:
    """Of the second turn, when it comes out like this."""
    turns = (TURNS[0], replace(TURNS[1], **changes), *TURNS[2:])  # type: ignore[arg-type]
    return [fault for pair in compare(CALL, replace(CALL, turns=turns)).pairs for fault in pair.faults]


def test_the_same_call_passes() -> None:
    assert compare(CALL, CALL).passed


@pytest.mark.parametrize("first_word_ms", [100, 480, 880, None])
def test_within_the_tolerance_nothing_is_wrong(first_word_ms: int | None) -> None:
    assert faults(first_word_ms=first_word_ms) == []


def test_a_late_first_word_is_told() -> None:
    assert faults(first_word_ms=881) == ["first word 401 ms later, 400 ms may be"]


def test_other_words_are_told_and_a_few_forgiven() -> None:
    assert faults(caller="when are you open") == []
    assert faults(reply="We're open from nine to six.") == []
    assert faults(caller="Where are you?") == ["understood otherwise: 43% of the words differ, 25% may"]
    assert faults(reply="I don't know that.") == ["answered otherwise: 100% of the words differ, 34% may"]


def test_another_outcome_is_told() -> None:
    assert faults(outcome="interrupted") == ["answered became interrupted"]


def test_missing_and_new_turns_stand_alone() -> None:
    without = compare(CALL, replace(CALL, turns=(TURNS[0], *TURNS[2:])))
    assert [(pair.expected, pair.faults) for pair in without.pairs if pair.faults] == [(TURNS[1], ("this turn did not come",))]
    extra = Turn("answered", 7000, "Hm", "Pardon?", 300)
    more = compare(CALL, replace(CALL, turns=(*TURNS[:2], extra, *TURNS[2:])))
    assert [(pair.got, pair.faults) for pair in more.pairs if pair.faults] == [(extra, ("there was no such turn",))]


def test_turns_are_matched_by_where_the_caller_fell_silent() -> None:
    assert faults(at_ms=5600) == []
    assert faults(at_ms=5800) == ["this turn did not come", "there was no such turn"]


def test_interruptions_are_counted() -> None:
    got = replace(CALL, counts={"barge_in_cancelled": 0, "barge_in_resumed": 1})
    assert compare(CALL, got).faults == (
        "barge_in_cancelled: 1 expected, 0 counted",
        "barge_in_resumed: 0 expected, 1 counted",
    )
    assert compare(replace(CALL, tolerances=Tolerances(interruptions=1)), got).passed


def test_the_diff_shows_both_words() -> None:
    assert word_diff("We are open from nine.", "We are closed from nine, sorry.") == (
        "We are [-open-] {+closed+} from nine, {+sorry.+}"
    )
    assert word_diff("", "new") == "{+new+}"
    assert word_diff("same", "Same.") == "Same."


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_share_is_a_share(before: str, after: str) -> None:
    assert 0.0 <= words_differing(before, after) <= 1.0
    assert words_differing(before, before) == 0.0


def test_it_comes_back_from_its_file() -> None:
    changed = replace(CALL, tolerances=Tolerances(first_word_ms=50))
    assert Expectation.from_json(changed.to_json(), "x") == changed


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"version": 1', '"version": 2', "version 2 is not known"),
        ('"outcome"', '"result"', "result"),
        ('"first_word_ms": 400', '"patience": 1', "patience"),
        ("{", "", "expect.json"),
    ],
)
def test_a_wrong_file_is_named(old: str, new: str, said: str) -> None:
    with pytest.raises(RecordingError, match=said):
        Expectation.from_json(CALL.to_json().replace(old, new, 1), "expect.json")


def test_the_gateways_trace_becomes_an_expectation() -> None:
    turns = [
        {"outcome": "greeting", "reply": "Hello.", "first_audio_ms": 1.0, "speech_end_sample": 0},
        {"outcome": "answered", "caller": "Hi", "reply": "Yes.", "first_audio_ms": 480.4, "speech_end_sample": 8000},
    ]
    got = Expectation.of_trace(turns, {"barge_in_resumed": 2, "bet_won": 1})
    assert got.turns == (Turn("greeting", reply="Hello."), Turn("answered", 1000, "Hi", "Yes.", 480))
    assert got.counts == {"barge_in_cancelled": 0, "barge_in_resumed": 2}


def test_a_fixtures_expectation_is_its_file() -> None:
    recording = Recording.open(REPLAYS / "interrupt-first-phrase")
    expected = expectation_of(recording)
    assert [turn.outcome for turn in expected.turns] == ["greeting", "interrupted", "answered"]
    assert expected.counts["barge_in_cancelled"] == 1
    assert expected.turns[2].at_ms > expected.turns[1].at_ms
