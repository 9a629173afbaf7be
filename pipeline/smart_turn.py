"""Smart Turn: is the caller's turn over, by the sound of it?

A Whisper-tiny encoder with a classifier (pipecat-ai/smart-turn v3.2, BSD-2): the last 8 s of 16 kHz audio, normalised to zero mean and
unit variance and padded in front, as 80 log-mel bands; out comes P(turn complete).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.audio import as_float, resample
from pipeline.leg import Pcm
from pipeline.threads import onnx_session

RATE_HZ = 16_000
WINDOW_S = 8


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """`pcm`: int16 mono at `rate_hz`: the caller's turn so far, the pause at its end included."""

    pcm: Pcm
    rate_hz: int


class SmartTurnEngine:
    """The `turn` engine. `run` returns P(turn complete), 0 to 1."""

    name = "turn"
    concurrency = 1
    device = "cpu"

    def __init__(self, model: Path, *, threads: int) -> None:
        from faster_whisper.feature_extractor import FeatureExtractor

        self.threads = threads
        self._session = onnx_session(str(model), threads=threads)
        self._features = FeatureExtractor(feature_size=80)

    def cost_ms(self, request: TurnRequest) -> float:
        """The window is always 8 s."""
        return 60.0

    def run(self, request: TurnRequest) -> float:
        """P(turn complete)."""
        audio = as_float(resample(request.pcm, request.rate_hz, RATE_HZ))[-WINDOW_S * RATE_HZ :]
        window = np.zeros(WINDOW_S * RATE_HZ, np.float32)
        window[len(window) - len(audio) :] = audio
        window = (window - window.mean()) / np.sqrt(window.var() + 1e-7)
        mel = self._features(window, padding=0)[:, : WINDOW_S * 100]
        mel = np.pad(mel, ((0, 0), (0, WINDOW_S * 100 - mel.shape[1])), mode="edge")
        return float(self._session.run(None, {"input_features": mel[None].astype(np.float32)})[0].reshape(-1)[0])
