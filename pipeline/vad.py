"""Voice activity: a probability of speech for each chunk, and from those the starts and pauses of speech.

The models run on the event loop: a Silero chunk takes 0.13 ms, less than a hand-over to a thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from pipeline.audibility import AUDIBLE_RMS
from pipeline.leg import Pcm
from pipeline.threads import onnx_session

# Nobody speaks there.
QUIET_RMS = AUDIBLE_RMS / 2
# 26 dB under the speech before it.
_QUIET = 0.05


class VadStream(Protocol):
    """Voice activity of one call's audio."""

    @property
    def chunk_samples(self) -> int:
        """Samples that one verdict is about."""
        ...

    def probability(self, chunk: Pcm) -> float:
        """P(speech) of the next chunk, 0 to 1."""
        ...


class SileroModel:
    """Silero VAD (v5/v6 ONNX): 32 ms chunks at 8 kHz with 4 ms of context, one recurrent state a call. One session for all calls."""

    def __init__(self, model: Path) -> None:
        self.session = onnx_session(str(model), threads=1)

    def stream(self, rate_hz: int) -> SileroStream:
        """A call's own state."""
        return SileroStream(self.session, rate_hz)


class SileroStream:
    """The recurrent state of one call. `rate_hz`: 8000 or 16000."""

    def __init__(self, session: Any, rate_hz: int) -> None:
        if rate_hz not in (8000, 16000):
            raise ValueError(f"Silero knows 8000 and 16000 Hz, not {rate_hz}")
        self._session = session
        self._rate = np.array(rate_hz, np.int64)
        self.chunk_samples = rate_hz * 32 // 1000
        self._context = np.zeros((1, rate_hz * 4 // 1000), np.float32)
        self._state = np.zeros((2, 1, 128), np.float32)

    def probability(self, chunk: Pcm) -> float:
        """P(speech) of 32 ms."""
        x = np.concatenate([self._context, chunk.astype(np.float32)[None] / 32768.0], axis=1)
        out, self._state = self._session.run(None, {"input": x, "state": self._state, "sr": self._rate})
        self._context = x[:, -self._context.shape[1] :]
        return float(out[0, 0])


class WebRtcModel:
    """WebRTC's VAD: 20 ms chunks, yes or no. Cheaper than Silero and easily taken in by noise."""

    def __init__(self, mode: int) -> None:
        self._mode = mode

    def stream(self, rate_hz: int) -> WebRtcStream:
        """A call's own state."""
        return WebRtcStream(self._mode, rate_hz)


class WebRtcStream:
    """`mode` 0 lets most through, 3 least."""

    def __init__(self, mode: int, rate_hz: int) -> None:
        import webrtcvad

        self._vad = webrtcvad.Vad(mode)
        self._rate_hz = rate_hz
        self.chunk_samples = rate_hz * 20 // 1000

    def probability(self, chunk: Pcm) -> float:
        """1.0 or 0.0."""
        return 1.0 if self._vad.is_speech(chunk.astype("<i2").tobytes(), self._rate_hz) else 0.0


class VadModel(Protocol):
    """A loaded model that makes streams."""

    def stream(self, rate_hz: int) -> VadStream:
        """A call's own state."""
        ...


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Speech since `sample` (caller timeline)."""

    sample: int


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """No speech since `sample`, for the pause that was asked for."""

    sample: int


SpeechEvent = SpeechStarted | SpeechPaused


class SpeechDetector:
    """Chunk probabilities to starts and pauses; pure.

    Speech starts after `start_ms` at or over `threshold`, and pauses after `pause_ms` under `threshold - 0.15` (hysteresis, as Silero's own
    iterator). The start is dated back to the first chunk over the threshold, the pause to the end of the last one.
    """

    def __init__(self, rate_hz: int, chunk_samples: int, *, threshold: float, start_ms: int, pause_ms: int) -> None:
        self._on, self._off = threshold, max(threshold - 0.15, 0.01)
        self._chunk = chunk_samples
        self._rate_hz = rate_hz
        self.start_ms = start_ms
        self._pause_samples = rate_hz * pause_ms // 1000
        self.speaking = False
        self._candidate: int | None = None  # first sample of what may become speech
        self._last_speech = 0  # sample after the last chunk of speech

    @property
    def starting(self) -> bool:
        """The newest chunk may be the beginning of speech."""
        return self._candidate is not None

    def feed(self, first_sample: int, probability: float) -> SpeechEvent | None:
        """The chunk that begins at `first_sample`."""
        end = first_sample + self._chunk
        if self.speaking:
            if probability >= self._off:
                self._last_speech = end
            elif end - self._last_speech >= self._pause_samples:
                self.speaking = False
                return SpeechPaused(self._last_speech)
            return None
        if probability < self._on:
            self._candidate = None
            return None
        if self._candidate is None:
            self._candidate = first_sample
        if end - self._candidate >= self._rate_hz * self.start_ms // 1000:
            self.speaking = True
            self._last_speech = end
            start, self._candidate = self._candidate, None
            return SpeechStarted(start)
        return None


class EnergyPause:
    """The pause in speech by its level; pure. The VAD's probability stays high for 60 to 100 ms after the last sound; the level does not.

    A 20 ms frame is quiet when it lies 26 dB under the speech around it (a peak that decays 6 dB a second) or under half of what is audible.
    `pause_ms` of quiet frames while the VAD still says speech are a pause; a frame that is not quiet takes it back.
    """

    def __init__(self, rate_hz: int, pause_ms: int) -> None:
        self._pause_samples = rate_hz * pause_ms // 1000
        self._frame = rate_hz // 50
        self._level = 0.0
        self._quiet_since: int | None = None
        self._paused = False
        self.loud = False  # the newest frame can be heard, and a pause would not have it

    @property
    def quiet(self) -> bool:
        """The newest frame may be the first of a pause."""
        return self._quiet_since is not None

    def feed(self, first_sample: int, frame_rms: float, *, speech: bool) -> SpeechEvent | None:
        """The next 20 ms and whether the VAD takes them for speech."""
        self.loud = frame_rms > max(AUDIBLE_RMS, self._level * _QUIET)
        if not speech:
            self._quiet_since, self._paused = None, False
            return None
        self._level = max(frame_rms, self._level * 0.986)
        quiet = frame_rms < self._level * _QUIET or frame_rms < QUIET_RMS
        if not quiet:
            self._quiet_since = None
            if self._paused:
                self._paused = False
                return SpeechStarted(first_sample)
            return None
        if self._quiet_since is None:
            self._quiet_since = first_sample
        frame_end = first_sample + self._frame
        if not self._paused and frame_end - self._quiet_since >= self._pause_samples:
            self._paused = True
            return SpeechPaused(self._quiet_since)
        return None
