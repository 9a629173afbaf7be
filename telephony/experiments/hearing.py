"""Streaming speech recognition: how soon a partial transcript is there, and how much of it stays."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from config.models import resolve
from config.settings import Settings
from pipeline.asr import AsrRequest, WhisperEngine
from pipeline.audibility import audible_frames, last_audible
from pipeline.leg import Pcm
from pipeline.listen_ahead import FIRST_MS, NEXT_MS
from pipeline.words import tokens
from telephony.bench.figures import percentiles
from telephony.profiling.material import RATE_HZ, Utterance, utterances

from .experiment import Outcome, Row, ms

FIXTURES = ("default", "dental")
LEAD_MS = 500


def streaming(settings: Settings) -> Outcome:
    """Partial transcripts of recorded callers, each asked for when the product would ask for it on idle cores."""
    asr = settings.asr
    base, tiny = resolve(asr.model, settings.models_dir), resolve("whisper-tiny.en", settings.models_dir)
    said = [one for name in FIXTURES for one in utterances(name)]
    tried = (
        ("tiny.en", tiny, asr.first_window_s),
        ("tiny.en", tiny, 30.0),
        ("base", base, asr.window_s),
        ("base", base, 30.0),
    )
    return Outcome(
        ("model", "window, s", "partials", "there after, p50 ms", "p95", "words that stay", "final, p50 ms"),
        tuple(_row(settings, name, model, window_s, said) for name, model, window_s in tried),
        (
            (
                f"{len(said)} things that recorded callers say. The first partial is asked for {FIRST_MS} ms into the speech, then one every {NEXT_MS} ms; *there "
                "after* counts from then, on idle cores. *Words that stay*: of a partial's words but its last, those that the same model's final transcript has at "
                "the same place. As shipped: tiny.en in 8 s hears ahead and a pause first, base in 10 s what that is not sure of."
            ),
        ),
    )


def _row(settings: Settings, name: str, model: Path, window_s: float, said: list[Utterance]) -> Row:
    engine = WhisperEngine(model, device="cpu", compute_type=settings.asr.compute_type, threads=settings.threads, window_s=window_s)
    partial_ms: list[float] = []
    final_ms: list[float] = []
    stayed = words = 0
    engine.run(AsrRequest(said[0].pcm, RATE_HZ))  # the first run allocates
    for one in said:
        pcm, start, end = _with_silence(one.pcm)
        took, final = _timed(engine, pcm[:end])
        final_ms.append(took)
        final_words = tokens(final)
        for at in range(start + FIRST_MS * RATE_HZ // 1000, end, NEXT_MS * RATE_HZ // 1000):
            took, partial = _timed(engine, pcm[:at])
            partial_ms.append(took)
            heard = tokens(partial)[:-1]
            words += len(heard)
            stayed += sum(a == b for a, b in zip(heard, final_words, strict=False))
    partials = percentiles(partial_ms)
    share = f"{100 * stayed / words:.0f} %" if words else "–"
    return (name, f"{window_s:g}", str(len(partial_ms)), ms(partials), ms(partials, "p95"), share, ms(percentiles(final_ms)))


def _with_silence(pcm: Pcm) -> tuple[Pcm, int, int]:
    """The utterance behind half a second of a quiet line, its first audible sample, and 40 ms after its last."""
    lead = LEAD_MS * RATE_HZ // 1000
    whole: Pcm = np.concatenate([np.zeros(lead, np.int16), pcm])
    first = int(audible_frames(whole, RATE_HZ).nonzero()[0][0]) * RATE_HZ // 50
    return whole, first, min(len(whole), (last_audible(whole, RATE_HZ) or len(whole)) + RATE_HZ // 25)


def _timed(engine: WhisperEngine, pcm: Pcm) -> tuple[float, str]:
    began = time.monotonic()
    text = engine.run(AsrRequest(pcm, RATE_HZ)).text
    return (time.monotonic() - began) * 1000, text
