"""What a caller's pauses so far say of the next silence."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.fluency import GONE_MS, LEAST, MOST, THINKING_MS, Fluency


def after(*turns: bool) -> Fluency:
    """A caller of so many turns: those that are true had a pause to think in them."""
    fluency = Fluency()
    for stops in turns:
        take(fluency, stops=stops)
    return fluency


def take(fluency: Fluency, *, stops: bool) -> None:
    """A turn of eight words, with or without a pause in the middle."""
    if stops:
        pause(fluency)
    fluency.heard(8)
    fluency.ended()


def pause(fluency: Fluency, ms: float = THINKING_MS, words: int = 4, more: int = 2) -> None:
    """A silence after so many words, and then `more`."""
    fluency.heard(words)
    fluency.went_on(ms)
    fluency.heard(words + more)


def test_nothing_is_known_of_a_new_caller() -> None:
    assert Fluency().log_odds == 0.0


def test_who_asks_in_one_breath_is_believed_more_from_turn_to_turn_and_never_wholly() -> None:
    odds = [after(*[False] * turns).log_odds for turns in range(30)]
    assert odds[:5] == sorted(set(odds[:5]))
    assert odds[-1] < MOST + 0.01


def test_one_pause_to_think_counts_before_its_turn_is_over() -> None:
    fluency = Fluency()
    pause(fluency)
    assert LEAST < fluency.log_odds < 0


def test_more_pauses_in_a_turn_count_as_one() -> None:
    one, three = Fluency(), Fluency()
    pause(one)
    for words in (2, 4, 6):
        pause(three, words=words)
    assert one.log_odds == three.log_odds


def test_a_breath_at_a_comma_and_a_caller_whom_nobody_answered_say_nothing() -> None:
    for ms in (THINKING_MS - 1, GONE_MS):
        fluency = Fluency()
        pause(fluency, ms)
        assert fluency.log_odds == 0.0


def test_a_noise_in_the_silence_is_no_word() -> None:
    fluency = Fluency()
    pause(fluency, more=0)
    assert fluency.log_odds == 0.0


def test_a_pause_whose_transcript_never_came_is_one_when_words_follow() -> None:
    fluency = Fluency()
    fluency.went_on(THINKING_MS)
    fluency.went_on(THINKING_MS)
    fluency.heard(3)
    assert fluency.log_odds < 0


def test_whom_the_bot_cut_in_on_had_not_ended() -> None:
    cut_in_on, stopped = after(False, False), after(False)
    cut_in_on.cut_in()
    pause(stopped)
    assert cut_in_on.log_odds == stopped.log_odds


def test_small_talk_says_nothing_of_a_manner_but_ends_a_turn() -> None:
    fluency = after(True)
    before = fluency.log_odds
    fluency.heard(1)
    fluency.ended(telling=False)
    assert fluency.log_odds == before


def test_what_is_long_ago_counts_less() -> None:
    assert after(True, False, False, False).log_odds > after(False, False, False, True).log_odds


@given(turns=st.lists(st.booleans(), max_size=40), at=st.integers(0, 40))
def test_a_turn_with_a_pause_never_makes_an_end_likelier(turns: list[bool], at: int) -> None:
    odds = after(*turns).log_odds
    assert LEAST <= after(*turns, True).log_odds <= odds + 1e-9
    assert odds <= after(*turns, False).log_odds + 1e-9
    without = [stops and place != at for place, stops in enumerate(turns)]
    assert odds <= after(*without).log_odds + 1e-9
    assert after(*turns, False).log_odds <= MOST
