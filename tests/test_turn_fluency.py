"""The turn machine learns whether this caller stops to think. What it makes of that is in test_fluency.py."""

from __future__ import annotations

from dataclasses import replace

from test_turn import GREETING, PHRASE, SETTINGS, Floor, greeted, paused

from pipeline.turn import State
from pipeline.turn_events import (
    FinalReady,
    Heard,
    KeyPressed,
    MakeReply,
    Play,
    ReplyComplete,
    ReplyPhraseReady,
    ReplyPlanned,
    Silenced,
    SpeechPaused,
    SpeechStarted,
    Transcribe,
    Verdict,
)

PATIENT = replace(SETTINGS, waits=replace(SETTINGS.waits, sure=0.9))
FORGETFUL = replace(PATIENT, waits=replace(PATIENT.waits, fluency=0.0))


def wait_ms(floor: Floor, start: int, text: str = "are you open today") -> int:
    """How long somebody is waited for who talks for a second from `start` ms on and sounds a little unsure."""
    bet = next(c.bet for c in paused(floor, start, start + 1000) if isinstance(c, Transcribe))
    return _wait_ms(floor, bet, start + 1000, text)


def _wait_ms(floor: Floor, bet: int, silent_from: int, text: str) -> int:
    made = floor(FinalReady(bet, text, 0.9), Verdict(bet, 0.3), at=silent_from + 100)
    turn = next(c.turn_id for c in made if isinstance(c, MakeReply))
    floor(ReplyPlanned(turn, answered=True))
    assert floor.alarm_ms is not None
    return floor.alarm_ms - silent_from


def answer(floor: Floor) -> None:
    """The silence is long enough; the reply is one phrase, heard whole."""
    assert floor.alarm_ms is not None
    said = [c.turn_id for c in floor.said if isinstance(c, MakeReply)][-1]
    floor(ReplyPhraseReady(said, 0, PHRASE, "Yes."), ReplyComplete(said, hang_up=False))
    floor.silence(floor.alarm_ms)
    given = GREETING + PHRASE * sum(isinstance(c, Play) and c.turn_id != 1 for c in floor.said)
    floor(Heard(given), at=floor.ms + 500)
    assert floor.state is State.IDLE


NEW = wait_ms(greeted(PATIENT), 2000)


def test_who_has_asked_in_one_breath_is_answered_sooner() -> None:
    floor, waits = greeted(PATIENT), []
    for start in (2000, 8000, 14000, 20000):
        waits.append(wait_ms(floor, start))
        answer(floor)
    assert waits[0] == NEW
    assert waits == sorted(set(waits), reverse=True)


def test_who_has_stopped_to_think_is_waited_for_longer() -> None:
    floor = greeted(PATIENT)
    wait_ms(floor, 2000)
    assert wait_ms(floor, 3600, "are you open today or is it only tomorrow") > NEW


def test_a_noise_after_the_last_word_makes_nobody_a_caller_who_stops() -> None:
    floor = greeted(PATIENT)
    wait_ms(floor, 2000)
    assert wait_ms(floor, 3600) == NEW


def test_who_calls_hello_because_nobody_answered_has_not_stopped_to_think() -> None:
    floor = greeted(PATIENT)
    wait_ms(floor, 2000)
    assert floor.alarm_ms is not None
    floor.silence(floor.alarm_ms)
    assert floor.state is State.THINKING
    assert wait_ms(floor, 5100, "are you open today hello are you there") == NEW


def test_who_is_cut_in_on_is_waited_for_longer_at_once() -> None:
    assert _cut_in(heard_ms=500) > NEW


def test_who_interrupts_what_they_have_heard_asks_in_one_breath_still() -> None:
    assert _cut_in(heard_ms=600) < NEW


def _cut_in(heard_ms: int) -> int:
    """The wait after words over the reply to a turn that ended at 3000 ms, of which so much was heard."""
    floor = greeted(PATIENT)
    wait_ms(floor, 2000)
    said = next(c.turn_id for c in reversed(floor.said) if isinstance(c, MakeReply))
    floor(ReplyPhraseReady(said, 0, 4 * PHRASE, "Yes."), ReplyComplete(said, hang_up=False))
    assert floor.alarm_ms is not None
    floor.silence(floor.alarm_ms)
    floor(SpeechStarted(4000 * 8), at=4090)
    bet = next(c.bet for c in floor(SpeechPaused(4500 * 8), at=4564) if isinstance(c, Transcribe))
    floor(Silenced(GREETING + heard_ms * 8, error_ms=20), at=4570)
    return _wait_ms(floor, bet, 4500, "or only at the weekend then")


def test_what_was_said_for_too_long_ends_in_no_silence() -> None:
    floor = greeted(PATIENT)
    floor(SpeechStarted(2000 * 8), at=2064)
    bet = next(c.bet for c in floor.silence(30000) if isinstance(c, Transcribe))
    assert _wait_ms(floor, bet, 30000, "a long story") == NEW
    assert wait_ms(floor, 30600, "a long story with an end") == NEW


def test_keys_and_reprompts_are_no_turns_of_a_caller() -> None:
    floor = greeted(PATIENT)
    floor(KeyPressed("1"), at=2000)
    floor.timer()
    answer_keys = [c.turn_id for c in floor.said if isinstance(c, MakeReply)][-1]
    floor(ReplyPhraseReady(answer_keys, 0, PHRASE, "One."), ReplyComplete(answer_keys, hang_up=False))
    floor(Heard(GREETING + PHRASE), at=floor.ms + 500)
    floor.timer()
    reprompt = [c.turn_id for c in floor.said if isinstance(c, MakeReply)][-1]
    floor(ReplyPhraseReady(reprompt, 0, PHRASE, "Hello?"), ReplyComplete(reprompt, hang_up=False))
    floor(Heard(GREETING + 2 * PHRASE), at=floor.ms + 500)
    assert floor.state is State.IDLE
    assert wait_ms(floor, floor.ms + 1000) == NEW


def test_a_bot_may_judge_every_silence_for_itself() -> None:
    floor = greeted(FORGETFUL)
    for start in (2000, 8000):
        assert wait_ms(floor, start) == NEW
        answer(floor)
