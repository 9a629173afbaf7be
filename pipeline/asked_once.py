"""One call's newest request to an engine: made once, however many want to know, and withdrawn when nobody does any more."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pipeline.jobs import Job, Priority, Work
from pipeline.scheduler import Engine, Ran, Scheduler

Request = TypeVar("Request", bound=Hashable)
Result = TypeVar("Result")


@dataclass(slots=True)
class _Asked(Generic[Request, Result]):
    """A request, and how many wait for it: the last one who gives up withdraws it."""

    request: Request
    job: Job
    result: asyncio.Future[Ran[Result]]
    waiting: int = 0

    @property
    def failed(self) -> bool:
        return self.result.done() and (self.result.cancelled() or self.result.exception() is not None)


class AskedOnce(Generic[Request, Result]):
    """`name`: how the work is called in traces. What one request is, its equality says."""

    def __init__(self, call: str, name: str, engine: Engine[Request, Result], scheduler: Scheduler) -> None:
        self._call = call
        self._name = name
        self._engine = engine
        self._scheduler = scheduler
        self._asked: _Asked[Request, Result] | None = None

    def has(self, request: Request) -> bool:
        """Whether it has been asked already, and may be had for nothing."""
        return self._asked is not None and self._asked.request == request and not self._asked.failed

    async def ask(self, request: Request, priority: Priority, turn: int) -> Ran[Result]:
        """Raises JobDroppedError, and what the model raises."""
        asked = self._asked
        if asked is None or not self.has(request):
            job, result = self._scheduler.submit(self._engine, Work(self._name, priority, (self._call, turn)), lambda: request)
            self._asked = asked = _Asked(request, job, result)
        elif priority < asked.job.work.priority:
            self._scheduler.reprioritise(asked.job, priority)
        asked.waiting += 1
        try:
            return await asyncio.shield(asked.result)
        finally:
            asked.waiting -= 1
            if not asked.waiting:
                asked.result.cancel()  # nothing happens to one that is done

    def hurry(self) -> None:
        """The caller waits for it now."""
        if self._asked is not None and not self._asked.result.done():
            self._scheduler.reprioritise(self._asked.job, Priority.FIRST_PHRASE)
