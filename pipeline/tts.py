"""Text to speech: a phrase in, PCM at the leg's rate out, silence trimmed to what its punctuation asks for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from pipeline.audio import resample, trimmed
from pipeline.leg import Pcm
from pipeline.threads import onnx_session

# Voices come with up to 60 ms of silence in front: the caller would wait for nothing.
LEAD_MS = 10


@dataclass(frozen=True, slots=True)
class TtsRequest:
    """`text`: one phrase, as it is to be spoken. `speed`: 1.0 as recorded. `rate_hz`: wanted."""

    text: str
    rate_hz: int
    speed: float = 1.0


@dataclass(frozen=True, slots=True)
class Speech:
    """`pcm`: int16 mono at `rate_hz`; empty when there is nothing to say in the text."""

    pcm: Pcm
    rate_hz: int


def pause_ms(text: str) -> int:
    """The pause that a phrase's last character asks for: what a speaker leaves before going on."""
    last = text.rstrip("\"')”’ ")[-1:]
    if last and last in ".!?…":
        return 220
    if last and last in ",;:—–":
        return 120
    return 40


class Voice(Protocol):
    """A synthesiser: text to float32 at its own rate."""

    @property
    def rate_hz(self) -> int:
        """Its own sample rate."""
        ...

    def speak(self, text: str, speed: float) -> Any:
        """float32 mono in [-1, 1] at `rate_hz`, shape (n,)."""
        ...


class PiperVoice:
    """A Piper voice (VITS in ONNX, `FILE.onnx` and `FILE.onnx.json`), phonemes by espeak-ng. piper-tts is GPL-3.0."""

    def __init__(self, model: Path, *, threads: int, device: str) -> None:
        from piper import PiperVoice as Piper
        from piper.config import PiperConfig, SynthesisConfig

        settings = json.loads(model.with_name(model.name + ".json").read_text("utf-8"))
        # Not Piper.load: it gives its session as many spinning threads as there are cores.
        self._piper = Piper(
            session=onnx_session(str(model), threads=threads, device=device), config=PiperConfig.from_dict(settings)
        )
        self._synthesis_config = SynthesisConfig
        self._length_scale = float(settings.get("inference", {}).get("length_scale", 1.0))
        self.rate_hz: int = self._piper.config.sample_rate

    def speak(self, text: str, speed: float) -> Any:
        """See `Voice.speak`."""
        config = self._synthesis_config(length_scale=self._length_scale / speed)
        parts = [chunk.audio_float_array for chunk in self._piper.synthesize(text, config)]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)


class HibariVoice:
    """A hibari voice (a VITS-lite-sized network in ONNX): six times faster than Piper, and one core is enough."""

    def __init__(self, voice: str) -> None:
        from hibari import Hibari

        self._hibari = Hibari(voice=voice, threads=1)
        self.rate_hz: int = self._hibari.sample_rate

    def speak(self, text: str, speed: float) -> Any:
        """See `Voice.speak`. The noise seed is fixed: the same phrase sounds the same."""
        return self._hibari(text, speed=speed, seed=0)


class TtsEngine:
    """The `tts` engine: `run` makes one phrase."""

    name = "tts"
    concurrency = 1

    def __init__(self, voice: Voice, *, threads: int, device: str = "cpu") -> None:
        self._voice = voice
        self.threads = threads
        self.device = device

    def cost_ms(self, request: TtsRequest) -> float:
        """A part that every phrase costs, and one by length."""
        return 30.0 + 4.0 * len(request.text)

    def run(self, request: TtsRequest) -> Speech:
        """Synthesise, resample, trim: what is left before the first sound is 10 ms, after the last what the punctuation asks for."""
        wave = np.asarray(self._voice.speak(request.text, request.speed), np.float32)
        pcm = (np.clip(wave, -1.0, 1.0) * 32767.0).astype(np.int16)
        at_leg = resample(pcm, self._voice.rate_hz, request.rate_hz) if len(pcm) else pcm
        return Speech(trimmed(at_leg, request.rate_hz, lead_ms=LEAD_MS, tail_ms=pause_ms(request.text)), request.rate_hz)
