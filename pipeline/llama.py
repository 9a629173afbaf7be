"""llama.cpp: a model's weights, contexts over them, and the engine that speaks for all calls: a sequence per call, one decode call per step.

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


class LlamaModel:
    """A GGUF file's weights and vocabulary, for any number of contexts. `device`: `cpu`, `cuda` or `auto` (all layers offered to whatever GPU the build has).

    Raises LlamaError for a file that is no model. Close it after its contexts.
    """

    def __init__(self, path: Path, device: str = "cpu") -> None:
        lib.llama_log_set(_quiet, ctypes.c_void_p(0))
        lib.llama_backend_init()
        self.path = path
        self.device = device
        params = lib.llama_model_default_params()
        params.n_gpu_layers = 0 if device == "cpu" else 999
        self.handle = lib.llama_model_load_from_file(str(path).encode(), params)
        if not self.handle:
            raise LlamaError(f"{path} is not a GGUF model that llama.cpp can load: run `firstword models verify`")
        self.vocabulary = self._vocabulary(lib.llama_model_get_vocab(self.handle))

    def _vocabulary(self, vocab: Any) -> Vocabulary:
        size = lib.llama_vocab_n_tokens(vocab)

        def special(token: int) -> str:
            return (lib.llama_vocab_get_text(vocab, token) or b"").decode() if token >= 0 else ""

        template = lib.llama_model_chat_template(self.handle, None)
        return Vocabulary(
            vocab,
            size,
            frozenset(t for t in range(size) if lib.llama_vocab_is_eog(vocab, t)),
            template.decode() if template else "",
            special(lib.llama_vocab_bos(vocab)),
            special(lib.llama_vocab_eos(vocab)),
            bool(lib.llama_vocab_get_add_bos(vocab)),
        )

    def close(self) -> None:
        """Free the native memory, adapters included."""
        if self.handle:
            lib.llama_model_free(self.handle)
            self.handle = None


class LlamaContext:
    """A KV cache of `n_ctx` cells for `max_sequences` sequences, and steps of at most `max_rows` rows. One thread at a time.

    `adapter`: a LoRA file that is added to the weights in this context alone. Raises LlamaError when there is no room, or it does not fit the model.
    """

    def __init__(
        self, model: LlamaModel, *, n_ctx: int, max_sequences: int, max_rows: int, threads: int, adapter: Path | None = None
    ) -> None:
        self.model = model
        self.max_rows = max_rows
        params = lib.llama_context_default_params()
        params.n_ctx = n_ctx
        # llama.cpp asserts (and so aborts) unless every sequence can have an output in one batch.
        params.n_batch = params.n_ubatch = max(max_rows, max_sequences)
        params.n_seq_max = max_sequences
        params.n_threads = params.n_threads_batch = threads
        params.kv_unified = True
        if model.device == "cpu":
            # For less than 64 rows llama.cpp's flash attention goes through the cache cell by cell: behind 459 tokens 8 rows take 93 ms with it and 46 without.
            params.flash_attn_type = lib.LLAMA_FLASH_ATTN_TYPE_DISABLED
        params.no_perf = False  # two readings of a clock a step
        self.handle = lib.llama_init_from_model(model.handle, params)
        if not self.handle:
            raise LlamaError(f"no room for a context of {n_ctx} tokens: lower FIRSTWORD_LLM__N_CTX")
        self.memory = lib.llama_get_memory(self.handle)
        self._batch = lib.llama_batch_init(max_rows, 0, 1)
        if adapter is not None:
            self._adapt(adapter)

    def _adapt(self, path: Path) -> None:
        found = lib.llama_adapter_lora_init(self.model.handle, str(path).encode()) if path.is_file() else None
        if not found:
            self.close()
            raise LlamaError(
                f"{path.name} was not made for {self.model.path}: set FIRSTWORD_READER__MODEL to the model that it was made for, or to none"
            )
        status = lib.llama_set_adapters_lora(
            self.handle, (lib.llama_adapter_lora_p_ctypes * 1)(found), 1, (ctypes.c_float * 1)(1.0)
        )
        if status != 0:
            self.close()
            raise LlamaError(f"llama_set_adapters_lora returned {status}")

    def decode(self, request: Batch) -> int:
        """llama_decode's status; 0 for a batch without rows. Raises ValueError for a batch over `max_rows`, which llama.cpp would answer by aborting the process."""
        if len(request.rows) > self.max_rows:
            raise ValueError(f"{len(request.rows)} rows in a batch of at most {self.max_rows}")
        for sequence in request.frees:
            lib.llama_memory_seq_rm(self.memory, sequence, -1, -1)
        for source, target in request.forks:
            lib.llama_memory_seq_cp(self.memory, source, target, -1, -1)
        for sequence, start in request.rollbacks:
            lib.llama_memory_seq_rm(self.memory, sequence, start, -1)
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
        return int(lib.llama_decode(self.handle, batch))

    def logits(self, row: int) -> NDArray[np.float32]:
        """What the step's sampled row gives each token, shape (vocabulary,): a view that the next step overwrites."""
        return np.ctypeslib.as_array(lib.llama_get_logits_ith(self.handle, row), shape=(self.model.vocabulary.size,))

    def length(self, sequence: int) -> int:
        """Tokens that the cache holds of a sequence."""
        return int(lib.llama_memory_seq_pos_max(self.memory, sequence)) + 1

    def close(self) -> None:
        """Free the native memory. Nobody may be decoding."""
        if self.handle:
            lib.llama_batch_free(self._batch)
            lib.llama_free(self.handle)
            self.handle = None


class LlamaEngine:
    """The `llm` engine. `run` takes a `Batch` and returns a `BatchResult`; greedy sampling.

    `n_ctx`: cache cells for all sequences together. The model stays its owner's.
    """

    name = "llm"
    concurrency = 1

    def __init__(self, model: LlamaModel, *, n_ctx: int, max_sequences: int, threads: int) -> None:
        self.device = model.device
        self.threads = threads
        self.max_sequences = max_sequences
        self.vocabulary = model.vocabulary
        self._context = LlamaContext(model, n_ctx=n_ctx, max_sequences=max_sequences, max_rows=MAX_ROWS, threads=threads)

    def cost_ms(self, request: Batch) -> float:
        """About 10 ms a row and 20 ms a step on two cores."""
        return 20.0 + 10.0 * len(request.rows)

    def run(self, request: Batch) -> BatchResult:
        """One step. Raises ValueError for a batch over MAX_ROWS."""
        context = self._context
        status = self._decode(request)
        if status != 0:
            lengths = {r.sequence: context.length(r.sequence) for r in request.rows}
            return BatchResult(
                failed=f"llama_decode returned {status}: out of cache cells" if status == 1 else f"llama_decode: {status}",
                lengths=lengths,
            )
        return BatchResult({r.sequence: int(context.logits(i).argmax()) for i, r in enumerate(request.rows) if r.sample})

    def _decode(self, request: Batch) -> int:
        return self._context.decode(request)

    def timings(self) -> Timings:
        """Since the model was loaded, or since `forget_timings`."""
        perf = lib.llama_perf_context(self._context.handle)
        # It never says 0 (llama_perf_context): so that nobody divides by it.
        return Timings(int(perf.n_p_eval), float(perf.t_p_eval_ms), int(perf.n_eval), float(perf.t_eval_ms))

    def forget_timings(self) -> None:
        """Begin to count anew."""
        lib.llama_perf_context_reset(self._context.handle)

    def close(self) -> None:
        """Free the native memory. The engine must be idle."""
        self._context.close()
