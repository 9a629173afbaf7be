"""`firstword capacity`: how many calls this machine carries before the first word comes too late."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from config.settings import BOTS

from .bench.capacity import FEW_TURNS, Search, Step, step_of
from .bench.counters import counter
from .bench.curve import curve
from .bench.hold import Held, hold, ramp_s
from .bench.machine import environment
from .bench.plan import MIX
from .caller.fixture import FixtureError, load_fixture
from .caller.own_server import ServerNotReadyError, own_server
from .caller.webhook import GatewayRefusedError

VERSION = 1
CANNOT_MEASURE = 2
WIDTH = 110
"""Of the table, in columns."""
DROPPED = "partials_dropped_total"
SETTLE_S = 20.0
"""What the product has before the first call for phrases that it makes while nobody waits."""


def capacity_command(
    target_ms: Annotated[int, typer.Option(help="What the 95th percentile of the first word may be.", min=1)] = 1000,
    most: Annotated[int, typer.Option("--max", help="Never more callers than this.", min=1, max=200)] = 32,
    minutes_per_step: Annotated[float, typer.Option(help="How long each number of callers is held, at least.", min=0)] = 2.0,
    turns_per_step: Annotated[int, typer.Option(help="And at least for so many turns of calls that have ended.", min=0)] = 2
    * FEW_TURNS,
    bot: Annotated[Path | None, typer.Option(help="The bot; the callers ask a bicycle workshop.")] = None,
    profile: Annotated[str | None, typer.Option(help="default, better, lite.")] = None,
    url: Annotated[str | None, typer.Option(help="A running gateway; without it one is started.")] = None,
    out: Annotated[Path | None, typer.Option(help="A folder for capacity.md, capacity.json and capacity.svg.")] = None,
) -> None:
    """Raise the number of callers until the p95 of the first word passes the target; say how many calls this machine carries."""
    console = Console(width=max(WIDTH, Console().width))
    search = Search(target_ms, most)
    try:
        with ExitStack() as stack:
            address = url
            if address is None:
                console.print("starting the gateway …")
                address = stack.enter_context(_roomy_server(bot or BOTS / "bicycle-workshop.toml", profile, most))
                time.sleep(SETTLE_S)
            steps = _measure(address, search, minutes_per_step, turns_per_step, lambda step: _tell(step, target_ms, console))
    except (FixtureError, GatewayRefusedError, ServerNotReadyError, ExceptionGroup, ValueError, OSError) as error:
        reasons = error.exceptions if isinstance(error, ExceptionGroup) else (error,)
        Console(stderr=True).print(Text("\n".join(map(str, reasons)), style="red"))
        raise typer.Exit(CANNOT_MEASURE) from error
    verdict = search.verdict(steps)
    console.print(_table(steps, target_ms))
    console.print(Text(verdict, style="bold"))
    if out is not None:
        for path in _write(out, steps, search, verdict):
            console.print(f"written: {path}")


def _roomy_server(bot: Path, profile: str | None, callers: int) -> Any:
    """The product with room for so many calls: it is to be the machine that gives out, not a setting."""
    room = {"FIRSTWORD_MAX_CALLS": str(max(32, callers)), "FIRSTWORD_LLM__MAX_SEQUENCES": str(max(32, callers + 1))}
    for name, value in room.items():
        os.environ.setdefault(name, value)
    return own_server(bot, profile)


def _measure(url: str, search: Search, minutes: float, turns: int, tell: Callable[[Step], None]) -> list[Step]:
    scripts = [load_fixture(name) for name in MIX[0].fixtures]
    steps: list[Step] = []
    while (callers := search.next(steps)) is not None:
        ramp = ramp_s(callers)
        began, dropped = time.monotonic(), counter(url, DROPPED)

        def enough(held: Held, ramp: float = ramp, began: float = began) -> bool:
            measured = time.monotonic() - began - ramp
            asked = sum(len(call.turns) for call in held.since(ramp))
            # Callers who get no answers at all must not be held for ever.
            return measured >= minutes * 60 and (asked >= turns or measured >= minutes * 60 + turns * 15)

        held = asyncio.run(hold(url, scripts, callers, enough, cut=True))
        steps.append(
            step_of(callers, held.since(ramp), refused=held.refused, partials_dropped=round(counter(url, DROPPED) - dropped))
        )
        tell(steps[-1])
    return steps


def _tell(step: Step, target_ms: int, console: Console) -> None:
    sign = "[green]✓[/green]" if step.passes(target_ms) else "[red]✗[/red]"
    console.print(f"{sign} {step.callers} callers: p95 {step.p95} ms over {step.turns} turns")


def _table(steps: list[Step], target_ms: int) -> Table:
    table = Table(caption="first word at the caller's ear, ms", caption_justify="left")
    for name in ("callers", "turns", "p50", "p95", "p99", "unanswered", "refused", "partials dropped", "callers' worst tick"):
        table.add_column(name, justify="right")
    for row in sorted(steps, key=lambda step: step.callers):
        style = "" if row.passes(target_ms) else "red"
        table.add_row(*_cells(row), style=style)
    return table


def _cells(step: Step) -> tuple[str, ...]:
    figures = (step.p50, step.p95, step.p99)
    return (
        str(step.callers),
        str(step.turns),
        *("–" if value is None else str(value) for value in figures),
        str(step.unanswered),
        str(step.refused),
        str(step.partials_dropped),
        f"{step.worst_tick_ms:g}",
    )


def _write(out: Path, steps: list[Step], search: Search, verdict: str) -> list[Path]:
    out.mkdir(parents=True, exist_ok=True)
    where = environment()
    page, data, picture = (out / f"capacity.{suffix}" for suffix in ("md", "json", "svg"))
    picture.write_text(curve(steps, search.target_ms, verdict))
    found = {
        "version": VERSION,
        "target_ms": search.target_ms,
        "calls": search.calls(steps),
        "verdict": verdict,
        "environment": where,
    }
    data.write_text(json.dumps({**found, "steps": [asdict(step) for step in steps]}, indent=1) + "\n")
    page.write_text(_markdown(steps, search, verdict, where))
    return [page, data, picture]


def _markdown(steps: list[Step], search: Search, verdict: str, where: dict[str, str]) -> str:
    rows = [f"| {' | '.join(_cells(step))} |" for step in sorted(steps, key=lambda step: step.callers)]
    return "\n".join(
        [
            "# Capacity",
            "",
            f"**{verdict}**",
            "",
            f"Made by `make capacity` ({where['date']}, commit {where['commit']}): {where['machine']}, Python {where['python']}.",
            "",
            "Recorded callers at real pace over the real WebSocket, from the same machine, so they take a part of its CPU. They are independent",
            f"and staggered by 1.7 s, and each speaks again about a second after the bot has finished: {', '.join(MIX[0].fixtures)}.",
            "Counted from when the last of them has begun. The first word is the caller's last audible sample to the bot's first, at the ear; a turn",
            "without an answer counts as 12 s.",
            "",
            "![First word over callers](capacity.svg)",
            "",
            "| callers | turns | p50 | p95 | p99 | unanswered | refused | partials dropped | callers' worst tick |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
            *rows,
            "",
        ]
    )
