"""Which heavy job runs next: a pure queue. The shell that runs them is `scheduler.py`.

Jobs cannot be interrupted, so order is all there is. A job starts only while its threads fit beside those already running: native
threads never outnumber cores. The most urgent job that does not fit yet holds the door: a narrow one of lower rank does not slip
past it and make it wait longer.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

_NO_DEADLINE = 1 << 63


class Priority(IntEnum):
    """Who waits for it. Lower runs first."""

    FIRST_PHRASE = 0  # a caller hears silence until this is done
    NEXT_PHRASE = 1  # a caller hears the phrase before it
    BET = 2  # the caller may be done
    PARTIAL = 3  # nobody waits; makes later work shorter


@dataclass(frozen=True, slots=True)
class Work:
    """What a call asks for. `turn` names the turn it is for: (call id, turn id). `deadline_ns` 0: none, after those that have one."""

    engine: str
    priority: Priority
    turn: tuple[str, int]
    deadline_ns: int = 0
    cost_ms: float = 0.0


@dataclass(slots=True, eq=False)
class Job:
    """A piece of work in the queue. `build` makes the request when the job starts, so that it carries the newest state.

    `lane`: the engine that does it, by its own name; of two models for the same work each has one.
    """

    work: Work
    threads: int
    build: Callable[[], Any]
    queued_ns: int
    lane: str = ""
    serial: int = 0
    cancelled: bool = False
    outcome: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PastJob:
    """One job that ran: for whom, how urgent at the end, when (monotonic ns), on how many cores."""

    engine: str
    turn: tuple[str, int]
    priority: Priority
    threads: int
    queued_ns: int
    started_ns: int
    ended_ns: int

    @property
    def core_s(self) -> float:
        """Seconds of work, times the cores that it kept busy."""
        return (self.ended_ns - self.started_ns) / 1e9 * self.threads


class JobQueue:
    """Jobs waiting and running, on `cores` cores.

    `concurrency` limits how many jobs of one lane run at once (1 when not named; without a lane the work's engine is its lane). `bound` limits how many wait:
    past it the least urgent one is dropped; partials are dropped as soon as anything a caller waits for is waiting.
    """

    def __init__(self, cores: int, *, concurrency: dict[str, int] | None = None, bound: int = 256) -> None:
        self.cores = cores
        self.concurrency = concurrency or {}
        self.bound = bound
        self.busy_threads = 0
        self.dropped: dict[Priority, int] = dict.fromkeys(Priority, 0)
        self._running: dict[str, int] = {}
        self._heap: list[tuple[int, int, int, Job]] = []
        self._serial = 0

    def __len__(self) -> int:
        return sum(1 for *_, job in self._heap if not job.cancelled)

    def push(self, job: Job) -> list[Job]:
        """Add a job; returns the jobs that had to be dropped to make room (the new one among them, if it is the least urgent)."""
        self._serial += 1
        job.serial = self._serial
        heapq.heappush(self._heap, self._entry(job))
        return self._shed()

    def cancel(self, job: Job) -> None:
        """Take a waiting job out. One that runs already is left to finish."""
        job.cancelled = True

    def reprioritise(self, job: Job, priority: Priority) -> None:
        """Move a waiting job up or down. One that runs already is left alone: put back, it would run twice."""
        waiting = [entry for entry in self._heap if entry[3] is not job]
        if job.work.priority == priority or job.cancelled or len(waiting) == len(self._heap):
            return
        self._heap = waiting
        job.work = Work(job.work.engine, priority, job.work.turn, job.work.deadline_ns, job.work.cost_ms)
        self._heap.append(self._entry(job))
        heapq.heapify(self._heap)

    def pop(self) -> Job | None:
        """The next job to start now, or None. Count it as running until `finished`."""
        passed: list[tuple[int, int, int, Job]] = []
        chosen: Job | None = None
        while self._heap:
            entry = heapq.heappop(self._heap)
            job = entry[3]
            if job.cancelled:
                continue
            lane = job.lane or job.work.engine
            if self._running.get(lane, 0) >= self.concurrency.get(lane, 1):
                passed.append(entry)  # its engine is busy: others may go
                continue
            if self.busy_threads + min(job.threads, self.cores) > self.cores:
                passed.append(entry)  # holds the door
                break
            chosen = job
            break
        for entry in passed:
            heapq.heappush(self._heap, entry)
        if chosen is not None:
            self.busy_threads += min(chosen.threads, self.cores)
            lane = chosen.lane or chosen.work.engine
            self._running[lane] = self._running.get(lane, 0) + 1
        return chosen

    def finished(self, job: Job) -> None:
        """A job that `pop` gave out is done, however it ended."""
        self.busy_threads -= min(job.threads, self.cores)
        self._running[job.lane or job.work.engine] -= 1

    def clear(self) -> list[Job]:
        """Take all waiting jobs out, and return them."""
        out = [job for *_, job in self._heap if not job.cancelled]
        self._heap = []
        return out

    def waiting(self, priority: Priority) -> int:
        """How many jobs of this or a more urgent priority wait."""
        return sum(1 for *_, job in self._heap if not job.cancelled and job.work.priority <= priority)

    def _entry(self, job: Job) -> tuple[int, int, int, Job]:
        return (int(job.work.priority), job.work.deadline_ns or _NO_DEADLINE, job.serial, job)

    def _shed(self) -> list[Job]:
        out: list[Job] = []
        alive = sorted((entry for entry in self._heap if not entry[3].cancelled), key=lambda entry: entry[:3])
        if self.waiting(Priority.NEXT_PHRASE):
            out = [entry[3] for entry in alive if entry[3].work.priority is Priority.PARTIAL]
        kept = [entry for entry in alive if entry[3] not in out]
        out += [entry[3] for entry in kept[self.bound :]]
        for job in out:
            job.cancelled = True
            self.dropped[job.work.priority] += 1
        return out
