"""The experiments of the plan, in its order."""

from __future__ import annotations

from config.settings import Settings

from .calls import baseline, end_to_end
from .experiment import Experiment, Outcome
from .hearing import streaming
from .speaking import voices
from .tracing import tracing
from .wording import llama


def vllm(_settings: Settings) -> Outcome:
    """The slot: nothing here serves a GPU yet."""
    return Outcome(
        ("server", "model", "first token p50, ms", "calls at once"),
        (("vLLM", "–", "–", "–"),),
        (
            (
                "To come, with the engine that asks a server instead of llama.cpp: `vllm serve Qwen/Qwen2.5-7B-Instruct-AWQ --enable-prefix-caching` on a machine with a "
                "GPU, then this command against it. Whole conversations go to `pipeline.llm.LlmSession.generate` already, so that a server's prefix cache fits behind it."
            ),
        ),
    )


EXPERIMENTS = (
    Experiment(
        "baseline",
        "CPU baseline with small models, nothing overlapped",
        "What the plan starts from, on this product's parts.",
        baseline,
    ),
    Experiment(
        "streaming-asr",
        "Streaming ASR: how soon a partial transcript is there",
        "Whisper on growing prefixes of what callers say.",
        streaming,
    ),
    Experiment("llama", "llama.cpp: quantisation, context, sampling", "Tokens a second, and right answers beside them.", llama),
    Experiment("tts", "ONNX TTS: Piper and hibari", "Start-up and real-time factor.", voices),
    Experiment("vllm", "vLLM", "The slot for a server on a GPU.", vllm),
    Experiment("end-to-end", "End to end with phrase-level chunks", "The same callers as in the baseline.", end_to_end),
    Experiment("tracing", "What tracing costs the caller", "Not of the plan: the same caller with and without, by turns.", tracing),
)


def experiments_named(names: list[str]) -> tuple[Experiment, ...]:
    """Those named, or all. Raises ValueError naming what there is."""
    known = {one.name: one for one in EXPERIMENTS}
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"no experiment {', '.join(map(repr, unknown))}: there are {', '.join(known)}")
    return tuple(known[name] for name in names) if names else EXPERIMENTS
