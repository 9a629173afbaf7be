"""Runs one line of the report: starts the product, keeps `callers` recorded callers in it until there are turns enough."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from telephony.caller.fixture import bot_file, load_fixture
from telephony.caller.own_server import own_server
from telephony.caller.result import CallResult
from telephony.caller.script import CallerScript

from .collector import collector
from .hold import hold
from .plan import MIX, Run

# The product makes its own phrases in idle time; a line that has just been switched on has had some.
SETTLE_S = 20.0
# A caller who hesitates has two dozen turns; in one call, a short run would be half of them and not the share that the plan gives them.
TURNS = 6


def run(plan: Run, logs: Path) -> list[dict[str, Any]]:
    """The calls of one line, as `CallResult.as_json` has them."""
    with _collecting(plan) as tracing:
        return [call.as_json() for call in _groups(plan, {**plan.environment, **tracing}, logs)]


@contextmanager
def _collecting(plan: Run) -> Iterator[dict[str, str]]:
    """The variables that say where spans go."""
    if plan.traced:
        with collector() as url:
            yield {"FIRSTWORD_TRACING__ENDPOINT": url}
    else:
        yield {}


def _groups(plan: Run, environment: dict[str, str], logs: Path) -> list[CallResult]:
    calls: list[CallResult] = []
    for number, group in enumerate(plan.mix or MIX):
        wanted = round(plan.turns * group.share)
        scripts = [part for name in group.fixtures for part in load_fixture(name).parts(TURNS)]
        with (
            _environment(environment),
            own_server(bot_file(scripts[0]), None, logs / f"{plan.name.replace(' ', '-')}-{number}.log") as url,
        ):
            calls += asyncio.run(_hold(url, scripts, plan.callers, wanted))
    return calls


async def _hold(url: str, scripts: list[CallerScript], callers: int, wanted: int) -> list[CallResult]:
    """`callers` calls at once, each beginning anew when it has ended, until `wanted` turns were answered in all."""
    await asyncio.sleep(SETTLE_S)
    held = await hold(url, scripts, callers, lambda so_far: so_far.answered >= wanted)
    return held.results


@contextmanager
def _environment(changes: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
