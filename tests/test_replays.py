"""Recorded calls, replayed from their event logs by today's machine with today's thresholds: fixtures/replays, made by fixtures/make_replays.py.

A change of the machine or of a threshold that changes what a recorded caller would have heard shows up here, as a diff.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import fields, replace
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

import pipeline.backchannel
import pipeline.endpointing
from config.bot import load_bot
from config.settings import load_settings
from pipeline.endpointing import _ALL, Waits
from pipeline.event_log import Entry, EventLog
from pipeline.replay import replay, report
from pipeline.turn import State, TurnTaking
from pipeline.turn_events import (
    CallEnded,
    Count,
    FinalReady,
    Finish,
    KeyPressed,
    MakeReply,
    SpeechPaused,
    SpeechStarted,
    Verdict,
    WordsVerdict,
)
from telephony.loading import turn_taking
from telephony.recording.fixture import REPLAYS
from telephony.recording.reader import Recording, recordings

NAMES = [path.name for path in recordings(REPLAYS)]


@cache
def log(name: str) -> EventLog:
    return Recording.open(REPLAYS / name).events()


@cache
def today(name: str) -> TurnTaking:
    """As `firstword serve` would set it for this bot now."""
    bot = Recording.open(REPLAYS / name).bot
    assert bot is not None
    return turn_taking(load_settings(), load_bot(bot))


@pytest.mark.parametrize("name", NAMES)
def test_the_same_events_give_the_same_commands(name: str) -> None:
    replayed = replay(log(name), today(name))
    assert replayed.same, "\n" + report(log(name), replayed)


@pytest.mark.parametrize("name", NAMES)
def test_a_fixture_is_a_whole_call(name: str) -> None:
    recording = Recording.open(REPLAYS / name)
    assert recording.state == "complete"
    assert log(name).complete
    assert recording.transcript()


def test_all_of_them_take_milliseconds() -> None:
    began = time.process_time()
    for name in NAMES:
        replay(log(name), today(name))
    assert (time.process_time() - began) / len(NAMES) < 0.25  # measured: 0.005 s


# what the calls are about

Step = tuple[State, Entry, State]


def steps(name: str) -> list[Step]:
    """Each event between the states before it and after it."""
    states = [State.IDLE, *replay(log(name)).states]
    return [(before, entry, after) for entry, (before, after) in zip(log(name).entries, pairwise(states), strict=True)]


def spoke_in(state: State, into: State) -> Callable[[list[Step]], bool]:
    """The caller began to speak in this state."""
    return lambda found: any(
        isinstance(entry.event, SpeechStarted) and (before, after) == (state, into) for before, entry, after in found
    )


def hung_up_in(state: State) -> Callable[[list[Step]], bool]:
    return lambda found: found[-1][0] is state and found[-1][1].event == CallEnded("caller_hung_up")


def cut(phrases: int, low_ms: int, high_ms: int) -> Callable[[list[Step]], bool]:
    """A reply was cut after so many whole phrases, so far into the next."""
    return lambda found: any(
        c.outcome == "interrupted" and c.phrases == phrases and low_ms * 8 <= c.offset < high_ms * 8
        for c in commands(found)
        if isinstance(c, Finish)
    )


def commands(found: list[Step]) -> list[Any]:
    return [command for _, entry, _ in found for command in entry.answer.commands]


def counted(name: str, times: int = 1) -> Callable[[list[Step]], bool]:
    return lambda found: commands(found).count(Count(name)) >= times


def made(*kinds: str) -> Callable[[list[Step]], bool]:
    return lambda found: [c.kind for c in commands(found) if isinstance(c, MakeReply)] == list(kinds)


def gap_in_the_log(found: list[Step]) -> bool:
    """For two seconds nothing came, while the caller spoke or the bot did."""
    times = [(before, entry.at_ns) for before, entry, _ in found]
    return any(
        b - a > 1.7e9 and state in (State.LISTENING, State.SPEAKING, State.BETTING) for (_, a), (state, b) in pairwise(times)
    )


def keys_during_speech(found: list[Step]) -> bool:
    talking = False
    for _, entry, _ in found:
        if isinstance(entry.event, KeyPressed) and talking:
            return True
        talking = isinstance(entry.event, SpeechStarted) or (talking and not isinstance(entry.event, SpeechPaused))
    return False


def answered_pauses(found: list[Step]) -> bool:
    """Of the pauses inside the sentences none ended the turn: both were understood whole."""
    return counted("bet_won", 2)(found) and not counted("bet_won", 3)(found) and counted("bet_lost", 6)(found)


ABOUT: dict[str, list[Callable[[list[Step]], bool]]] = {
    "interrupt-greeting": [spoke_in(State.SPEAKING, State.SUSPENDED), cut(0, 500, 3000)],
    "interrupt-betting": [spoke_in(State.BETTING, State.LISTENING)],
    "interrupt-thinking": [spoke_in(State.THINKING, State.LISTENING), counted("commit_undone")],
    "interrupt-first-phrase": [counted("barge_in_cancelled"), cut(0, 500, 5000)],
    "interrupt-between-phrases": [counted("barge_in_cancelled"), cut(1, 0, 60)],
    "interrupt-last-phrase": [counted("barge_in_cancelled"), cut(1, 500, 3000)],
    "hum": [counted("barge_in_resumed")],
    "echo": [counted("barge_in_cancelled"), lambda found: not counted("barge_in_resumed")(found)],
    "hesitation": [answered_pauses],
    "keys": [keys_during_speech, counted("keys_with_words"), made("answer", "keys")],
    "silence": [made("reprompt", "reprompt", "goodbye")],
    "hangup-greeting": [hung_up_in(State.SPEAKING), lambda found: log_has_no(found, FinalReady)],
    "hangup-listening": [hung_up_in(State.LISTENING)],
    "hangup-betting": [hung_up_in(State.BETTING)],
    "hangup-thinking": [hung_up_in(State.THINKING)],
    "hangup-speaking": [hung_up_in(State.SPEAKING), counted("bet_won")],
    "hangup-suspended": [hung_up_in(State.SUSPENDED)],
    "jitter": [counted("barge_in_cancelled")],
    "lost-frames": [counted("barge_in_cancelled"), counted("barge_in_resumed")],
    "stall-speech": [gap_in_the_log],
    "stall-reply": [gap_in_the_log, counted("barge_in_cancelled")],
    "question": [made("answer")],
    "doubt": [made("answer"), lambda found: {WordsVerdict, Verdict} <= {type(entry.event) for _, entry, _ in found}],
}


def log_has_no(found: list[Step], kind: type) -> bool:
    return not any(isinstance(entry.event, kind) for _, entry, _ in found)


def test_there_is_a_call_for_everything() -> None:
    assert set(ABOUT) <= set(NAMES)
    assert len(ABOUT) >= 12


@pytest.mark.parametrize("name", ABOUT)
def test_the_call_is_what_it_is_named_for(name: str) -> None:
    found = steps(name)
    assert [index for index, holds in enumerate(ABOUT[name]) if not holds(found)] == []


# a changed threshold is seen

CHANGED: dict[str, Any] = {
    "pause_ms": 60,
    "sure": 0.8,
    "sure_ms": 400,
    "certain": 0.95,
    "certain_ms": 180,
    "unsure_ms": 740,
    "unlikely_ms": 1450,
    "max_ms": 1700,
    "fluency": 0.0,
    "words": False,
    "resume_ms": 440,
    "silence_s": 7.5,
    "reprompts": 1,
    "key_pause_s": 1.4,
    "max_utterance_s": 27.0,
    "think_s": 7.5,
    "max_call_s": 20.0,
}


def differing(change: Callable[[TurnTaking], TurnTaking]) -> list[str]:
    return [name for name in NAMES if not replay(log(name), change(today(name))).same]


def changed(settings: TurnTaking, field: str, value: Any) -> TurnTaking:
    if field in {f.name for f in fields(Waits)}:
        return replace(settings, waits=replace(settings.waits, **{field: value}))
    return replace(settings, **{field: value})


def test_every_threshold_is_tried() -> None:
    assert {f.name for kind in (Waits, TurnTaking) for f in fields(kind)} - {"waits"} == CHANGED.keys()


@pytest.mark.parametrize("field", CHANGED)
def test_one_changed_threshold_makes_a_replay_fail(field: str) -> None:
    assert differing(lambda settings: changed(settings, field, CHANGED[field]))


@pytest.mark.parametrize("field", ["sure_ms", "resume_ms", "silence_s", "pause_ms", "max_ms"])
def test_in_the_other_direction_too(field: str) -> None:
    default = {f.name: f.default for kind in (Waits, TurnTaking) for f in fields(kind)}[field]
    assert differing(lambda settings: changed(settings, field, default - (CHANGED[field] - default)))


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        *(
            (pipeline.endpointing, "_ALL", replace(_ALL, **{name: getattr(_ALL, name) - 0.3}))
            for name in ("bias", "sound", "words", "ending")
        ),
        (pipeline.backchannel, "_MAX_WORDS", 0),
        (pipeline.backchannel, "_HUMS", frozenset[str]()),
    ],
)
def test_so_do_the_constants_behind_them(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, value: object) -> None:
    monkeypatch.setattr(module, name, value)
    assert differing(lambda settings: settings)


def test_the_settings_variable_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an operator sets reaches the replay as it reaches a call."""
    monkeypatch.setenv("FIRSTWORD_TURN__UNSURE_MS", "700")
    bot = Recording.open(REPLAYS / "question").bot
    assert bot is not None
    assert not replay(log("question"), turn_taking(load_settings(), load_bot(bot))).same
