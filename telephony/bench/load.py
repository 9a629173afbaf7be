"""A load run as figures, as a table's cells and as a page: the same for Locust and k6. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from telephony.caller.result import CallResult

from .figures import percentiles

HEADING = "## Measured"
COLUMNS = (
    "tool",
    "callers",
    "minutes",
    "turns",
    "first word p50",
    "p95",
    "p99",
    "greeting p95",
    "unanswered",
    "refused",
    "partials dropped",
    "callers' worst tick",
)


def summary(tool: str, calls: Sequence[CallResult], *, refused: int) -> dict[str, Any]:
    """What a load tool reports, in ms: tests/load/stream.js writes the same keys."""
    asked = [turn for call in calls for turn in call.turns if not turn.hum]
    return {
        "tool": tool,
        "calls": len(calls),
        "first_word": percentiles([turn.first_word_ms for turn in asked if turn.first_word_ms is not None]),
        "greeting": percentiles([call.greeting_ms for call in calls if call.greeting_ms is not None]),
        "unanswered": sum(turn.first_word_ms is None for turn in asked),
        "refused": refused,
        "worst_tick": max((call.worst_tick_ms for call in calls), default=0.0),
    }


def cells(run: Mapping[str, Any]) -> tuple[str, ...]:
    """One run under `COLUMNS`: a tool's summary with `callers`, `minutes` and `partials_dropped`."""
    word, greeting = run["first_word"], run["greeting"]
    values = (
        run["tool"],
        run["callers"],
        f"{run['minutes']:g}",
        word["n"],
        *(word.get(name, "–") for name in ("p50", "p95", "p99")),
        greeting.get("p95", "–"),
        run["unanswered"],
        run["refused"],
        run["partials_dropped"],
        f"{run['worst_tick']:g}",
    )
    return tuple(map(str, values))


def name_of(run: Mapping[str, Any]) -> str:
    """Under which a run is kept: a later one of the same name takes its place."""
    return f"{run['tool']}, {run['callers']} callers, {run['minutes']:g} min"


def measured(page: str, runs: Mapping[str, Mapping[str, Any]]) -> str:
    """`page` with the runs that there are behind its heading "Measured", which is added where there is none."""
    words = page.partition(HEADING)[0].rstrip() or "# Load"
    dates = [f"- {name}: {run['environment']['date']}, commit {run['environment']['commit']}" for name, run in runs.items()]
    machines = dict.fromkeys(f"{run['environment']['machine']}, Python {run['environment']['python']}." for run in runs.values())
    table = [
        f"| {' | '.join(COLUMNS)} |",
        f"|{' --- |' * len(COLUMNS)}",
        *(f"| {' | '.join(cells(run))} |" for run in runs.values()),
    ]
    return "\n".join([words, "", HEADING, "", *machines, "All times in ms, at the caller's ear.", "", *table, "", *dates, ""])
