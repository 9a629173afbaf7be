"""How long the machine stood still while a test measured real time.

A neighbour on a shared machine takes the cores for tens of milliseconds, and what was measured across such a stall is wrong by up to its length:
a test of real time allows for the stalls that it saw, and for nothing on a quiet machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

TICK_S = 0.005
USUAL_MS = 5.0
"""A loop with work to do is late by so much; more is a stall."""


@dataclass
class Stalls:
    ms: float = 0.0
    """All stalls together, in milliseconds."""


@contextlib.asynccontextmanager
async def watched() -> AsyncIterator[Stalls]:
    stalls = Stalls()

    async def watch() -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(TICK_S)
            late_ms = (time.monotonic() - before - TICK_S) * 1000
            if late_ms > USUAL_MS:
                stalls.ms += late_ms

    ticking = asyncio.create_task(watch())
    try:
        yield stalls
    finally:
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)
