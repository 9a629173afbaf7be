"""What a caller's manner so far says of the next silence."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.tempo import CUT_IN_MS, LEAST, MOST, THINKING_MS, Tempo


def told(turns: int, pauses: int) -> Tempo:
    return Tempo(turns, pauses)


def test_nothing_is_known_of_a_new_caller() -> None:
    assert Tempo().log_odds == 0.0


def test_who_asks_in_one_breath_is_believed_more_from_turn_to_turn_and_never_wholly() -> None:
    odds = [told(turns, 0).log_odds for turns in range(12)]
    assert odds[:4] == sorted(set(odds[:4]))
    assert odds[-1] == MOST


def test_one_pause_to_think_counts_before_its_turn_is_over() -> None:
    tempo = Tempo()
    tempo.went_on(THINKING_MS)
    assert LEAST < tempo.log_odds < 0 < told(1, 0).log_odds


def test_a_breath_at_a_comma_says_nothing() -> None:
    tempo = Tempo()
    tempo.went_on(THINKING_MS - 1)
    assert tempo == Tempo()


def test_whom_the_bot_cut_in_on_had_not_ended() -> None:
    tempo = Tempo()
    tempo.ended()
    tempo.spoke_over_the_bot(CUT_IN_MS - 1)
    assert tempo == told(0, 1)


def test_whoever_interrupts_what_they_have_heard_had_ended() -> None:
    tempo = Tempo()
    tempo.ended()
    tempo.spoke_over_the_bot(CUT_IN_MS)
    assert tempo == told(1, 0)


@given(turns=st.integers(0, 60), pauses=st.integers(0, 60))
def test_a_pause_more_never_makes_an_end_likelier_nor_a_turn_less_likely(turns: int, pauses: int) -> None:
    odds = told(turns, pauses).log_odds
    assert LEAST <= told(turns, pauses + 1).log_odds <= odds <= told(turns + 1, pauses).log_odds <= MOST
