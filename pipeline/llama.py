"""llama.cpp as an engine: one model, one context, a sequence per call, one decode call per step.

Works on llama-cpp-python's low-level API; what it relies on is kept as tests in tests/test_llama.py:
`llama_memory_seq_cp` shares cells under `kv_unified`; a batch over `n_batch` aborts the process, so it is refused here; a refused
decode leaves the cache at `llama_memory_seq_pos_max`.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pipeline.threads  # noqa: F401 - before any OpenMP library is loaded

import llama_cpp.llama_cpp as lib  # isort: skip
import numpy as np  # isort: skip
from numpy.typing import NDArray  # isort: skip

from pipeline.llm_batch import Batch, BatchResult

# A step cannot be interrupted. 16 rows are computed as fast a row as 32 (a fact and its question: 246 ms in one step, 228 ms in two), and what
# is more urgent waits half as long.
MAX_ROWS = 16
# llama.cpp's own bound (LLAMA_MAX_SEQ).
MAX_SEQUENCES = 256


class LlamaError(RuntimeError):
    """llama.cpp could not load the model or make a context."""


@lib.llama_log_callback  # type: ignore[untyped-decorator]
def _quiet(_level: int, _text: bytes, _data: ctypes.c_void_p) -> None:
    """llama.cpp prints its model's metadata to stderr; what matters of it comes back as errors."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the planning side needs of the model: tokenise, detokenise, and which tokens end a reply."""

    vocab: Any
    size: int
    eog: frozenset[int]
    template: str
    bos: str
    eos: str
    adds_bos: bool

    def tokens(self, text: str, *, first: bool = True) -> list[int]:
        """Token ids of `text`, special tokens parsed; BOS added where the model wants it and `first`."""
        raw = text.encode()
        room = len(raw) + 8
        buffer = (ctypes.c_int32 * room)()
        n = lib.llama_tokenize(self.vocab, raw, len(raw), buffer, room, first and self.adds_bos, True)
        if n < 0:
            raise LlamaError(f"text of {len(raw)} bytes does not tokenise")
        return list(buffer[:n])

    def piece(self, token: int) -> bytes:
        """The token's bytes: may be a part of a UTF-8 character."""
        buffer = ctypes.create_string_buffer(256)
        n = lib.llama_token_to_piece(self.vocab, token, buffer, 256, 0, False)
        return buffer.raw[: max(n, 0)]


@dataclass(frozen=True, slots=True)
class Timings:
    """What llama.cpp has counted (`llama_perf_context`): steps of several rows are prompt, steps of one are decoding. Worker time in ms."""

    prompt_tokens: int
    prompt_ms: float
    decoded_tokens: int
    decoded_ms: float


class LlamaEngine:
    """The `llm` engine. `run` takes a `Batch` and returns a `BatchResult`; greedy sampling.

    `n_ctx`: cache cells for all sequences together. `device`: `cpu`, `cuda` or `auto` (all layers offered to whatever GPU the build has).
    `states`: hidden states can be read (`read`); llama.cpp then computes an output for every row.
    """

    name = "llm"
    concurrency = 1

    def __init__(
        self, model: Path, *, n_ctx: int, max_sequences: int, threads: int, device: str = "cpu", states: bool = False
    ) -> None:
        lib.llama_log_set(_quiet, ctypes.c_void_p(0))
        lib.llama_backend_init()
        self.device = device
        self.threads = threads
        self.max_sequences = max_sequences
        model_params = lib.llama_model_default_params()
        model_params.n_gpu_layers = 0 if device == "cpu" else 999
        self._model = lib.llama_model_load_from_file(str(model).encode(), model_params)
        if not self._model:
            raise LlamaError(f"{model} is not a GGUF model that llama.cpp can load: run `firstword models verify`")
        params = lib.llama_context_default_params()
        params.n_ctx = n_ctx
        # llama.cpp asserts (and so aborts) unless every sequence can have an output in one batch.
        params.n_batch = params.n_ubatch = max(MAX_ROWS, max_sequences)
        params.n_seq_max = max_sequences
        params.n_threads = params.n_threads_batch = threads
        params.kv_unified = True
        params.embeddings = states
        params.no_perf = False  # two readings of a clock a step
        self._context = lib.llama_init_from_model(self._model, params)
        if not self._context:
            lib.llama_model_free(self._model)
            raise LlamaError(f"no room for a context of {n_ctx} tokens: lower FIRSTWORD_LLM__N_CTX")
        self._memory = lib.llama_get_memory(self._context)
        self._batch = lib.llama_batch_init(MAX_ROWS, 0, 1)
        vocab = lib.llama_model_get_vocab(self._model)
        self._vocab_size = lib.llama_vocab_n_tokens(vocab)
        self.vocabulary = self._vocabulary(vocab)

    def _vocabulary(self, vocab: Any) -> Vocabulary:
        def special(token: int) -> str:
            return (lib.llama_vocab_get_text(vocab, token) or b"").decode() if token >= 0 else ""

        template = lib.llama_model_chat_template(self._model, None)
        return Vocabulary(
            vocab,
            self._vocab_size,
            frozenset(t for t in range(self._vocab_size) if lib.llama_vocab_is_eog(vocab, t)),
            template.decode() if template else "",
            special(lib.llama_vocab_bos(vocab)),
            special(lib.llama_vocab_eos(vocab)),
            bool(lib.llama_vocab_get_add_bos(vocab)),
        )

    def cost_ms(self, request: Batch) -> float:
        """About 10 ms a row and 20 ms a step on two cores."""
        return 20.0 + 10.0 * len(request.rows)

    def run(self, request: Batch) -> BatchResult:
        """One step. Raises ValueError for a batch over MAX_ROWS, which llama.cpp would answer by aborting the process."""
        status = self._decode(request)
        if status != 0:
            lengths = {r.sequence: lib.llama_memory_seq_pos_max(self._memory, r.sequence) + 1 for r in request.rows}
            return BatchResult(
                failed=f"llama_decode returned {status}: out of cache cells" if status == 1 else f"llama_decode: {status}",
                lengths=lengths,
            )
        return BatchResult({r.sequence: int(self._logits(i).argmax()) for i, r in enumerate(request.rows) if r.sample})

    def read(self, request: Batch, tokens: NDArray[np.int64]) -> tuple[float, NDArray[np.float32]]:
        """One step: the probability that one of `tokens` follows its last row, and that row's hidden state, shape (n_embd,).

        The row must be sampled, and the engine made with `states`. Raises LlamaError when the step is refused, ValueError as `run` does.
        """
        if (status := self._decode(request)) != 0:
            raise LlamaError(f"llama_decode returned {status}")
        row = len(request.rows) - 1
        logits = self._logits(row).astype(np.float64)
        shares = np.exp(logits - logits.max())
        found = lib.llama_get_embeddings_ith(self._context, row)
        state = np.ctypeslib.as_array(found, shape=(lib.llama_model_n_embd(self._model),)).copy()
        return float(shares[tokens].sum() / shares.sum()), state

    def timings(self) -> Timings:
        """Since the model was loaded, or since `forget_timings`."""
        perf = lib.llama_perf_context(self._context)
        # It never says 0 (llama_perf_context): so that nobody divides by it.
        return Timings(int(perf.n_p_eval), float(perf.t_p_eval_ms), int(perf.n_eval), float(perf.t_eval_ms))

    def forget_timings(self) -> None:
        """Begin to count anew."""
        lib.llama_perf_context_reset(self._context)

    def _decode(self, request: Batch) -> int:
        """llama_decode's status; 0 for a batch without rows."""
        if len(request.rows) > MAX_ROWS:
            raise ValueError(f"{len(request.rows)} rows in a batch of at most {MAX_ROWS}")
        for sequence in request.frees:
            lib.llama_memory_seq_rm(self._memory, sequence, -1, -1)
        for source, target in request.forks:
            lib.llama_memory_seq_cp(self._memory, source, target, -1, -1)
        for sequence, start in request.rollbacks:
            lib.llama_memory_seq_rm(self._memory, sequence, start, -1)
        if not request.rows:
            return 0
        batch = self._batch
        batch.n_tokens = len(request.rows)
        for i, row in enumerate(request.rows):
            batch.token[i] = row.token
            batch.pos[i] = row.position
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = row.sequence
            batch.logits[i] = row.sample
        return int(lib.llama_decode(self._context, batch))

    def _logits(self, row: int) -> NDArray[np.float32]:
        return np.ctypeslib.as_array(lib.llama_get_logits_ith(self._context, row), shape=(self._vocab_size,))

    def close(self) -> None:
        """Free the native memory. The engine must be idle."""
        if self._context:
            lib.llama_batch_free(self._batch)
            lib.llama_free(self._context)
            lib.llama_model_free(self._model)
            self._context = self._model = None
