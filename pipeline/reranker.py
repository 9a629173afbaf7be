"""The language model as a reranker: of a few of the owner's lines it says one by one whether this line answers a question, and whether that is a yes or a no.

The picker compares vectors, and the reader points at one line among all; neither weighs a question against one line word by word. Here the same model, with another low-rank
change (`config/reranker.gguf`, made by `fixtures/reading/rerank.py`), has read each line when the bot was loaded; a question goes through it once behind each line that is in
doubt, all in one batch, and leaves nothing in the cache. A pointwise reranker, as in Nogueira and Cho 2019 (https://arxiv.org/abs/1901.04085).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import config
from pipeline.llama import MAX_SEQUENCES, LlamaContext, LlamaError, LlamaModel
from pipeline.llm_batch import Batch, Row
from pipeline.reranking import Judged, PairLayout, RerankRequest
from pipeline.statements import Statement

ADAPTER = Path(config.__file__).parent / "reranker.gguf"
MAX_ROWS = 128
"""Rows of a step: five lines' worth of a question and more, and the longest question with the one before it."""


class RerankerEngine:
    """The `reranker` engine: `run` returns `Judged`. Raises LlamaError when the adapter does not fit the model, the owner's lines do not fit, or llama.cpp computes what is no number.

    `learn` first. `run` may be called from any thread, one at a time.
    """

    name = "reranker"
    concurrency = 1

    def __init__(self, model: LlamaModel, *, threads: int, adapter: Path = ADAPTER) -> None:
        self.device = model.device
        self.threads = threads
        self._model = model
        self._adapter = adapter
        self._layout = PairLayout(lambda text: model.vocabulary.tokens(text, first=False))
        self._context: LlamaContext | None = None
        self._lengths: list[int] = []

    def learn(self, name: str, statements: Sequence[Statement]) -> None:
        """Prefill the owner's lines, each by itself. Takes a thread; nothing may be judged meanwhile."""
        lines = [self._layout.line(name, statement) for statement in statements]
        if len(lines) > MAX_SEQUENCES:
            raise LlamaError(
                f"{len(lines)} statements are more than {MAX_SEQUENCES}: shorten the instructions, or set FIRSTWORD_READER__MODEL=none"
            )
        self.close()
        # As many sequences and cells as the text has lines and tokens: for each sequence llama.cpp keeps room for 152,000 logits.
        self._context = LlamaContext(
            self._model,
            n_ctx=sum(map(len, lines)) + MAX_ROWS,
            max_sequences=max(1, len(lines)),
            max_rows=MAX_ROWS,
            threads=self.threads,
            adapter=self._adapter,
        )
        rows = [Row(number, at, token) for number, line in enumerate(lines) for at, token in enumerate(line)]
        for start in range(0, len(rows), MAX_ROWS):
            self._decode(Batch(rows=tuple(rows[start : start + MAX_ROWS])))
        self._lengths = [len(line) for line in lines]

    def cost_ms(self, request: RerankRequest) -> float:
        """By the words."""
        return 20.0 + 3.0 * len(request.said.split()) * len(request.lines)

    def run(self, request: RerankRequest) -> Judged:
        """Judge each line. A step holds as many of them as it has rows for."""
        question = self._layout.question(request.said, request.before)
        together = MAX_ROWS // len(question)
        logits: list[NDArray[np.float32]] = []
        for start in range(0, len(request.lines), together):
            lines = request.lines[start : start + together]
            rows = [
                Row(line, self._lengths[line] + at, token, sample=at == len(question) - 1)
                for line in lines
                for at, token in enumerate(question)
            ]
            context = self._decode(Batch(rows=tuple(rows)))
            logits += [context.logits(n * len(question) - 1)[self._layout.beginnings].copy() for n in range(1, len(lines) + 1)]
            self._decode(Batch(rollbacks=tuple((line, self._lengths[line]) for line in lines)))
        told = np.array(logits, np.float32).reshape(len(request.lines), len(self._layout.beginnings))
        if not np.isfinite(told).all():
            raise LlamaError(
                "the reranker's sums are no numbers: llama.cpp was compiled for another CPU; `pip cache remove llama_cpp_python`, then `make clean call`"
            )
        return Judged.of(request.lines, told)

    def _decode(self, batch: Batch) -> LlamaContext:
        assert self._context is not None, "learn first"
        if (status := self._context.decode(batch)) != 0:
            raise LlamaError(f"llama_decode returned {status}")
        return self._context

    def close(self) -> None:
        """Free the native memory. The engine must be idle."""
        if self._context is not None:
            self._context.close()
            self._context = None
