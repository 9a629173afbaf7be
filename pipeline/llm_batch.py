"""What goes into the next llama.cpp batch: a pure plan over all sequences that share one context.

A sequence has tokens that the KV cache holds (`cached`) and tokens that it should hold (`wanted`). Everything else follows: what
they share stays, what differs is rolled back, what is missing is prefilled, and while a reply is generated each sampled token is
simply the next wanted one. A corrected transcript, a reply that was heard only in part, a changed fact: all are a new `wanted`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.jobs import Priority


@dataclass(frozen=True, slots=True)
class Row:
    """One token of a batch. With `sample` the engine returns the token that follows it."""

    sequence: int
    position: int
    token: int
    sample: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """One step, in this order: closed sequences' cells freed, forks, rollbacks, then the rows in one decode call."""

    frees: tuple[int, ...] = ()  # sequences to remove whole: a number may be forked to in this very step
    forks: tuple[tuple[int, int], ...] = ()  # (from, to): `to` shares all of `from`'s cells
    rollbacks: tuple[tuple[int, int], ...] = ()  # (sequence, first position to remove)
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchResult:
    """Sampled tokens by sequence.

    `failed`: the decode was refused (no room), and `lengths` is what the cache holds now of each sequence that had rows; empty when nobody
    knows.
    """

    sampled: dict[int, int] = field(default_factory=dict)
    failed: str = ""
    lengths: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class SequenceState:
    """One conversation's place in the cache. `budget`: tokens that may still be sampled; 0 when nothing is generated."""

    cached: list[int] = field(default_factory=list)
    wanted: list[int] = field(default_factory=list)
    priority: Priority = Priority.PARTIAL
    budget: int = 0
    prefilled: int = 0
    rolled_back: int = 0
    answering: bool = False
    fork_from: tuple[int, SequenceState] | None = None  # until the next step copies it


@dataclass(frozen=True, slots=True)
class Sampled:
    """A token for whoever generates on `sequence`. `last`: the model ended or the budget is used up."""

    sequence: int
    token: int
    last: bool


class OutOfSequencesError(RuntimeError):
    """More conversations than the context has sequences for: raise FIRSTWORD_LLM__MAX_SEQUENCES or admit fewer calls."""


class BatchPlanner:
    """Sequences of one context. `max_rows` bounds a step (llama.cpp aborts the process past n_batch), `eog` ends a reply."""

    def __init__(self, max_sequences: int, max_rows: int, eog: frozenset[int]) -> None:
        self.max_rows = max_rows
        self._eog = eog
        self._free = list(range(max_sequences - 1, -1, -1))
        self._sequences: dict[int, SequenceState] = {}
        self._closing: list[int] = []  # to be removed from the cache with the next step, before anything else
        self._failing = False  # the last step broke: what is to be removed waits for a step that has more to do
        self._in_flight: frozenset[int] = frozenset()
        self.reused_tokens = 0  # of the prompts of all replies: cached when they were asked for
        self.computed_tokens = 0  # and not
        self.rolled_back_tokens = 0
        self._leaving: set[int] = set()  # closed while a step computes them: their numbers are free when it is done

    def __len__(self) -> int:
        return len(self._sequences)

    @property
    def cells(self) -> int:
        """Cells of the cache in use, shared ones counted once per sequence."""
        return sum(len(s.cached) for s in self._sequences.values())

    def distinct_cells(self, shared: Sequence[int]) -> int:
        """Cells in use, with what a sequence has in common with one of `shared` counted there only."""
        prefixes = [self._sequences[number].cached for number in shared if number in self._sequences]
        own = (
            len(state.cached) - max((_shared(prefix, state.cached) for prefix in prefixes), default=0)
            for number, state in self._sequences.items()
            if number not in shared
        )
        return sum(map(len, prefixes)) + sum(own)

    def open(self, prefix: int | None = None) -> int:
        """A new sequence, sharing all that sequence `prefix` holds."""
        if not self._free:
            raise OutOfSequencesError("no free sequence")
        number = self._free.pop()
        state = SequenceState()
        if prefix is not None:
            state.cached = list(self._sequences[prefix].cached)
            state.wanted = list(state.cached)
            state.fork_from = (prefix, self._sequences[prefix])
        self._sequences[number] = state
        return number

    def close(self, sequence: int) -> None:
        """Give a sequence back; its cells are freed with the next step."""
        if self._sequences.pop(sequence, None) is None:
            return
        self._closing.append(sequence)
        if sequence in self._in_flight:
            self._leaving.add(sequence)
        else:
            self._free.append(sequence)

    def want(self, sequence: int, tokens: Sequence[int], priority: Priority) -> None:
        """Have these tokens in the cache, sample nothing."""
        state = self._sequences[sequence]
        state.wanted, state.priority, state.budget = list(tokens), priority, 0

    def generate(self, sequence: int, tokens: Sequence[int], priority: Priority, max_tokens: int) -> None:
        """Have these tokens in the cache, then sample up to `max_tokens`. Both at least one, else ValueError."""
        if not tokens or max_tokens < 1:
            raise ValueError(f"{len(tokens)} tokens of prompt, {max_tokens} to sample: a reply needs one of each")
        state = self._sequences[sequence]
        state.wanted, state.priority, state.budget = list(tokens), priority, max_tokens
        state.prefilled, state.answering = 0, False
        keep = self._keep(state)
        self.reused_tokens += keep
        self.computed_tokens += len(tokens) - keep

    def stop(self, sequence: int) -> None:
        """Neither prefill nor sample any further; what is cached stays, for whatever it shares with what is wanted next."""
        state = self._sequences.get(sequence)
        if state is not None:
            state.wanted, state.budget = list(state.cached), 0

    def prioritise(self, sequence: int, priority: Priority) -> None:
        """Change how urgent a sequence is: a bet that was won, a first phrase that is out."""
        self._sequences[sequence].priority = priority

    def prefilled(self, sequence: int) -> int:
        """Prompt tokens computed since `generate` was called."""
        return self._sequences[sequence].prefilled

    def rolled_back(self, sequence: int) -> int:
        """Tokens that this sequence dropped from the cache, in all."""
        return self._sequences[sequence].rolled_back

    def length(self, sequence: int) -> int:
        """Tokens cached."""
        return len(self._sequences[sequence].cached)

    def urgency(self) -> Priority | None:
        """The most urgent thing to do, or None when there is nothing."""
        urgencies = [s.priority for s in self._sequences.values() if self._missing(s)]
        if urgencies:
            return min(urgencies)
        return Priority.PARTIAL if self._closing and not self._failing else None

    def next_batch(self) -> Batch | None:
        """The next step, most urgent class only: rows of a lower class would make the urgent ones wait for them.

        Within the class one token of each reply comes first, then prompts in the order of their sequences. None: nothing to do.
        """
        urgency = self.urgency()
        if urgency is None:
            return None
        chosen = [(n, s) for n, s in sorted(self._sequences.items()) if s.priority is urgency and self._missing(s)]
        chosen.sort(key=lambda item: len(item[1].wanted) - _shared(item[1].cached, item[1].wanted) > 1)
        frees, self._closing = tuple(dict.fromkeys(self._closing)), []
        forks, rollbacks = self._forks()
        rows: list[Row] = []
        for number, state in chosen:
            room = self.max_rows - len(rows)
            if room <= 0:
                break
            keep = self._keep(state)
            if keep < len(state.cached):
                rollbacks.append((number, keep))
                state.rolled_back += len(state.cached) - keep
                self.rolled_back_tokens += len(state.cached) - keep
                del state.cached[keep:]
            missing = state.wanted[keep : keep + room]
            ends = keep + len(missing) == len(state.wanted)
            for offset, token in enumerate(missing):
                rows.append(Row(number, keep + offset, token, sample=state.budget > 0 and ends and offset == len(missing) - 1))
            state.cached.extend(missing)
        self._in_flight = frozenset(row.sequence for row in rows)
        return Batch(frees, tuple(forks), tuple(rollbacks), tuple(rows))

    def _forks(self) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """(forks, rollbacks) of all sequences opened since the last step. Their source may have changed since, or be gone: less is shared."""
        forks: list[tuple[int, int]] = []
        rollbacks: list[tuple[int, int]] = []
        for number, state in self._sequences.items():  # a source was opened before what forks from it
            if state.fork_from is None:
                continue
            (source_number, source), state.fork_from = state.fork_from, None
            keep = _shared(state.cached, source.cached) if self._sequences.get(source_number) is source else 0
            del state.cached[keep:]
            if keep:
                forks.append((source_number, number))
                if keep < len(source.cached):
                    rollbacks.append((number, keep))
        return forks, rollbacks

    def done(self, batch: Batch, result: BatchResult) -> list[Sampled]:
        """Take a step's outcome; returns what was sampled for sequences that still want it."""
        out: list[Sampled] = []
        self._in_flight = frozenset()
        self._free.extend(self._leaving)
        self._leaving = set()
        self._failing = bool(result.failed) and not result.lengths
        if result.failed:
            self._take_failure(batch, result)
            return out
        for row in batch.rows:
            state = self._sequences.get(row.sequence)
            if state is None:
                continue
            if state.budget > 0 and not state.answering:
                state.prefilled += 1
            if not row.sample or state.budget == 0 or not self._still_wanted(state, row):
                continue
            token = result.sampled[row.sequence]
            state.answering = True
            state.budget -= 1
            last = token in self._eog or state.budget == 0
            if last:
                state.budget = 0
            if token not in self._eog:
                state.wanted.append(token)
            if last:
                state.wanted = list(state.cached)
            out.append(Sampled(row.sequence, token, last))
        return out

    def _take_failure(self, batch: Batch, result: BatchResult) -> None:
        if result.lengths:
            for number, length in result.lengths.items():
                if number in self._sequences:
                    del self._sequences[number].cached[length:]
            return
        # Nobody knows how much of the step was done: what it touched begins anew.
        self._closing += [
            *batch.frees,
            *(to for _, to in batch.forks),
            *(n for n, _ in batch.rollbacks),
            *(row.sequence for row in batch.rows),
        ]
        for number in self._closing:
            if number in self._sequences:
                self._sequences[number].cached = []

    @staticmethod
    def _still_wanted(state: SequenceState, row: Row) -> bool:
        """The prompt may have changed while the step ran: then its token answers a question nobody asks any more."""
        return len(state.wanted) == row.position + 1 == len(state.cached) and state.cached == state.wanted

    @staticmethod
    def _keep(state: SequenceState) -> int:
        """How much of the cache stays. The last prompt token is computed again if its logits are needed and gone."""
        shared = _shared(state.cached, state.wanted)
        return min(shared, len(state.wanted) - 1) if state.budget > 0 else shared

    def _missing(self, state: SequenceState) -> bool:
        return len(state.wanted) > self._keep(state)


def _shared(a: Sequence[int], b: Sequence[int]) -> int:
    """Length of the common prefix."""
    n = min(len(a), len(b))
    if a[:n] == b[:n]:
        return n
    return next(i for i in range(n) if a[i] != b[i])
