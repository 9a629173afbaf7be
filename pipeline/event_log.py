"""The event log of a call as lines of JSON: what went into the turn machine, and what came out of it. Pure: text in, data out.

Fed to a new machine, the events give the same answers (`pipeline/replay.py`). Format: docs/recordings.md.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from functools import cache
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

from pipeline.endpointing import Waits
from pipeline.turn import TurnTaking
from pipeline.turn_events import CallEnded, TurnCommand, TurnEvent

VERSION = 1
WHAT = "firstword turn events"

EVENTS: Mapping[str, type] = {kind.__name__: kind for kind in get_args(TurnEvent)}
COMMANDS: Mapping[str, type] = {kind.__name__: kind for kind in get_args(TurnCommand)}


class EventLogError(ValueError):
    """The text is no event log that this program reads; the message names the line."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the machine said to one event: its commands, and when it wants to be called without one.

    `alarm_sample` counts on the caller's timeline, `alarm_ns` from the same zero as the event's time.
    """

    commands: tuple[TurnCommand, ...] = ()
    alarm_sample: int | None = None
    alarm_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One event at `at_ns` (nanoseconds since the call began), and the answer to it."""

    at_ns: int
    event: TurnEvent
    answer: Answer


@dataclass(frozen=True, slots=True)
class Gap:
    """So many entries were lost here: the disk was too slow."""

    lost: int


@dataclass(frozen=True, slots=True)
class EventLog:
    """A whole log. `cut`: its last line was not finished when the program that wrote it died. `rate_hz`: of the caller's timeline."""

    rate_hz: int
    settings: TurnTaking
    items: tuple[Entry | Gap, ...]
    cut: bool = False

    @property
    def entries(self) -> list[Entry]:
        """What is there, gaps left out."""
        return [item for item in self.items if isinstance(item, Entry)]

    @property
    def lost(self) -> int:
        """Entries that are missing."""
        return sum(item.lost for item in self.items if isinstance(item, Gap))

    @property
    def complete(self) -> bool:
        """From the call's first event to its last, with nothing missing."""
        entries = self.entries
        return bool(entries) and isinstance(entries[-1].event, CallEnded) and not self.lost and not self.cut


# writing


def header_line(rate_hz: int, settings: TurnTaking) -> str:
    """The log's first line."""
    return _json({"version": VERSION, "what": WHAT, "rate_hz": rate_hz, "turn": asdict(settings)})


def entry_line(item: Entry | Gap) -> str:
    """One line, without its end."""
    if isinstance(item, Gap):
        return _json({"lost": item.lost})
    answer = item.answer
    line: dict[str, Any] = {"at_ns": item.at_ns, "event": encode(item.event)}
    if answer.commands:
        line["commands"] = [encode(command) for command in answer.commands]
    line |= {key: at for key, at in (("alarm_sample", answer.alarm_sample), ("alarm_ns", answer.alarm_ns)) if at is not None}
    return _json(line)


def encode(message: TurnEvent | TurnCommand) -> dict[str, Any]:
    """An event or a command as JSON knows it; numbers of numpy become Python's, which hold the same value."""
    kind: Any = type(message)
    shape = _shape(kind)
    return {"type": kind.__name__, **{name: _plain(hint, getattr(message, name)) for name, (hint, _) in shape.items()}}


# reading


def read_log(lines: Iterable[str]) -> EventLog:
    """A log from its lines, their ends included: a last line without one was cut. Raises EventLogError."""
    rows = list(lines)
    cut = bool(rows) and not rows[-1].endswith("\n")
    if cut:
        rows.pop()
    if not rows:
        raise EventLogError("the event log is empty: the call ended before its first line was written")
    head = _object(rows[0], 1)
    check_version(head, "event log")
    if head.get("what") != WHAT:
        raise EventLogError(f"line 1: this is no log of {WHAT}")
    settings = _settings(head.get("turn"))
    items = tuple(_item(_object(row, number), number) for number, row in enumerate(rows[1:], 2))
    return EventLog(_needed(head, "rate_hz"), settings, items, cut)


def check_version(table: Mapping[str, Any], what: str) -> None:
    """Refuse what a later program has written. Raises EventLogError."""
    version = table.get("version")
    if not _is_int(version) or version != VERSION:
        raise EventLogError(f"{what}: version {version!r} is not known to this firstword, which reads version {VERSION}")


def decode(table: object, known: Mapping[str, type]) -> TurnEvent | TurnCommand:
    """The event or command that `encode` wrote. `known`: EVENTS or COMMANDS. Raises EventLogError."""
    if not isinstance(table, dict) or table.get("type") not in known:
        raise EventLogError(f"no {' or '.join(sorted(known)[:2])} or the like: {str(table)[:80]}")
    return cast("TurnEvent | TurnCommand", _build(known[table["type"]], {k: v for k, v in table.items() if k != "type"}))


def _item(table: Mapping[str, Any], number: int) -> Entry | Gap:
    try:
        if "lost" in table:
            return Gap(_whole(table, "lost") or 0)
        commands = tuple(cast("TurnCommand", decode(c, COMMANDS)) for c in _list(table.get("commands", [])))
        answer = Answer(commands, _whole(table, "alarm_sample"), _whole(table, "alarm_ns"))
        return Entry(_needed(table, "at_ns"), cast("TurnEvent", decode(table.get("event"), EVENTS)), answer)
    except EventLogError as error:
        raise EventLogError(f"line {number}: {error}") from None


def _settings(table: object) -> TurnTaking:
    """Thresholds by name; one that the log does not know yet has its default."""
    if not isinstance(table, dict) or not isinstance(table.get("waits"), dict):
        raise EventLogError("line 1: turn, the thresholds, is missing")
    return cast("TurnTaking", _build(TurnTaking, {**table, "waits": _build(Waits, table["waits"])}))


def _build(kind: type, table: Mapping[str, Any]) -> object:
    """A dataclass from its fields by name; those with a default may be missing."""
    shape = _shape(kind)
    if unknown := table.keys() - shape.keys():
        raise EventLogError(f"{kind.__name__} has no {', '.join(sorted(unknown))}")
    for name, (hint, needed) in shape.items():
        if needed and name not in table:
            raise EventLogError(f"{kind.__name__} lacks {name}")
        if name in table and not _fits(hint, table[name]):
            raise EventLogError(f"{kind.__name__}.{name} is {table[name]!r}")
    return kind(**{name: _plain(shape[name][0], value) for name, value in table.items()})


def _object(row: str, number: int) -> dict[str, Any]:
    try:
        table = json.loads(row)
    except ValueError as error:
        raise EventLogError(f"line {number}: {error}") from None
    if not isinstance(table, dict):
        raise EventLogError(f"line {number}: no JSON object")
    return table


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise EventLogError("commands is no list")
    return value


def _whole(table: Mapping[str, Any], key: str) -> int | None:
    return None if table.get(key) is None else _needed(table, key)


def _needed(table: Mapping[str, Any], key: str) -> int:
    value = table.get(key)
    if not _is_int(value):
        raise EventLogError(f"{key} is {value!r}")
    return cast("int", value)


# fields


@cache
def _shape(kind: Hashable) -> Mapping[str, tuple[Any, bool]]:
    """Of each field: its type, and whether it has to be there."""
    hints = get_type_hints(kind)
    return {f.name: (hints[f.name], f.default is MISSING and f.default_factory is MISSING) for f in fields(cast("Any", kind))}


def _plain(hint: Any, value: Any) -> Any:
    return hint(value) if hint in (bool, int, float, str) else value


def _fits(hint: Any, value: object) -> bool:
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return _is_int(value) if hint is int else isinstance(value, hint)


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _json(table: Mapping[str, Any]) -> str:
    return json.dumps(table, ensure_ascii=False)
