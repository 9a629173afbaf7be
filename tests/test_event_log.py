"""The event log's codec: every event and command there and back, and what is no log."""

from __future__ import annotations

import json
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.endpointing import Waits
from pipeline.event_log import (
    COMMANDS,
    EVENTS,
    VERSION,
    Answer,
    Entry,
    EventLog,
    EventLogError,
    Gap,
    decode,
    encode,
    entry_line,
    header_line,
    read_log,
)
from pipeline.turn import TurnTaking
from pipeline.turn_events import CallEnded, CallStarted, FinalReady, Flush, Heard, TurnCommand, TurnEvent, Verdict

SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-(2**62), 2**62),
    float: st.floats(allow_nan=False, allow_infinity=False),
    str: st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    bool: st.booleans(),
}


def of(kind: type) -> st.SearchStrategy[Any]:
    """Any instance of a dataclass of scalars."""
    hints = get_type_hints(kind)
    return st.builds(
        kind, **{n: st.sampled_from(get_args(h)) if get_origin(h) is Literal else SCALARS[h] for n, h in hints.items()}
    )


events = st.one_of([of(kind) for kind in EVENTS.values()])
commands = st.one_of([of(kind) for kind in COMMANDS.values()])
alarm = st.none() | st.integers(0, 2**62)
entries = st.builds(
    Entry, st.integers(0, 2**62), events, st.builds(Answer, st.lists(commands, max_size=4).map(tuple), alarm, alarm)
)
gaps = st.builds(Gap, st.integers(1, 10**6))
thresholds = st.builds(TurnTaking, waits=st.builds(Waits, sure=st.floats(0, 1), max_ms=st.integers(0, 9999)), words=st.booleans())


def text(log: EventLog) -> str:
    return "".join(f"{line}\n" for line in (header_line(log.rate_hz, log.settings), *map(entry_line, log.items)))


def test_every_event_and_command_has_a_name() -> None:
    assert len(EVENTS) == len(get_args(TurnEvent)) == 17
    assert len(COMMANDS) == len(get_args(TurnCommand)) == 13
    assert not EVENTS.keys() & COMMANDS.keys()


@given(events)
def test_an_event_comes_back(event: TurnEvent) -> None:
    assert decode(json.loads(json.dumps(encode(event))), EVENTS) == event


@given(commands)
def test_a_command_comes_back(command: TurnCommand) -> None:
    assert decode(json.loads(json.dumps(encode(command))), COMMANDS) == command


@given(st.lists(entries | gaps, max_size=5), thresholds, st.sampled_from([8000, 16000]))
def test_a_log_comes_back(items: list[Entry | Gap], settings: TurnTaking, rate_hz: int) -> None:
    log = EventLog(rate_hz, settings, tuple(items))
    written = text(log)
    assert read_log([f"{line}\n" for line in written.split("\n")[:-1]]) == log


def test_what_a_model_returns_is_a_plain_number() -> None:
    encoded = encode(Verdict(1, np.float32(0.5)))  # type: ignore[arg-type]
    assert type(encoded["probability"]) is float
    assert encoded == {"type": "Verdict", "bet": 1, "probability": 0.5}


HEAD = header_line(8000, TurnTaking())
FIRST = entry_line(Entry(5, CallStarted(), Answer((Flush(1),), 3, 4)))


def test_a_line_reads_as_what_happened() -> None:
    assert json.loads(FIRST) == {
        "at_ns": 5,
        "event": {"type": "CallStarted"},
        "commands": [{"type": "Flush", "turn_id": 1}],
        "alarm_sample": 3,
        "alarm_ns": 4,
    }
    assert json.loads(entry_line(Entry(6, Heard(1), Answer()))) == {"at_ns": 6, "event": {"type": "Heard", "sample": 1}}


@pytest.mark.parametrize("cut", [1, 20, len(FIRST) - 1, len(FIRST)])
def test_a_last_line_without_its_end_was_cut(cut: int) -> None:
    log = read_log([f"{HEAD}\n", f"{FIRST}\n", FIRST[:cut]])
    assert (log.cut, len(log.entries), log.complete) == (True, 1, False)


def test_only_a_log_that_ends_is_complete() -> None:
    end = Entry(9, CallEnded("x"), Answer())
    assert EventLog(8000, TurnTaking(), (end,)).complete
    assert not EventLog(8000, TurnTaking(), (Gap(2), end)).complete
    assert not EventLog(8000, TurnTaking(), (Entry(9, Heard(1), Answer()),)).complete
    assert not EventLog(8000, TurnTaking(), ()).complete
    assert EventLog(8000, TurnTaking(), (Gap(2), end, Gap(3))).lost == 5


def test_a_threshold_that_an_old_log_does_not_know_has_its_default() -> None:
    head = json.loads(HEAD)
    del head["turn"]["think_s"], head["turn"]["waits"]["max_ms"]
    head["turn"]["resume_ms"] = 123
    assert read_log([json.dumps(head) + "\n"]).settings == TurnTaking(resume_ms=123)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 2}, r"version 2 is not known to this firstword, which reads version 1"),
        ({"version": "1"}, "version '1'"),
        ({"version": True}, "version True"),
        ({"what": "a poem"}, "line 1: this is no log"),
        ({"rate_hz": "8000"}, "rate_hz is '8000'"),
        ({"turn": None}, "thresholds"),
        ({"turn": {"waits": {}, "patience": 1}}, "TurnTaking has no patience"),
        ({"turn": {"waits": {"sure": "very"}}}, "Waits.sure is 'very'"),
    ],
)
def test_a_wrong_header_is_refused(change: dict[str, Any], said: str) -> None:
    assert VERSION == 1
    with pytest.raises(EventLogError, match=said):
        read_log([json.dumps({**json.loads(HEAD), **change}) + "\n"])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("not json", "line 2"),
        ("[]", "line 2: no JSON object"),
        ('{"event": {"type": "CallStarted"}}', "line 2: at_ns"),
        ('{"at_ns": 1.5, "event": {"type": "CallStarted"}}', "at_ns is 1.5"),
        ('{"at_ns": 1, "event": {"type": "Sneezed"}}', "line 2: no CallEnded"),
        ('{"at_ns": 1, "event": {"type": "Flush", "turn_id": 1}}', "line 2: no CallEnded"),
        ('{"at_ns": 1, "event": {"type": "Heard"}}', "Heard lacks sample"),
        ('{"at_ns": 1, "event": {"type": "Heard", "sample": 1, "loud": true}}', "Heard has no loud"),
        ('{"at_ns": 1, "event": {"type": "Heard", "sample": true}}', "Heard.sample is True"),
        ('{"at_ns": 1, "event": {"type": "EngineFailed", "engine": "gpu", "number": 1}}', "engine is 'gpu'"),
        ('{"at_ns": 1, "event": {"type": "CallStarted"}, "commands": {}}', "commands is no list"),
        ('{"at_ns": 1, "event": {"type": "CallStarted"}, "alarm_ns": "soon"}', "alarm_ns is 'soon'"),
    ],
)
def test_a_wrong_line_is_named(line: str, said: str) -> None:
    with pytest.raises(EventLogError, match=said):
        read_log([f"{HEAD}\n", f"{line}\n"])


def test_an_empty_log_is_refused() -> None:
    for nothing in ([], [HEAD]):
        with pytest.raises(EventLogError, match="empty"):
            read_log(nothing)


def test_words_may_be_of_any_language() -> None:
    entry = Entry(1, FinalReady(1, "Grüße, 你好 \u2028\n", 0.5), Answer())
    assert read_log([f"{HEAD}\n", entry_line(entry) + "\n"]).items == (entry,)
