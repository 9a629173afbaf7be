"""Keeps callers in a gateway: each an independent person who calls again when their call has ended."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from telephony.caller.place import place_call
from telephony.caller.result import CallResult, TurnResult
from telephony.caller.script import CallerScript
from telephony.caller.webhook import GatewayRefusedError

STAGGER_S = 1.7
"""Each caller begins so long after the one before, so that they do not fall silent together."""
REFUSED_PAUSE_S = 2.0
"""Somebody whose call was not taken tries again after so long."""
WATCH_S = 0.2


@dataclass(slots=True)
class Held:
    """What came of it: calls with the moment at which each began (s since the first caller), and how many were not taken."""

    calls: list[tuple[float, CallResult]] = field(default_factory=list)
    refused: int = 0

    @property
    def results(self) -> list[CallResult]:
        """The calls alone."""
        return [call for _, call in self.calls]

    @property
    def answered(self) -> int:
        """Turns in which the bot was heard."""
        return sum(turn.first_word_ms is not None for call in self.results for turn in call.turns)

    def since(self, start_s: float) -> list[CallResult]:
        """The calls with only those turns whose caller fell silent `start_s` after the first caller began, or later."""

        def late_enough(began_s: float, turn: TurnResult) -> bool:
            return began_s + turn.said_until_ms / 1000 >= start_s

        return [replace(call, turns=tuple(t for t in call.turns if late_enough(began_s, t))) for began_s, call in self.calls]


def ramp_s(callers: int) -> float:
    """When the last of so many callers begins."""
    return (callers - 1) * STAGGER_S


async def hold(
    url: str, scripts: Sequence[CallerScript], callers: int, enough: Callable[[Held], bool], *, cut: bool = False
) -> Held:
    """`callers` calls at once until `enough`. Then nobody calls again, and with `cut` the calls that run are ended too.

    Raises `GatewayRefusedError` only if not one call was ever taken.
    """
    held = Held()
    over = asyncio.Event()
    began = time.monotonic()

    async def caller(number: int) -> None:
        await _unless(over, number * STAGGER_S)
        for script in itertools.islice(itertools.cycle(scripts), number % len(scripts), None):
            if over.is_set() or enough(held):  # by the next look of `watch` another call would run
                return
            at_s = time.monotonic() - began
            try:
                held.calls.append((at_s, await place_call(url, script, hang_up=over if cut else None)))
            except GatewayRefusedError:
                held.refused += 1
                if not held.calls and held.refused > callers:
                    raise
                await _unless(over, REFUSED_PAUSE_S)

    async def watch() -> None:
        while not over.is_set():
            await _unless(over, WATCH_S)
            if enough(held):
                over.set()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(watch(), name="watch")
        for number in range(callers):
            tasks.create_task(caller(number), name=f"caller-{number}")
    return held


async def _unless(event: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until the event is set."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
