"""Replays of event logs: what is the same, what differs, and how that reads."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_event_log import events

from pipeline.endpointing import Waits
from pipeline.event_log import Answer, Entry, EventLog, Gap
from pipeline.replay import replay, report
from pipeline.turn import IllegalTransitionError, State, TurnMachine, TurnTaking
from pipeline.turn_events import (
    CallEnded,
    CallStarted,
    FinalReady,
    Heard,
    ReplyComplete,
    ReplyPhraseReady,
    SilenceReached,
    SpeechPaused,
    SpeechStarted,
    TurnEvent,
    Verdict,
)

MS = 1_000_000
SETTINGS = TurnTaking(waits=Waits(sure_ms=160), words=False)
CALL: list[tuple[int, TurnEvent]] = [
    (0, CallStarted()),
    (1, ReplyPhraseReady(1, 0, 8000, "Hello.")),
    (1, ReplyComplete(1, hang_up=False)),
    (1000, Heard(8000)),
    (2064, SpeechStarted(16000)),
    (3060, SpeechPaused(24000)),
    (3100, FinalReady(1, "are you open", 0.9)),
    (3110, Verdict(1, 0.95)),
    (3160, SilenceReached(25280)),
    (3300, ReplyPhraseReady(2, 0, 4000, "Yes.")),
    (3300, ReplyComplete(2, hang_up=False)),
    (3800, Heard(12000)),
    (4000, CallEnded("caller_hung_up")),
]


def log(call: list[tuple[int, TurnEvent]], settings: TurnTaking = SETTINGS) -> EventLog:
    machine = TurnMachine(settings, 8000)
    items = []
    for ms, event in call:
        commands = tuple(machine.handle(event, ms * MS))
        items.append(Entry(ms * MS, event, Answer(commands, machine.alarm_sample, machine.alarm_ns)))
    return EventLog(8000, settings, tuple(items))


def test_the_same_events_give_the_same_commands() -> None:
    replayed = replay(log(CALL))
    assert replayed.same
    assert replayed.entries == len(CALL)
    assert replayed.states[-4:] == (State.SPEAKING, State.SPEAKING, State.IDLE, State.ENDING)


@given(st.lists(st.tuples(st.integers(0, 20_000), events), max_size=40))
def test_any_events_give_the_same_commands(found: list[tuple[int, TurnEvent]]) -> None:
    call = sorted(found, key=lambda pair: pair[0])
    try:
        written = log([(0, CallStarted()), *call])
    except IllegalTransitionError:  # no leg sends such events
        return
    assert replay(written).same


@pytest.mark.parametrize("change", [-40, 40])
def test_a_changed_threshold_is_seen_in_either_direction(change: int) -> None:
    waits = replace(SETTINGS.waits, sure_ms=SETTINGS.waits.sure_ms + change)
    replayed = replay(log(CALL), replace(SETTINGS, waits=waits))
    assert not replayed.same
    assert replayed.differences[0].number == 7  # where the silence to wait for is first known


def test_the_difference_reads_like_a_diff() -> None:
    recorded = log(CALL)
    text = report(recorded, replay(recorded, replace(SETTINGS, waits=replace(SETTINGS.waits, sure_ms=400))))
    lines = text.split("\n")
    assert lines[:5] == [
        "      3.060 s  SpeechPaused(sample=24000)",
        "      3.100 s  FinalReady(bet=1, text='are you open', confidence=0.9, ending=0.0)",
        "@     3.110 s  Verdict(bet=1, probability=0.95)   (event 8, betting)",
        "-   alarm_sample: 25280",
        "+   alarm_sample: 26000",
    ]
    assert "@     3.160 s  SilenceReached(sample=25280)   (event 9, betting)" in lines
    assert "-   Commit(turn_id=2, text='are you open', speech_end=24000, complete=0.95)" in lines
    assert "consequences" in text


def test_commands_that_stayed_are_shown_around_those_that_changed() -> None:
    recorded = log(CALL)
    entry = recorded.entries[8]
    other = replace(entry, answer=replace(entry.answer, commands=entry.answer.commands[1:]))
    changed = replace(recorded, items=(*recorded.items[:8], other, *recorded.items[9:]))
    assert "+   Count(name='bet_won')\n    Commit(" in report(changed, replay(changed))


def test_a_replay_ends_where_events_are_missing() -> None:
    recorded = log(CALL)
    replayed = replay(replace(recorded, items=(*recorded.items[:4], Gap(3), *recorded.items[7:])))
    assert not replayed.same
    assert (replayed.entries, replayed.differences) == (4, ())
    assert "3 events are missing" in report(recorded, replayed)


def test_a_machine_that_cannot_go_on_is_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = log(CALL)
    monkeypatch.setitem(__import__("pipeline.turn", fromlist=["_LEGAL"])._LEGAL, State.BETTING, frozenset())
    replayed = replay(recorded)
    assert replayed.differences[-1].raised == "illegal transition: betting to thinking"
    assert "cannot go on" in report(recorded, replayed)
