"""The language model as a reader: of a caller's turn it says which of the owner's lines answers it, whether that is a yes or a no, and whether it is over.

Qwen2.5-Coder-0.5B with a low-rank change that was taught to point (`config/reader.gguf`, made by `fixtures/reading/train.py`). The owner's lines are prefilled when
the bot is loaded and shared by all calls; a turn costs its own tokens and three more, and no token is sampled. The change is added in this context alone: the
weights are the ones that word the replies. docs/grounding.md has the measurements.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import config
from pipeline.llama import LlamaContext, LlamaError, LlamaModel
from pipeline.llm_batch import Batch, Row
from pipeline.reading import Layout, Reading
from pipeline.statements import Statement

ADAPTER = Path(config.__file__).parent / "reader.gguf"
MAX_CALLS = 16
"""Calls whose last turn is kept in the cache: what its next one begins with is not computed again. More are read as well, from the owner's lines on."""
MAX_TURN = 256
"""Tokens of one turn and the question before it."""
MAX_ROWS = 64
"""Rows of a step: as many as a turn has, as a rule. For each of them llama.cpp keeps room for 152,000 logits."""
_LINES = 0
PREFILLED = Reading(0.0, np.zeros(0, np.float32), (0.0, 0.0, 1.0))
"""No answer: what was asked ahead is in the cache."""


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """What a caller has said so far. `before`: their last question, and the number of the line that answered it.

    `ahead`: they still talk; what they have said is prefilled, and nothing is answered.
    """

    call: str
    said: str
    before: tuple[str, int | None] | None = None
    ahead: bool = False


class ReaderEngine:
    """The `reader` engine. `run` returns a `Reading`, `PREFILLED` for what was only prefilled. Raises LlamaError when the adapter does not fit the model, the owner's lines do not fit,
    or llama.cpp computes what is no number.

    `characters`: how long the owner's text is. `run` may be called from any thread, one at a time.
    """

    name = "reader"
    concurrency = 1

    def __init__(self, model: LlamaModel, *, threads: int, characters: int = 4000, adapter: Path = ADAPTER) -> None:
        self.device = model.device
        self.threads = threads
        # Each line has a label, and its heading before it: a text of n characters is less than n / 2 tokens, as a rule n / 3.
        self._n_ctx = n_ctx = characters // 2 + 512 + MAX_CALLS * MAX_TURN
        self._context = LlamaContext(
            model, n_ctx=n_ctx, max_sequences=MAX_CALLS + 1, max_rows=MAX_ROWS, threads=threads, adapter=adapter
        )
        self._layout = Layout(lambda text: model.vocabulary.tokens(text, first=False))
        self._lines: list[int] = []
        self._labels: list[int] = []
        self._free = list(range(1, MAX_CALLS + 1))
        self._turns: OrderedDict[str, tuple[int, list[int]]] = (
            OrderedDict()
        )  # sequence and its tokens behind the lines, the latest last

    def learn(self, name: str, statements: Sequence[Statement]) -> None:
        """Prefill the owner's lines: half a second a thousand tokens and more. Takes a thread; no turn may be read meanwhile."""
        if len(statements) >= self._layout.most:
            raise LlamaError(
                f"{len(statements)} statements are more than the reader can tell apart: shorten them to {self._layout.most - 1}, or set FIRSTWORD_READER__MODEL=none"
            )
        self._lines, self._labels = self._layout.lines(name, statements)
        if len(self._lines) + MAX_CALLS * MAX_TURN > self._n_ctx:
            raise LlamaError(
                f"the instructions are {len(self._lines)} tokens long, more than the reader holds: shorten them, or set FIRSTWORD_READER__MODEL=none"
            )
        self._decode(
            [Row(_LINES, at, token, sample=False) for at, token in enumerate(self._lines)], frees=tuple(range(MAX_CALLS + 1))
        )
        self._turns.clear()
        self._free = list(range(1, MAX_CALLS + 1))

    def cost_ms(self, request: ReadRequest) -> float:
        """By the words."""
        return 20.0 + 2.5 * len(request.said.split())

    def run(self, request: ReadRequest) -> Reading:
        """Read one turn. What the cache holds of it since its last reading is not computed again."""
        before = [] if request.before is None else self._layout.before(*request.before, self._labels)
        turn = self._layout.turn(request.said)
        tokens = [*before, *(turn.ids[: turn.done_at] if request.ahead else turn.ids)]
        sequence, cached, fresh = self._sequence(request.call)
        # llama.cpp computes four rows in less time than three (46 and 53 ms): so the last word is read again with the three tokens behind it.
        done_at = len(before) + turn.done_at
        keep = min(_shared(cached, tokens), done_at if request.ahead else done_at - 1)
        if request.ahead and keep == len(tokens):
            self._turns[request.call] = sequence, cached
            return PREFILLED
        start = len(self._lines)
        rows = [Row(sequence, start + at, token, sample=at >= done_at) for at, token in enumerate(tokens[keep:], start=keep)]
        try:
            last = self._decode(rows, forks=((_LINES, sequence),) if fresh else (), rollbacks=((sequence, start + keep),))
        except LlamaError:
            self._forget(request.call, sequence)
            raise
        self._turns[request.call] = sequence, tokens
        if request.ahead:
            return PREFILLED
        done, label, verdict = (
            _log_shares(self._context.logits(at - keep - last)[these])
            for at, these in (
                (done_at, self._layout.done),
                (len(before) + turn.label_at, self._labels),
                (len(before) + turn.verdict_at, self._layout.verdicts),
            )
        )
        if not np.isfinite(label).all():
            self._forget(request.call, sequence)
            raise LlamaError(
                "the reader's sums are no numbers: llama.cpp was compiled for another CPU; `pip cache remove llama_cpp_python`, then `make clean call`"
            )
        return Reading(float(done[0] - done[1]), label, tuple(float(p) for p in np.exp(verdict)))

    def _sequence(self, call: str) -> tuple[int, list[int], bool]:
        """(sequence, its tokens behind the lines, whether it has the lines yet) of a call; the one that was read longest ago gives way."""
        if call in self._turns:
            sequence, tokens = self._turns.pop(call)
            return sequence, tokens, False
        if self._free:
            return self._free.pop(), [], True
        _, (sequence, _) = self._turns.popitem(last=False)
        return sequence, [], False

    def _forget(self, call: str, sequence: int) -> None:
        self._turns.pop(call, None)
        self._context.decode(Batch(frees=(sequence,)))
        self._free.append(sequence)

    def _decode(self, rows: Sequence[Row], **before: Any) -> int:
        """In as many steps as it takes, the first one short; returns the number of the last step's first row."""
        at, end = 0, len(rows) % MAX_ROWS or min(len(rows), MAX_ROWS)
        while True:
            if (status := self._context.decode(Batch(rows=tuple(rows[at:end]), **before))) != 0:
                raise LlamaError(f"llama_decode returned {status}")
            if end == len(rows):
                return at
            at, end, before = end, end + MAX_ROWS, {}

    def close(self) -> None:
        """Free the native memory. The engine must be idle."""
        self._context.close()


def _shared(a: Sequence[int], b: Sequence[int]) -> int:
    """Length of the common beginning."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _log_shares(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log softmax."""
    above = logits - logits.max()
    shares: NDArray[np.float32] = above - np.log(np.exp(above).sum())
    return shares
