"""llama.cpp: what a quantisation, a longer context and a larger model cost, and how many answers are right with each."""

from __future__ import annotations

import asyncio
import time
import tomllib
from pathlib import Path

from config.bot import load_bot
from config.models import resolve
from config.settings import Settings, load_settings
from pipeline.llama import MAX_ROWS, LlamaEngine, LlamaModel
from pipeline.llm_batch import Batch, Row
from telephony.cli_check import ask_questions
from telephony.profiling.stages import llm_speed

from .experiment import Outcome
from .experiment import Row as Cells

MODELS = (
    ("qwen2.5-0.5b-q4_0", "Qwen2.5-Coder 0.5B", "Q4_0"),
    ("qwen2.5-0.5b-q4_k_m", "Qwen2.5-Coder 0.5B", "Q4_K_M"),
    ("qwen2.5-1.5b-q4_0", "Qwen2.5-Coder 1.5B", "Q4_0"),
    ("qwen2.5-1.5b-q4_k_m", "Qwen2.5-Coder 1.5B", "Q4_K_M"),
)
FACTS = Path(__file__).parents[2] / "fixtures" / "facts"
ASKED = ("tune-a", "tune-b")
SECONDS = 8.0
LONG = 2000
"""Tokens of a long context: a call of half an hour."""


def llama(settings: Settings) -> Outcome:
    """Speed by llama.cpp's own counters, and right answers of two bots with 15 questions each, where the model words all that it may."""
    rows = tuple(_row(settings, *model) for model in MODELS if _there(settings, model[0]))
    return Outcome(
        (
            "model",
            "quantisation",
            "prompt, tokens/s",
            "reply, tokens/s",
            f"reply behind {LONG} tokens",
            "a reply, ms",
            "right answers",
        ),
        rows,
        (
            (
                "A prompt is the fact and the question behind a shared prefix; a reply ends with its sentence. Right answers: `check-bot --ask` on "
                f"{' and '.join(ASKED)} with `FIRSTWORD_LLM__AS_WRITTEN_WORDS=0`. Picking the fact is the same for all, so these differ by wording alone."
            ),
            (
                "Sampling is greedy: the most likely token. A temperature would make the same question be answered in two ways, one of them less likely to be right, and a "
                "reply that was made on a bet could not be made again."
            ),
        ),
    )


def _there(settings: Settings, model: str) -> bool:
    return (settings.models_dir / model).is_dir()


def _row(settings: Settings, model: str, name: str, quantisation: str) -> Cells:
    tried = load_settings(llm={"model": model, "as_written_words": 0}, models_dir=settings.models_dir)
    prompt_s, reply_s, reply_ms = llm_speed(tried, load_bot(settings.bot), SECONDS)
    right = asked = 0
    for bot in ASKED:
        file = FACTS / f"{bot}.toml"
        questions = tomllib.loads(file.read_text("utf-8"))["questions"]
        results = asyncio.run(ask_questions(tried.model_copy(update={"bot": file}), questions))
        asked, right = asked + len(results), right + sum(result.right for result in results)
    behind = _behind(settings, model)
    return (name, quantisation, f"{prompt_s:.0f}", f"{reply_s:.1f}", f"{behind:.1f}", f"{reply_ms:.0f}", f"{right} of {asked}")


def _behind(settings: Settings, model: str) -> float:
    """Tokens a second of a reply behind a long context."""
    weights = LlamaModel(resolve(model, settings.models_dir))
    engine = LlamaEngine(weights, n_ctx=LONG + 64, max_sequences=1, threads=settings.threads)
    try:
        token = engine.vocabulary.tokens("word", first=False)[0]
        for start in range(0, LONG, MAX_ROWS):
            engine.run(Batch(rows=tuple(Row(0, start + i, token, sample=False) for i in range(min(MAX_ROWS, LONG - start)))))
        began = time.monotonic()
        for at in range(LONG, LONG + 32):
            engine.run(Batch(rows=(Row(0, at, token, sample=True),)))
        return 32 / (time.monotonic() - began)
    finally:
        engine.close()
        weights.close()
