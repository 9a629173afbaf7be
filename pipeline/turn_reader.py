"""What one call asks of the reader: each of the caller's turns once, however many want to know."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import structlog

from pipeline.asked_once import AskedOnce
from pipeline.jobs import Priority, Work
from pipeline.reader import ReaderEngine, ReadRequest
from pipeline.reading import Reading
from pipeline.scheduler import JobDroppedError, Ran, Scheduler

log = structlog.get_logger()

Before = tuple[str, int | None] | None


class TurnReader:
    """One call's. `before` says what the last question was and which line answered it."""

    def __init__(self, call: str, engine: ReaderEngine, scheduler: Scheduler, before: Callable[[], Before]) -> None:
        self._call = call
        self._engine = engine
        self._scheduler = scheduler
        self._before = before
        self._readings: AskedOnce[ReadRequest, Reading] = AskedOnce(call, "reader", engine, scheduler)
        self._ahead: asyncio.Future[Ran[Reading]] | None = None

    def prepare(self, said: str, turn: int) -> None:
        """They still talk: prefill what they have said, where nothing else needs the cores. Returns at once; nobody misses what is dropped."""
        self._withdraw()
        request = ReadRequest(self._call, said, self._before(), ahead=True)
        _, self._ahead = self._scheduler.submit(self._engine, Work("reader", Priority.PARTIAL, (self._call, turn)), lambda: request)
        self._ahead.add_done_callback(partial(self._tell, turn))

    async def read(self, said: str, priority: Priority, turn: int) -> Ran[Reading]:
        """What the reader makes of `said`. Raises JobDroppedError, and what the model raises. Withdrawn when nobody waits for it any more."""
        request = ReadRequest(self._call, said, self._before())
        if not self._readings.has(request):
            self._withdraw()
        return await self._readings.ask(request, priority, turn)

    def hurry(self) -> None:
        """The caller waits for the newest reading now."""
        self._readings.hurry()

    def _withdraw(self) -> None:
        """What was to be prefilled comes too late."""
        if self._ahead is not None:
            self._ahead.cancel()
            self._ahead = None

    def _tell(self, turn: int, ahead: asyncio.Future[Ran[Reading]]) -> None:
        error = None if ahead.cancelled() else ahead.exception()
        if error is not None and not isinstance(error, JobDroppedError):
            log.error("prepare_failed", engine="reader", call=self._call, turn=turn, exc_info=error)
