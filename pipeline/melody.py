"""Does the voice say that more comes? What Whisper's encoder made of the last second before a silence, which it has computed anyway.

A small network that was taught on turns cut where their callers stop to think (`fixtures/endings/melody.py`): a layer a frame, a convolution over 140 ms,
and a sum over the frames weighted by attention (Bahdanau et al. 2015). 1.5 million multiplications, 1 ms on one core. docs/turn-taking.md has the measurements.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FRAMES_PER_S = 50
"""Of the encoder's output."""
FRAMES = 50
"""The last ones that are read."""
KERNEL = 7

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Melody:
    """Weights. `into`: (size, hidden) and `into_bias`: a layer a frame. `over_time`: (KERNEL * hidden, hidden) and its bias, oldest frame first.

    `attention`: (hidden,); `position`: (FRAMES - KERNEL + 1,), what is added to it. `out`: (2 * hidden,), of the attended sum and of the last frame, and its bias.
    """

    into: Floats
    into_bias: Floats
    over_time: Floats
    over_time_bias: Floats
    attention: Floats
    position: Floats
    out: Floats
    out_bias: Floats

    @classmethod
    def of(cls, arrays: Mapping[str, Floats]) -> Melody:
        """From a file's arrays, each under its field's name behind `melody_`."""
        return cls(*(arrays[f"melody_{name}"].astype(np.float32) for name in cls.__dataclass_fields__))

    def over(self, heard: Floats) -> float:
        """Log odds of the turn being over that the sound adds. `heard`: (n, size), the encoder's frames up to now; of fewer than FRAMES the first are zeros."""
        frames = _gelu(last_frames(heard) @ self.into + self.into_bias)
        windows = np.lib.stride_tricks.sliding_window_view(frames, KERNEL, axis=0)  # (n, hidden, KERNEL)
        frames = _gelu(windows.transpose(0, 2, 1).reshape(len(windows), -1) @ self.over_time + self.over_time_bias)
        shares = frames @ self.attention + self.position
        shares = np.exp(shares - shares.max())
        summed = (shares / shares.sum()) @ frames
        return float(np.concatenate((summed, frames[-1])) @ self.out + self.out_bias[0])


def last_frames(heard: Floats) -> Floats:
    """What is read of the encoder's frames, (FRAMES, size): the last ones, behind zeros where there are fewer."""
    last = heard[-FRAMES:].astype(np.float32)
    return np.pad(last, ((FRAMES - len(last), 0), (0, 0)))


def _gelu(x: Floats) -> Floats:
    """x times the share of a normal distribution below it, by its tanh form (Hendrycks and Gimpel 2016): off by less than 0.001."""
    made: Floats = 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return made
