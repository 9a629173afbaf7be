"""The scheduler with engines that wait to be let go, so that every order is the test's own."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, field

import pytest

from pipeline.jobs import Priority, Work
from pipeline.scheduler import JobDroppedError, Scheduler


@dataclass
class Gate:
    """An engine: a run notes its request and waits until the test opens the gate."""

    name: str = "tts"
    threads: int = 1
    concurrency: int = 1
    device: str = "cpu"
    open: bool = True
    ran: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Condition = field(default_factory=threading.Condition)

    def cost_ms(self, request: str) -> float:
        return float(len(request))

    def run(self, request: str) -> str:
        with self.lock:
            self.ran.append(request)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            self.lock.notify_all()
            self.lock.wait_for(lambda: self.open, timeout=10)
            self.at_once -= 1
        if request == "broken":
            raise RuntimeError("the model broke")
        return request.upper()

    async def begun(self, runs: int) -> None:
        """Until so many runs have begun."""

        def wait() -> None:
            with self.lock:
                assert self.lock.wait_for(lambda: len(self.ran) >= runs, timeout=10)

        await asyncio.get_running_loop().run_in_executor(None, wait)

    def let_go(self) -> None:
        with self.lock:
            self.open = True
            self.lock.notify_all()


def work(priority: Priority = Priority.BET, engine: str = "tts") -> Work:
    return Work(engine, priority, ("CA1", 1))


def test_a_run_brings_its_result_and_its_times() -> None:
    engine = Gate()

    async def main() -> None:
        async with Scheduler(2, [engine], time.monotonic_ns) as scheduler:
            ran = await scheduler.run(engine, work(), "hello")
            assert ran.value == "HELLO"
            assert ran.queued_ns <= ran.started_ns <= ran.ended_ns
            assert scheduler.usage.runs == {"tts": 1}
            ((key, core_s),) = scheduler.usage.core_s.items()
            assert key == ("tts", scheduler.past[-1].priority)
            assert core_s == scheduler.past[-1].core_s > 0

    asyncio.run(main())


def test_an_engines_failure_is_the_waiters() -> None:
    engine = Gate()

    async def main() -> None:
        async with Scheduler(2, [engine], time.monotonic_ns) as scheduler:
            with pytest.raises(RuntimeError, match="the model broke"):
                await scheduler.run(engine, work(), "broken")
            assert (await scheduler.run(engine, work(), "next")).value == "NEXT"

    asyncio.run(main())


def test_what_is_asked_for_while_one_runs_comes_in_the_order_of_urgency() -> None:
    engine = Gate(open=False)

    async def main() -> None:
        async with Scheduler(2, [engine], time.monotonic_ns) as scheduler:
            running = asyncio.create_task(scheduler.run(engine, work(), "running"))
            await engine.begun(1)
            waiting = [
                scheduler.submit(engine, work(p), lambda p=p: p.name)[1]
                for p in (Priority.BET, Priority.NEXT_PHRASE, Priority.FIRST_PHRASE)
            ]
            engine.let_go()
            await asyncio.gather(running, *waiting)
            assert engine.ran == ["running", "FIRST_PHRASE", "NEXT_PHRASE", "BET"]

    asyncio.run(main())


def test_what_a_waiter_asks_for_next_goes_before_less_urgent_work() -> None:
    engine = Gate(open=False)

    async def main() -> None:
        async with Scheduler(2, [engine], time.monotonic_ns) as scheduler:

            async def reply() -> None:
                await scheduler.run(engine, work(Priority.FIRST_PHRASE), "one")
                await scheduler.run(engine, work(Priority.FIRST_PHRASE), "two")

            replying = asyncio.create_task(reply())
            await engine.begun(1)
            _, bet = scheduler.submit(engine, work(), lambda: "bet")
            engine.let_go()
            await asyncio.gather(replying, bet)
            assert engine.ran == ["one", "two", "bet"]

    asyncio.run(main())


def test_a_waiting_job_can_be_withdrawn_and_moved() -> None:
    engine = Gate(open=False)

    async def main() -> None:
        async with Scheduler(2, [engine], time.monotonic_ns) as scheduler:
            running = asyncio.create_task(scheduler.run(engine, work(), "running"))
            await engine.begun(1)
            _, first = scheduler.submit(engine, work(), lambda: "first")
            moved_job, moved = scheduler.submit(engine, work(), lambda: "moved")
            _, gone = scheduler.submit(engine, work(), lambda: "gone")
            gone.cancel()
            scheduler.reprioritise(moved_job, Priority.FIRST_PHRASE)
            engine.let_go()
            await asyncio.gather(running, first, moved)
            assert engine.ran == ["running", "moved", "first"]

    asyncio.run(main())


def test_a_running_job_that_becomes_urgent_runs_once() -> None:
    engine = Gate(open=False)

    async def main() -> None:
        async with Scheduler(2, [engine], time.monotonic_ns) as scheduler:
            job, future = scheduler.submit(engine, work(), lambda: "once")
            await engine.begun(1)
            scheduler.reprioritise(job, Priority.FIRST_PHRASE)
            engine.let_go()
            await future
            await scheduler.run(engine, work(), "next")
            assert engine.ran == ["once", "next"]
            assert scheduler.jobs.busy_threads == 0

    asyncio.run(main())


def test_the_request_is_built_when_the_job_starts() -> None:
    engine = Gate(open=False)
    state = ["old"]

    async def main() -> None:
        async with Scheduler(2, [engine], time.monotonic_ns) as scheduler:
            running = asyncio.create_task(scheduler.run(engine, work(), "running"))
            await engine.begun(1)
            _, future = scheduler.submit(engine, work(), lambda: state[0])
            state[0] = "new"
            engine.let_go()
            assert (await future).value == "NEW"
            await running

    asyncio.run(main())


def test_a_builder_with_nothing_left_to_do_drops_its_job_and_one_that_fails_tells_the_waiter() -> None:
    engine = Gate()

    def fails() -> str:
        raise ValueError("no such turn")

    async def main() -> None:
        async with Scheduler(2, [engine], time.monotonic_ns) as scheduler:
            with pytest.raises(JobDroppedError, match="tts job of turn"):
                await scheduler.submit(engine, work(), lambda: None)[1]
            with pytest.raises(ValueError, match="no such turn"):
                await scheduler.submit(engine, work(), fails)[1]
            assert engine.ran == []
            assert scheduler.jobs.busy_threads == 0

    asyncio.run(main())


def test_a_partial_gives_way() -> None:
    engine = Gate(open=False)

    async def main() -> None:
        async with Scheduler(2, [engine], time.monotonic_ns) as scheduler:
            running = asyncio.create_task(scheduler.run(engine, work(), "running"))
            await engine.begun(1)
            _, partial = scheduler.submit(engine, work(Priority.PARTIAL), lambda: "partial")
            _, phrase = scheduler.submit(engine, work(Priority.FIRST_PHRASE), lambda: "phrase")
            with pytest.raises(JobDroppedError):
                await partial
            engine.let_go()
            await asyncio.gather(running, phrase)

    asyncio.run(main())


def test_engines_share_the_cores_and_keep_their_own_limits() -> None:
    narrow, other = Gate(concurrency=1), Gate("turn")

    async def main() -> None:
        async with Scheduler(2, [narrow, other], time.monotonic_ns) as scheduler:
            runs = [scheduler.run(narrow, work(), str(n)) for n in range(8)]
            runs += [scheduler.run(other, work(engine="turn"), str(n)) for n in range(8)]
            await asyncio.gather(*runs)
        assert narrow.most_at_once == other.most_at_once == 1
        assert (len(narrow.ran), len(other.ran)) == (8, 8)

    asyncio.run(main())


def test_an_engine_that_works_elsewhere_takes_no_core() -> None:
    far, near = Gate("llm", threads=0, concurrency=2, open=False), Gate()

    async def main() -> None:
        async with Scheduler(1, [far, near], time.monotonic_ns) as scheduler:
            away = [asyncio.create_task(scheduler.run(far, work(engine="llm"), str(n))) for n in range(2)]
            await far.begun(2)
            assert (await scheduler.run(near, work(), "near")).value == "NEAR"
            far.let_go()
            await asyncio.gather(*away)

    asyncio.run(main())


def test_closing_waits_for_what_runs_and_drops_what_waits() -> None:
    engine = Gate(open=False)

    async def main() -> None:
        scheduler = Scheduler(2, [engine], time.monotonic_ns)
        async with scheduler:
            _, running = scheduler.submit(engine, work(), lambda: "running")
            _, waiting = scheduler.submit(engine, work(), lambda: "waiting")
            await engine.begun(1)
            asyncio.get_running_loop().call_soon(engine.let_go)
        assert (await running).value == "RUNNING"
        with pytest.raises(JobDroppedError):
            await waiting
        assert engine.ran == ["running"]

    asyncio.run(main())


def test_what_is_asked_for_while_it_closes_is_dropped() -> None:
    engine = Gate(open=False)
    late: list[BaseException] = []

    async def main() -> None:
        scheduler = Scheduler(1, [engine], time.monotonic_ns)

        async def twice() -> None:
            await scheduler.run(engine, work(), "one")
            try:
                await scheduler.run(engine, work(), "two")
            except JobDroppedError as error:
                late.append(error)

        async with scheduler:
            asking = asyncio.create_task(twice())
            await engine.begun(1)
            asyncio.get_running_loop().call_soon(engine.let_go)
        await asking

    asyncio.run(main())
    assert len(late) == 1
    assert engine.ran == ["one"]
