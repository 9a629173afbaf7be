"""What a profile is, whoever made it: tables of shares, and events that chrome://tracing and Perfetto can show. Pure.

The trace's format: "Trace Event Format", a JSON object with `traceEvents`; times in microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Event = dict[str, Any]
TOP = 12


class ProfileError(RuntimeError):
    """The profile cannot be made; the text says what is missing and how to get it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One operator, function or step: how often it ran, and its own time in ms."""

    name: str
    calls: int
    ms: float


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that share `total_ms` (their sum, unless something is left over)."""

    title: str
    rows: tuple[Row, ...]
    total_ms: float

    def top(self, count: int = TOP) -> list[tuple[Row, float]]:
        """The biggest with their share of the total (0 to 1), and what remains as one row."""
        ordered = sorted(self.rows, key=lambda row: -row.ms)
        shown, rest = ordered[:count], ordered[count:]
        if rest:
            shown.append(Row(f"{len(rest)} others", sum(row.calls for row in rest), sum(row.ms for row in rest)))
        return [(row, row.ms / self.total_ms if self.total_ms else 0.0) for row in shown]


@dataclass(slots=True)
class Profile:
    """One stage's profile. `notes`: what the reader must know, a line each."""

    stage: str
    tables: list[Table] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def trace(self) -> dict[str, Any]:
        """The Chrome trace."""
        shares = {t.title: {row.name: f"{row.ms:.1f} ms, {share:.1%}" for row, share in t.top()} for t in self.tables}
        return {
            "traceEvents": self.events,
            "displayTimeUnit": "ms",
            "otherData": {"stage": self.stage, "notes": self.notes, **shares},
        }


@dataclass(frozen=True, slots=True)
class Span:
    """Something that ran, in monotonic ns."""

    name: str
    start_ns: int
    end_ns: int

    @property
    def ms(self) -> float:
        """How long it took."""
        return (self.end_ns - self.start_ns) / 1e6


def rows_of(spans: Iterable[Span]) -> tuple[Row, ...]:
    """Spans of one name added up."""
    found: dict[str, tuple[int, float]] = {}
    for span in spans:
        calls, ms = found.get(span.name, (0, 0.0))
        found[span.name] = (calls + 1, ms + span.ms)
    return tuple(Row(name, calls, ms) for name, (calls, ms) in found.items())


def with_rest(title: str, rows: Sequence[Row], total_ms: float, rest: str) -> Table:
    """A table of `total_ms` in which what no row accounts for is a row of its own."""
    left = total_ms - sum(row.ms for row in rows)
    return Table(title, (*rows, Row(rest, 1, max(0.0, left))), max(total_ms, sum(row.ms for row in rows)))


def events_of(spans: Iterable[Span], origin_ns: int, *, process: str, pid: int) -> list[Event]:
    """Complete events ("X") under one named process; `origin_ns` is time 0."""
    name: Event = {"ph": "M", "name": "process_name", "pid": pid, "tid": 0, "args": {"name": process}}
    return [
        name,
        *(
            {
                "ph": "X",
                "name": span.name,
                "cat": process,
                "pid": pid,
                "tid": 0,
                "ts": (span.start_ns - origin_ns) / 1000,
                "dur": (span.end_ns - span.start_ns) / 1000,
            }
            for span in spans
        ),
    ]


def self_times(events: Iterable[Mapping[str, Any]]) -> dict[int, dict[str, tuple[int, float]]]:
    """From begin and end events ("B", "E") each thread's functions with their own time: {tid: {name: (times entered, ms)}}.

    What a function calls is not its own time. Events come in the order of time, as py-spy writes them.
    """
    found: dict[int, dict[str, tuple[int, float]]] = {}
    open_: dict[int, list[str]] = {}
    since: dict[int, float] = {}
    for event in events:
        if event["ph"] not in ("B", "E"):
            continue
        tid, ts = event["tid"], float(event["ts"])
        stack, own = open_.setdefault(tid, []), found.setdefault(tid, {})
        if stack:
            calls, ms = own.get(stack[-1], (0, 0.0))
            own[stack[-1]] = (calls, ms + (ts - since[tid]) / 1000)
        since[tid] = ts
        if event["ph"] == "B":
            name = place(event)
            stack.append(name)
            calls, ms = own.get(name, (0, 0.0))
            own[name] = (calls + 1, ms)
        elif stack:
            stack.pop()
    return found


def place(event: Mapping[str, Any]) -> str:
    """A function as its name and the end of its path: `Call.receive  pipeline/call.py`."""
    path = str(event.get("args", {}).get("filename", ""))
    return f"{event['name']}  {'/'.join(path.split('/')[-2:])}" if path else str(event["name"])
