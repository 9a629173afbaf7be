"""Runs heavy work in worker threads, in the order that `jobs.py` decides. One for the whole process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, Self, TypeVar

import structlog

from pipeline.bet_costs import BetCosts
from pipeline.jobs import Job, JobQueue, PastJob, Priority, Work

log = structlog.get_logger()

Req = TypeVar("Req", contravariant=True)
Res = TypeVar("Res", covariant=True)
Ask = TypeVar("Ask")
Result = TypeVar("Result")

# Below the event loop (nice 0): a 20 ms frame must never wait for a matrix product.
WORKER_NICE = 5
PAST_JOBS = 1024


class Engine(Protocol, Generic[Req, Res]):
    """A model behind the scheduler. Requests and results are plain data, so that it can move to another process or machine."""

    @property
    def name(self) -> str:
        """`asr`, `llm`, `tts`, `turn`, `embed`; another for each engine of the same kind."""
        ...

    @property
    def device(self) -> str:
        """`cpu` or `cuda`."""
        ...

    @property
    def threads(self) -> int:
        """Cores that one run keeps busy; 0 for an engine that works elsewhere (GPU, server)."""
        ...

    @property
    def concurrency(self) -> int:
        """Runs that may go on at once."""
        ...

    def cost_ms(self, request: Req) -> float:
        """What a run of this request takes, roughly."""
        ...

    def run(self, request: Req) -> Res:
        """Do it, in a worker thread. Raises what the model raises: the call decides what it means."""
        ...


class JobDroppedError(Exception):
    """The job never ran: there was more urgent work, or its turn is over."""


class SchedulerClosedError(JobDroppedError):
    """The process is going down: no job of this scheduler will run any more."""


@dataclass(slots=True)
class _Outcome:
    future: asyncio.Future[Any]
    engine: Engine[Any, Any]
    started_ns: int = 0
    ended_ns: int = 0


@dataclass(slots=True)
class Ran(Generic[Result]):
    """A result with the times at which its job was queued, began and ended (monotonic nanoseconds)."""

    value: Result
    queued_ns: int
    started_ns: int
    ended_ns: int


@dataclass(slots=True)
class Usage:
    """Core seconds per engine and priority, runs per engine, and what bets cost: for the metrics."""

    core_s: dict[tuple[str, Priority], float] = field(default_factory=dict)
    runs: dict[str, int] = field(default_factory=dict)
    bets: BetCosts = field(default_factory=BetCosts)

    def add(self, job: PastJob) -> None:
        """Count one run."""
        key = (job.engine, job.priority)
        self.core_s[key] = self.core_s.get(key, 0.0) + job.core_s
        self.runs[job.engine] = self.runs.get(job.engine, 0) + 1
        self.bets.ran(job)


class Scheduler:
    """`async with Scheduler(cores, engines, clock)`: owns the worker threads for as long as it is open."""

    def __init__(self, cores: int, engines: list[Engine[Any, Any]], clock: Callable[[], int]) -> None:
        self.jobs = JobQueue(cores, concurrency={e.name: e.concurrency for e in engines})
        self.usage = Usage()
        self.past: deque[PastJob] = deque(maxlen=PAST_JOBS)
        self._clock = clock
        self._handover: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        # Engines that work elsewhere (GPU, server) need a thread to wait in, not a core.
        elsewhere = sum(e.concurrency for e in engines if e.threads == 0)
        self._threads = [threading.Thread(target=self._work, name=f"engine-{i}", daemon=True) for i in range(cores + elsewhere)]
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = False

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        for thread in self._threads:
            thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing = True
        for job in self.jobs.clear():
            self._drop(job)
        for _thread in self._threads:
            self._handover.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._join)
        await asyncio.sleep(0)  # what the last runs have posted to the loop
        self._loop = None

    def _join(self) -> None:
        for thread in self._threads:
            thread.join()

    @property
    def idle(self) -> bool:
        """Nothing runs and nothing waits."""
        return self.jobs.busy_threads == 0 and len(self.jobs) == 0

    def submit(self, engine: Engine[Any, Result], work: Work, build: Callable[[], Any]) -> tuple[Job, asyncio.Future[Ran[Result]]]:
        """Queue a job. The future ends with its result, the engine's exception, or `JobDroppedError`.

        Cancel the future to withdraw a job that has not begun; one that has runs to its end unheard. While the scheduler closes, jobs
        that run are waited for and all others dropped.
        """
        assert self._loop is not None, "the scheduler is not open: use it with `async with`"
        future: asyncio.Future[Ran[Result]] = self._loop.create_future()
        job = Job(work, engine.threads, build, self._clock(), engine.name)
        job.outcome = _Outcome(future, engine)
        future.add_done_callback(lambda f: self.jobs.cancel(job) if f.cancelled() else None)
        for dropped in [job] if self._closing else self.jobs.push(job):
            self._drop(dropped)
        self.dispatch()
        return job, future

    async def run(self, engine: Engine[Ask, Result], work: Work, request: Ask) -> Ran[Result]:
        """Queue a job and wait for it."""
        return await self.submit(engine, work, lambda: request)[1]

    def ran_between(self, start_ns: int, end_ns: int) -> list[PastJob]:
        """The jobs of all calls that ran in this time, as far back as is remembered; oldest first."""
        found: list[PastJob] = []
        for job in reversed(self.past):
            if job.ended_ns < start_ns:
                break
            if job.started_ns < end_ns:
                found.append(job)
        return found[::-1]

    def reprioritise(self, job: Job, priority: Priority) -> None:
        """Move a waiting job."""
        self.jobs.reprioritise(job, priority)
        self.dispatch()

    def dispatch(self) -> None:
        """Start what fits now."""
        while (job := self.jobs.pop()) is not None:
            outcome: _Outcome = job.outcome
            try:
                request = job.build()
            except Exception as e:  # noqa: BLE001 - whatever a builder raises belongs to the waiter
                self.jobs.finished(job)
                _settle(outcome.future, e)
                continue
            if request is None:  # nothing left to do by the time it came up
                self.jobs.finished(job)
                self._drop(job)
                continue
            job.build = lambda request=request: request  # type: ignore[misc]
            self._handover.put(job)

    def _drop(self, job: Job) -> None:
        kind = SchedulerClosedError if self._closing else JobDroppedError
        _settle(job.outcome.future, kind(f"{job.work.engine} job of turn {job.work.turn} was dropped"))

    def _work(self) -> None:
        with contextlib.suppress(OSError, AttributeError):  # not on every platform, and only a preference
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), WORKER_NICE)
        while (job := self._handover.get()) is not None:
            outcome: _Outcome = job.outcome
            result: Any = None
            error: BaseException | None = None
            outcome.started_ns = self._clock()
            try:
                result = outcome.engine.run(job.build())
            except Exception as e:  # noqa: BLE001 - a model's failure is the waiter's event, not this thread's end
                error = e
            outcome.ended_ns = self._clock()
            loop = self._loop
            if loop is not None and not loop.is_closed():
                loop.call_soon_threadsafe(self._finish, job, result, error)

    def _finish(self, job: Job, result: Any, error: BaseException | None) -> None:
        outcome: _Outcome = job.outcome
        self.jobs.finished(job)
        work = job.work
        past = PastJob(work.engine, work.turn, work.priority, job.threads, job.queued_ns, outcome.started_ns, outcome.ended_ns)
        self.past.append(past)
        self.usage.add(past)
        # The waiter goes on before the next job is picked: what it asks for next may be more urgent than what waits.
        _settle(outcome.future, error or Ran(result, job.queued_ns, outcome.started_ns, outcome.ended_ns))
        asyncio.get_running_loop().call_soon(self.dispatch)


def _settle(future: asyncio.Future[Any], outcome: Any) -> None:
    if future.done():
        return
    if isinstance(outcome, BaseException):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
