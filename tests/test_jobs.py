"""The job queue against a plain list that is sorted each time."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.jobs import Job, JobQueue, Priority, Work

THREADS = {"asr": 2, "llm": 2, "tts": 1, "turn": 1, "far": 0}


def job(engine: str = "tts", priority: Priority = Priority.BET, threads: int | None = None, deadline_ns: int = 0) -> Job:
    return Job(Work(engine, priority, ("CA1", 1), deadline_ns), THREADS[engine] if threads is None else threads, lambda: None, 0)


def drain(queue: JobQueue) -> list[Job]:
    """Run one after the other."""
    out = []
    while (popped := queue.pop()) is not None:
        out.append(popped)
        queue.finished(popped)
    return out


def test_the_most_urgent_goes_first_then_the_one_that_came_first() -> None:
    queue = JobQueue(2)
    bets = [job(), job()]
    first, following = job(priority=Priority.FIRST_PHRASE), job(priority=Priority.NEXT_PHRASE)
    for each in (*bets, following, first):
        queue.push(each)
    assert drain(queue) == [first, following, *bets]


def test_a_deadline_goes_before_none_and_an_early_one_before_a_late_one() -> None:
    queue = JobQueue(2)
    never, late, early = job(), job(deadline_ns=2000), job(deadline_ns=1000)
    for each in (never, late, early):
        queue.push(each)
    assert drain(queue) == [early, late, never]


def test_a_wide_job_holds_the_door() -> None:
    queue = JobQueue(2)
    running, wide, narrow = job("tts"), job("asr", Priority.FIRST_PHRASE), job("turn", Priority.BET)
    for each in (running,):
        queue.push(each)
    assert queue.pop() is running
    queue.push(wide)
    queue.push(narrow)
    assert queue.pop() is None  # narrow would fit, and make wide wait longer
    queue.finished(running)
    assert queue.pop() is wide


def test_a_busy_engine_lets_others_pass() -> None:
    queue = JobQueue(2)
    first, second, other = job("tts"), job("tts", Priority.FIRST_PHRASE), job("turn", Priority.BET)
    queue.push(first)
    assert queue.pop() is first
    queue.push(second)
    queue.push(other)
    assert queue.pop() is other
    assert queue.pop() is None


def test_a_job_wider_than_the_machine_takes_it_whole() -> None:
    queue = JobQueue(1)
    wide = job("asr", threads=8)
    queue.push(wide)
    assert queue.pop() is wide
    assert queue.busy_threads == 1
    queue.finished(wide)
    assert queue.busy_threads == 0


def test_a_running_job_that_is_reprioritised_does_not_run_twice() -> None:
    queue = JobQueue(2)
    bet = job()
    queue.push(bet)
    assert queue.pop() is bet
    queue.reprioritise(bet, Priority.FIRST_PHRASE)
    assert len(queue) == 0
    queue.finished(bet)
    assert queue.pop() is None


def test_a_cancelled_job_never_comes_and_cannot_be_brought_back() -> None:
    queue = JobQueue(2)
    gone = job()
    queue.push(gone)
    queue.cancel(gone)
    queue.reprioritise(gone, Priority.FIRST_PHRASE)
    assert len(queue) == queue.waiting(Priority.PARTIAL) == 0
    assert queue.pop() is None


def test_partials_are_dropped_as_soon_as_anybody_waits() -> None:
    queue = JobQueue(2)
    partial, bet, phrase = job(priority=Priority.PARTIAL), job(), job(priority=Priority.NEXT_PHRASE)
    assert queue.push(partial) == []
    assert queue.push(bet) == []  # of a bet it is not known that anybody waits
    assert queue.push(phrase) == [partial]
    late = job(priority=Priority.PARTIAL)
    assert queue.push(late) == [late]
    assert queue.dropped[Priority.PARTIAL] == 2
    assert drain(queue) == [phrase, bet]


def test_past_the_bound_the_least_urgent_is_dropped() -> None:
    queue = JobQueue(2, bound=2)
    first, second, third = job(), job(priority=Priority.NEXT_PHRASE), job(priority=Priority.FIRST_PHRASE)
    assert queue.push(first) == queue.push(second) == []
    assert queue.push(third) == [first]
    newest = job()
    assert queue.push(newest) == [newest]
    assert queue.dropped[Priority.BET] == 2
    assert len(queue) == 2


def test_clear_takes_out_what_waits() -> None:
    queue = JobQueue(2)
    kept, gone = job(), job()
    queue.push(kept)
    queue.push(gone)
    queue.cancel(gone)
    assert queue.clear() == [kept]
    assert queue.pop() is None


@dataclass
class Model:
    """What the queue ought to do, said in the plainest way."""

    cores: int
    concurrency: dict[str, int]
    waiting: list[Job] = field(default_factory=list)
    running: list[Job] = field(default_factory=list)

    def next(self) -> Job | None:
        busy = sum(min(j.threads, self.cores) for j in self.running)
        for each in sorted(self.waiting, key=lambda j: (j.work.priority, j.work.deadline_ns or 1 << 63, j.serial)):
            engine = each.work.engine
            if sum(j.work.engine == engine for j in self.running) >= self.concurrency.get(engine, 1):
                continue
            return each if busy + min(each.threads, self.cores) <= self.cores else None
        return None


PUSH = st.tuples(st.just("push"), st.sampled_from(sorted(THREADS)), st.sampled_from(Priority), st.integers(0, 3))
OTHER = st.tuples(
    st.sampled_from(["pop", "pop", "finish", "cancel", "move"]), st.integers(0, 9), st.sampled_from(Priority), st.just(0)
)


@given(st.integers(1, 4), st.lists(PUSH | OTHER, max_size=60), st.integers(1, 8))
@settings(deadline=None)
def test_the_queue_does_what_a_sorted_list_would(cores: int, steps: list[tuple[str, object, Priority, int]], bound: int) -> None:
    concurrency = {"far": 3, "tts": 2}
    queue, model = JobQueue(cores, concurrency=concurrency, bound=bound), Model(cores, concurrency)
    for name, what, priority, deadline in steps:
        match name:
            case "push":
                new = job(str(what), priority, deadline_ns=deadline)
                dropped = queue.push(new)
                model.waiting.append(new)
                assert all(d in model.waiting for d in dropped)
                model.waiting = [j for j in model.waiting if j not in dropped]
                urgent = any(j.work.priority <= Priority.NEXT_PHRASE for j in [*model.waiting, *dropped])
                assert not (urgent and any(j.work.priority is Priority.PARTIAL for j in model.waiting))
                assert len(model.waiting) <= bound
                worst = max((j.work.priority for j in model.waiting), default=Priority.FIRST_PHRASE)
                assert all(d.work.priority is Priority.PARTIAL or d.work.priority >= worst for d in dropped)
            case "pop":
                expected = model.next()
                assert queue.pop() is expected
                if expected is not None:
                    model.waiting.remove(expected)
                    model.running.append(expected)
            case "finish" if model.running:
                queue.finished(model.running.pop(int(str(what)) % len(model.running)))
            case "cancel" if model.waiting:
                queue.cancel(model.waiting.pop(int(str(what)) % len(model.waiting)))
            case "move" if model.waiting or model.running:
                everybody = [*model.waiting, *model.running]
                chosen = everybody[int(str(what)) % len(everybody)]
                queue.reprioritise(chosen, priority)
        assert sum(min(j.threads, cores) for j in model.running) == queue.busy_threads <= cores
        assert len(queue) == len(model.waiting)
        assert all(sum(j.work.engine == e for j in model.running) <= concurrency.get(e, 1) for e in THREADS)
    for each in model.running:
        queue.finished(each)
    model.running.clear()
    assert len(drain(queue)) == len(model.waiting)  # nothing is stuck
