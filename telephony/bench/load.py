"""A load run as figures, as a table's cells and as a page: the same for Locust and k6. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from telephony.caller.result import CallResult

from .figures import percentiles

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


def markdown(runs: Mapping[str, Mapping[str, Any]]) -> str:
    """docs/load.md. `runs` by name, each with its `environment`; at least one."""
    where = next(iter(runs.values()))["environment"]
    lines = [f"{run['environment']['date']}, commit {run['environment']['commit']}: {name}" for name, run in runs.items()]
    return "\n".join(
        [
            "# Load",
            "",
            "Made by `make load CALLS=8 MINUTES=5 OUT=docs` (Locust) and with `TOOL=k6`; figures in `load.json` beside this page.",
            "",
            f"{where['machine']}, Python {where['python']}. The callers run on the same machine and take a part of its CPU.",
            "",
            "Two programs that share no code hold recorded callers (`fixtures/calls`) at real pace over the real Twilio WebSocket, from the webhook on:",
            "Locust with `telephony/caller` (`tests/load/locustfile.py`), k6 with a play-out clock and a µ-law decoder of its own",
            "(`tests/load/stream.js`). Callers are independent and staggered, obey `clear`, give marks back when they are reached, and speak again",
            "about a second after the bot has finished. The first word is the caller's last audible sample to the bot's first, at the ear; audible is",
            "a 20 ms frame over RMS 200. All times in ms.",
            "",
            f"| {' | '.join(COLUMNS)} |",
            f"|{' --- |' * len(COLUMNS)}",
            *(f"| {' | '.join(cells(run))} |" for run in runs.values()),
            "",
            *lines,
            "",
        ]
    )
