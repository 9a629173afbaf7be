"""What one call asks of the reader: each of the caller's turns once, however many want to know."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from pipeline.jobs import Job, Priority, Work
from pipeline.reader import ReaderEngine, ReadRequest
from pipeline.reading import Reading, shown
from pipeline.scheduler import JobDroppedError, Ran, Scheduler

log = structlog.get_logger()

Before = tuple[str, int | None] | None


@dataclass(slots=True)
class _Asked:
    """A reading, and how many wait for it: the last one who gives up withdraws it."""

    said: str
    before: Before
    job: Job
    reading: asyncio.Future[Ran[Reading]]
    waiting: int = 0

    @property
    def failed(self) -> bool:
        return self.reading.done() and (self.reading.cancelled() or self.reading.exception() is not None)


class TurnReader:
    """One call's. `before` says what the last question was and which line answered it."""

    def __init__(self, call: str, engine: ReaderEngine, scheduler: Scheduler, before: Callable[[], Before]) -> None:
        self._call = call
        self._engine = engine
        self._scheduler = scheduler
        self._before = before
        self._asked: _Asked | None = None
        self._ahead: asyncio.Future[Ran[Reading]] | None = None

    def prepare(self, said: str, turn: int, before: Before = None) -> None:
        """Prefill what they have said by now, or what will stand before it, where nothing else needs the cores. Returns at once; nobody misses what is dropped.

        `before`: what will have been the last question by then, if not what it is now.
        """
        self._withdraw()
        request = ReadRequest(self._call, said, before or self._before(), ahead=True)
        _, self._ahead = self._scheduler.submit(self._engine, Work("reader", Priority.PARTIAL, (self._call, turn)), lambda: request)
        self._ahead.add_done_callback(partial(self._tell, turn))

    async def read(self, said: str, priority: Priority, turn: int) -> Ran[Reading]:
        """What the reader makes of `said`. Raises JobDroppedError, and what the model raises. Withdrawn when nobody waits for it any more."""
        asked, before = self._asked, self._before()
        if asked is None or (shown(asked.said), asked.before) != (shown(said), before) or asked.failed:
            self._withdraw()
            request = ReadRequest(self._call, said, before)
            job, reading = self._scheduler.submit(self._engine, Work("reader", priority, (self._call, turn)), lambda: request)
            self._asked = asked = _Asked(said, before, job, reading)
        elif priority < asked.job.work.priority:
            self._scheduler.reprioritise(asked.job, priority)
        asked.waiting += 1
        try:
            return await asyncio.shield(asked.reading)
        finally:
            asked.waiting -= 1
            if not asked.waiting:
                asked.reading.cancel()  # nothing happens to one that is done

    def hurry(self) -> None:
        """The caller waits for the newest reading now."""
        if self._asked is not None and not self._asked.reading.done():
            self._scheduler.reprioritise(self._asked.job, Priority.FIRST_PHRASE)

    def _withdraw(self) -> None:
        """What was to be prefilled comes too late."""
        if self._ahead is not None:
            self._ahead.cancel()
            self._ahead = None

    def _tell(self, turn: int, ahead: asyncio.Future[Ran[Reading]]) -> None:
        error = None if ahead.cancelled() else ahead.exception()
        if error is not None and not isinstance(error, JobDroppedError):
            log.error("prepare_failed", engine="reader", call=self._call, turn=turn, exc_info=error)
