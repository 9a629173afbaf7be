"""What a phone line adds to the caller's voice: noise, mains hum, and the bot's own voice coming back as an echo. All seeded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.leg import Pcm

from .wav import RATE_HZ

FRAME = 160
_LOOP_S = 8
_FULL_SCALE = 32768.0

NoiseColour = Literal["none", "white", "pink"]


@dataclass(frozen=True, slots=True)
class LineNoise:
    """Noise that stands on the line all the time, between words too. Levels are RMS in dBFS (dB under 32768)."""

    colour: NoiseColour = "none"
    level_dbfs: float = -60.0
    hum_dbfs: float = -120.0
    hum_hz: float = 50.0
    seed: int = 1

    def loop(self) -> NDArray[np.float32]:
        """8 s of noise at 8 kHz, in units of int16, that can be repeated without a seam."""
        count = RATE_HZ * _LOOP_S
        total = np.zeros(count, dtype=np.float64)
        if self.colour != "none":
            spectrum = np.fft.rfft(np.random.default_rng(self.seed).standard_normal(count))
            hertz = np.fft.rfftfreq(count, 1 / RATE_HZ)
            # The band of a phone call (300-3400 Hz); pink falls with 3 dB an octave, i.e. with the root of the frequency.
            spectrum[(hertz < 300) | (hertz > 3400)] = 0
            if self.colour == "pink":
                spectrum[1:] /= np.sqrt(hertz[1:])
            noise = np.fft.irfft(spectrum, count)
            total += noise * (10 ** (self.level_dbfs / 20) * _FULL_SCALE / float(np.sqrt(np.mean(noise * noise))))
        if self.hum_dbfs > -100:
            whole = round(self.hum_hz * _LOOP_S) / _LOOP_S
            tone = np.sin(2 * np.pi * whole * np.arange(count) / RATE_HZ)
            total += tone * (10 ** (self.hum_dbfs / 20) * _FULL_SCALE * np.sqrt(2))
        return total.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Echo:
    """The bot as the caller's microphone hears it: `delay_ms` after the ear, `gain_db` (negative: quieter)."""

    delay_ms: int = 120
    gain_db: float = -18.0


class Line:
    """The caller's end of the line. Pure: one frame of clean voice in, one frame as it goes onto the wire out."""

    def __init__(self, noise: LineNoise, echo: Echo | None) -> None:
        """`echo` None: the caller wears a headset."""
        self._loop = noise.loop()
        self._quiet = not bool(np.any(self._loop))
        self._echo = echo
        self._at = 0

    def mix(self, voice: Pcm, heard: Pcm) -> Pcm:
        """`voice`: 160 clean samples, the next of the timeline. `heard`: all that the caller's ear got so far, from sample 0."""
        start = self._at
        self._at += FRAME
        if self._quiet and self._echo is None:
            return voice
        mixed = voice.astype(np.float32)
        if not self._quiet:
            at = start % len(self._loop)
            mixed += self._loop[at : at + FRAME]
        if self._echo is not None:
            begin = start - self._echo.delay_ms * RATE_HZ // 1000
            back = heard[max(0, begin) : max(0, begin + FRAME)]
            offset = max(0, -begin)
            mixed[offset : offset + len(back)] += back.astype(np.float32) * np.float32(10 ** (self._echo.gain_db / 20))
        return np.clip(np.round(mixed), -32768, 32767).astype(np.int16)
