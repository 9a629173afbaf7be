"""The batch planner against a plain model of a KV cache, and a "model" whose next token is a sum of all before it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.jobs import Priority
from pipeline.llm_batch import Batch, BatchPlanner, BatchResult, OutOfSequencesError, Row, Sampled

EOG = 0
MAX_ROWS = 5


def following(tokens: list[int]) -> int:
    """The model: greedy, and it ends now and then."""
    return sum((i + 1) * t for i, t in enumerate(tokens)) % 7


def reply_to(prompt: list[int], max_tokens: int) -> list[int]:
    """What the model says to a prompt that nobody disturbs."""
    tokens, out = list(prompt), []
    while len(out) < max_tokens:
        out.append(following(tokens))
        if out[-1] == EOG:
            break
        tokens.append(out[-1])
    return out


@dataclass
class Cache:
    """llama.cpp as the planner must see it: cells by sequence, contiguous positions, one step at a time."""

    cells: dict[int, list[int]] = field(default_factory=dict)

    def prepare(self, batch: Batch) -> None:
        for number in batch.frees:
            self.cells[number] = []
        for source, target in batch.forks:
            assert not self.cells.get(target), "a fork into cells that are in use mixes two conversations"
            self.cells[target] = list(self.cells[source])
        for number, start in batch.rollbacks:
            assert start < len(self.cells[number])
            del self.cells[number][start:]

    def decode(self, rows: tuple[Row, ...]) -> dict[int, int]:
        sampled = {}
        for row in rows:
            cells = self.cells.setdefault(row.sequence, [])
            assert row.position == len(cells), "positions are contiguous"
            cells.append(row.token)
            if row.sample:
                assert row.sequence not in sampled
                sampled[row.sequence] = following(cells)
        return sampled

    def run(self, batch: Batch) -> BatchResult:
        self.prepare(batch)
        return BatchResult(self.decode(batch.rows))


def planner(sequences: int = 4) -> BatchPlanner:
    return BatchPlanner(sequences, MAX_ROWS, frozenset({EOG}))


def step(plan: BatchPlanner, cache: Cache) -> list[Sampled] | None:
    batch = plan.next_batch()
    return None if batch is None else plan.done(batch, cache.run(batch))


def run_out(plan: BatchPlanner, cache: Cache) -> list[Sampled]:
    out: list[Sampled] = []
    for _ in range(1000):
        sampled = step(plan, cache)
        if sampled is None:
            return out
        out += sampled
    raise AssertionError("there is no end of it")


def test_a_prompt_is_prefilled_in_steps_and_answered() -> None:
    plan, cache = planner(), Cache()
    number = plan.open()
    prompt = [1, 2, 3, 4, 5, 6, 1]
    plan.generate(number, prompt, Priority.BET, 4)
    assert plan.urgency() is Priority.BET
    first, second = plan.next_batch(), None
    assert first is not None
    assert [row.token for row in first.rows] == prompt[:MAX_ROWS]
    assert not any(row.sample for row in first.rows)
    assert plan.done(first, cache.run(first)) == []
    second = plan.next_batch()
    assert second is not None
    assert [row.sample for row in second.rows] == [False, True]
    out = plan.done(second, cache.run(second)) + run_out(plan, cache)
    assert [s.token for s in out] == reply_to(prompt, 4)
    assert [s.last for s in out] == [False] * (len(out) - 1) + [True]
    assert plan.prefilled(number) == len(prompt)
    assert plan.next_batch() is None


def test_what_two_prompts_share_is_not_computed_again() -> None:
    plan, cache = planner(), Cache()
    number = plan.open()
    plan.want(number, [1, 2, 3, 4], Priority.PARTIAL)
    run_out(plan, cache)
    plan.generate(number, [1, 2, 3, 5, 6], Priority.FIRST_PHRASE, 1)
    batch = plan.next_batch()
    assert batch is not None
    assert batch.rollbacks == ((number, 3),)
    assert [(row.position, row.token) for row in batch.rows] == [(3, 5), (4, 6)]


def test_the_same_prompt_again_computes_its_last_token_again() -> None:
    plan, cache = planner(), Cache()
    number = plan.open()
    for _ in range(2):
        plan.generate(number, [1, 2, 3], Priority.BET, 3)
        assert [s.token for s in run_out(plan, cache)] == reply_to([1, 2, 3], 3)
    assert plan.prefilled(number) == 1


def test_what_was_there_what_was_computed_and_what_was_dropped_is_counted() -> None:
    planner, cache = BatchPlanner(4, 64, frozenset({EOG})), Cache()

    def ask(sequence: int, prompt: list[int]) -> None:
        planner.generate(sequence, prompt, Priority.BET, 1)
        while (batch := planner.next_batch()) is not None:
            cache.prepare(batch)
            planner.done(batch, BatchResult(cache.decode(batch.rows)))

    shared = planner.open()
    ask(shared, [1, 2, 3, 4])
    call = planner.open(shared)
    ask(call, [1, 2, 3, 4, 5, 6])
    assert (planner.reused_tokens, planner.computed_tokens) == (4, 6)
    ask(call, [1, 2, 3, 4, 5, 1, 1])
    assert (planner.reused_tokens, planner.computed_tokens) == (9, 8)
    assert planner.rolled_back(call) == planner.rolled_back_tokens == 1
    assert planner.cells == 4 + 7
    assert planner.distinct_cells([shared]) == 4 + 3
    assert planner.distinct_cells([]) == planner.cells


def test_a_fork_shares_its_prefix() -> None:
    plan, cache = planner(), Cache()
    prefix = plan.open()
    plan.want(prefix, [1, 2, 3, 4, 5, 6], Priority.BET)
    run_out(plan, cache)
    call = plan.open(prefix)
    plan.generate(call, [1, 2, 3, 4, 5, 6, 3], Priority.BET, 5)
    assert [s.token for s in run_out(plan, cache)] == reply_to([1, 2, 3, 4, 5, 6, 3], 5)
    assert plan.prefilled(call) == 1
    assert cache.cells[prefix] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("changed", [[1, 2, 4], [], [5, 5]])
def test_a_fork_of_a_source_that_has_changed_since_shares_what_is_left(changed: list[int]) -> None:
    plan, cache = planner(), Cache()
    source = plan.open()
    plan.want(source, [1, 2, 3], Priority.BET)
    run_out(plan, cache)
    call = plan.open(source)
    if changed:
        plan.want(source, changed, Priority.FIRST_PHRASE)
    else:
        plan.close(source)
        assert plan.open() == source  # and its number belongs to somebody else
    run_out(plan, cache)
    plan.generate(call, [1, 2, 3, 1], Priority.BET, 3)
    assert [s.token for s in run_out(plan, cache)] == reply_to([1, 2, 3, 1], 3)


def test_only_the_most_urgent_class_is_in_a_step_and_replies_go_before_prompts() -> None:
    plan, cache = planner(), Cache()
    bet, first, second = plan.open(), plan.open(), plan.open()
    plan.want(bet, [1, 2], Priority.BET)
    plan.generate(first, [1, 2, 3, 4], Priority.FIRST_PHRASE, 3)
    step(plan, cache)
    plan.generate(second, [1, 1, 1], Priority.FIRST_PHRASE, 3)
    plan.prioritise(second, Priority.FIRST_PHRASE)
    assert plan.urgency() is Priority.FIRST_PHRASE
    batch = plan.next_batch()
    assert batch is not None
    assert [row.sequence for row in batch.rows] == [first, second, second, second]


def test_a_token_that_nobody_waits_for_any_more_is_thrown_away() -> None:
    for change in ("stop", "want", "generate", "close"):
        plan, cache = planner(), Cache()
        number = plan.open()
        plan.generate(number, [1, 2], Priority.BET, 5)
        batch = plan.next_batch()
        assert batch is not None
        match change:
            case "stop":
                plan.stop(number)
            case "want":
                plan.want(number, [1, 2, 3], Priority.BET)
            case "generate":
                plan.generate(number, [1, 2, 3], Priority.BET, 2)
            case "close":
                plan.close(number)
        assert plan.done(batch, cache.run(batch)) == []
        expected = reply_to([1, 2, 3], 2) if change == "generate" else []
        assert [s.token for s in run_out(plan, cache)] == expected


def test_a_sequence_that_is_closed_while_it_is_computed_is_not_given_out_again_too_soon() -> None:
    plan, cache = planner(1), Cache()
    number = plan.open()
    plan.want(number, [1, 2], Priority.BET)
    batch = plan.next_batch()
    assert batch is not None
    plan.close(number)
    with pytest.raises(OutOfSequencesError):
        plan.open()
    plan.done(batch, cache.run(batch))
    assert plan.open() == number
    plan.generate(number, [3, 4], Priority.BET, 2)
    assert [s.token for s in run_out(plan, cache)] == reply_to([3, 4], 2)


def test_a_refused_step_leaves_what_the_cache_holds_and_can_be_tried_again() -> None:
    plan, cache = planner(), Cache()
    number = plan.open()
    plan.want(number, [1, 2], Priority.BET)
    run_out(plan, cache)
    plan.generate(number, [1, 2, 3, 4], Priority.BET, 2)
    batch = plan.next_batch()
    assert batch is not None
    assert plan.done(batch, BatchResult(failed="full", lengths={number: 2})) == []
    assert plan.length(number) == 2
    plan.stop(number)
    assert plan.next_batch() is None  # it does not spin
    plan.generate(number, [1, 2, 3, 4], Priority.BET, 2)
    assert [s.token for s in run_out(plan, cache)] == reply_to([1, 2, 3, 4], 2)


def test_a_broken_step_begins_anew_and_does_not_spin() -> None:
    plan, cache = planner(), Cache()
    number, other = plan.open(), plan.open()
    plan.want(other, [1, 2], Priority.BET)
    run_out(plan, cache)
    plan.close(other)
    plan.generate(number, [1, 2, 3], Priority.BET, 2)
    batch = plan.next_batch()
    assert batch is not None
    assert plan.done(batch, BatchResult(failed="the engine broke")) == []
    plan.stop(number)
    assert plan.next_batch() is None
    plan.generate(number, [1, 2, 3], Priority.BET, 2)
    assert [s.token for s in run_out(plan, cache)] == reply_to([1, 2, 3], 2)
    assert cache.cells[other] == []


def test_a_prompt_or_a_reply_of_nothing_is_refused() -> None:
    plan = planner()
    number = plan.open()
    with pytest.raises(ValueError, match="0 tokens of prompt"):
        plan.generate(number, [], Priority.BET, 3)
    with pytest.raises(ValueError, match="0 to sample"):
        plan.generate(number, [1], Priority.BET, 0)


def test_there_are_no_more_sequences_than_the_context_has() -> None:
    plan = planner(2)
    plan.open()
    second = plan.open()
    with pytest.raises(OutOfSequencesError):
        plan.open()
    plan.close(second)
    plan.close(second)  # twice is once
    assert len(plan) == 1
    assert plan.open() == second
    with pytest.raises(OutOfSequencesError):
        plan.open()


class World:
    """Calls that open, ask, change their minds and leave, while steps run, fail, or end half-way."""

    def __init__(self) -> None:
        self.plan, self.cache = planner(), Cache()
        self.live: list[int] = []
        self.running: Batch | None = None
        self.replies: dict[int, tuple[list[int], list[int]]] = {}  # expected, so far

    def pick(self, which: int) -> int:
        return self.live[which % len(self.live)]

    def open(self, which: int, tokens: list[int]) -> None:
        source = self.pick(which) if self.live and len(tokens) % 2 else None
        try:
            self.live.append(self.plan.open(source))
        except OutOfSequencesError:
            assert len(self.live) + (self.running is not None) >= 4

    def close(self, which: int, tokens: list[int]) -> None:
        number = self.pick(which)
        self.live.remove(number)
        self.replies.pop(number, None)
        self.plan.close(number)

    def want(self, which: int, tokens: list[int]) -> None:
        self.replies.pop(self.pick(which), None)
        self.plan.want(self.pick(which), tokens, Priority.PARTIAL)

    def generate(self, which: int, tokens: list[int]) -> None:
        number, budget = self.pick(which), 1 + which % 6
        prompt = [1, *tokens]
        self.replies[number] = (reply_to(prompt, budget), [])
        self.plan.generate(number, prompt, Priority(which % 3), budget)

    def stop(self, which: int, tokens: list[int]) -> None:
        self.replies.pop(self.pick(which), None)
        self.plan.stop(self.pick(which))

    def prioritise(self, which: int, tokens: list[int]) -> None:
        self.plan.prioritise(self.pick(which), Priority(len(tokens) % 4))

    def begin(self, which: int, tokens: list[int]) -> None:
        if self.running is None:
            urgency = self.plan.urgency()
            self.running = self.plan.next_batch()
            assert (self.running is None) == (urgency is None)
            if self.running is not None:
                assert len(self.running.rows) <= MAX_ROWS

    def end(self, which: int, tokens: list[int]) -> None:
        if self.running is None:
            return
        batch, self.running = self.running, None
        for sampled in self.plan.done(batch, self.cache.run(batch)):
            expected, so_far = self.replies[sampled.sequence]
            so_far.append(sampled.token)
            assert so_far == expected[: len(so_far)], "what is said does not hang on who else talks"
            assert sampled.last == (len(so_far) == len(expected))
            if sampled.last:
                del self.replies[sampled.sequence]

    def fail(self, which: int, tokens: list[int]) -> None:
        """Refused, refused half-way, or broken before anything was done."""
        if self.running is None:
            return
        batch, self.running = self.running, None
        numbers = {row.sequence for row in batch.rows}
        lengths = {}
        if which % 3 and batch.rows:
            self.cache.prepare(batch)
            self.cache.decode(batch.rows[: len(tokens)] if which % 3 == 2 else ())
            lengths = {n: len(self.cache.cells.get(n, [])) for n in numbers}
        assert self.plan.done(batch, BatchResult(failed="full", lengths=lengths)) == []
        for number in numbers & set(self.live):
            self.replies.pop(number, None)
            self.plan.stop(number)

    def settle(self) -> None:
        """All replies come to their end, and the cache holds what the planner believes."""
        self.end(0, [])
        for _ in range(500):
            self.begin(0, [])
            if self.running is None:
                break
            self.end(0, [])
        assert self.plan.next_batch() is None, "there is an end"
        assert self.replies == {}, "every reply was finished"
        if self.plan._failing:  # then the next step that works takes with it what was given back
            assert self.plan.next_batch() is None
            return
        for number, state in self.plan._sequences.items():
            if state.fork_from is None:
                assert self.cache.cells.get(number, []) == state.cached
        for number in set(self.cache.cells) - set(self.live):
            assert self.cache.cells[number] == [], "what was given back takes no room"


TOKENS = st.lists(st.integers(1, 3), max_size=8)
OPERATION = st.sampled_from(
    ["open", "close", "want", "generate", "generate", "stop", "prioritise", "begin", "end", "begin", "end", "fail"]
)


@given(st.lists(st.tuples(OPERATION, st.integers(0, 11), TOKENS), max_size=50))
@settings(max_examples=300, deadline=None)
def test_whatever_is_asked_for_the_cache_holds_what_the_planner_believes(operations: list[tuple[str, int, list[int]]]) -> None:
    world = World()
    for name, which, tokens in operations:
        if world.live or name in ("open", "begin", "end", "fail"):
            getattr(world, name)(which, tokens)
    world.settle()
