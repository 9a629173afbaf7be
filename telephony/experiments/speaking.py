"""Synthesis with ONNX: how long a voice takes to load and to speak."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from config.bot import load_bot
from config.models import resolve
from config.settings import Settings
from pipeline.tts import HibariVoice, PiperVoice, TtsEngine, TtsRequest
from telephony.bench.figures import percentiles
from telephony.profiling.material import RATE_HZ, phrases

from .experiment import Outcome, Row, ms

T = TypeVar("T")

SHORT = "Yes, we do."
TIMES = 5


def voices(settings: Settings) -> Outcome:
    """Piper and hibari on the phrases of a bot."""
    said = phrases(load_bot(settings.bot))
    piper = resolve("piper-joe", settings.models_dir)

    def joe(threads: int) -> TtsEngine:
        return TtsEngine(PiperVoice(piper, threads=threads, device="cpu"), threads=threads)

    tried: tuple[tuple[str, int, Callable[[], TtsEngine]], ...] = (
        ("Piper en_US-joe-medium", settings.threads, lambda: joe(settings.threads)),
        ("Piper en_US-joe-medium", 1, lambda: joe(1)),
        ("hibari heart", 1, lambda: TtsEngine(HibariVoice("heart"), threads=1)),
    )
    return Outcome(
        ("voice", "threads", "load, ms", "first run, ms", f"“{SHORT}”, ms", "a phrase, p50 ms", "p95", "real-time factor"),
        tuple(_row(name, threads, load, said) for name, threads, load in tried),
        (
            (
                f"{len(said)} phrases of the default bot at {RATE_HZ} Hz. Real-time factor: time to make the audio by its length, all phrases together. The first "
                "voice's load has the import of onnxruntime in it. Exported by their makers: `.onnx` is loaded, nothing is converted here."
            ),
        ),
    )


def _row(name: str, threads: int, load: Callable[[], TtsEngine], said: list[str]) -> Row:
    loaded, engine = _took(load)
    first, _ = _took(lambda: engine.run(TtsRequest(SHORT, RATE_HZ)))
    short = percentiles([_took(lambda: engine.run(TtsRequest(SHORT, RATE_HZ)))[0] for _ in range(TIMES)])
    each, audio_ms = [], 0.0
    for text in said:
        request = TtsRequest(text, RATE_HZ)
        took, speech = _took(partial(engine.run, request))
        each.append(took)
        audio_ms += 1000 * len(speech.pcm) / RATE_HZ
    found = percentiles(each)
    cells = (f"{loaded:.0f}", f"{first:.0f}", ms(short), ms(found), ms(found, "p95"), f"{sum(each) / audio_ms:.3f}")
    return (name, str(threads), *cells)


def _took(work: Callable[[], T]) -> tuple[float, T]:
    began = time.monotonic()
    result = work()
    return (time.monotonic() - began) * 1000, result
