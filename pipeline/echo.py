"""Is what the caller's microphone hears the bot itself? By likeness to what the bot just said, at whatever delay.

Normalised cross-correlation by FFT, once when speech seems to start over the bot's voice and a few times a second while it goes on: about
1 ms each. A telephone echo is the same signal, later and quieter, so it correlates; a person talking over it does not.
"""

from __future__ import annotations

import numpy as np

from pipeline.audio import Float32
from pipeline.leg import Pcm


def likeness(heard: Pcm, reference: Pcm) -> float:
    """Highest normalised cross-correlation of `heard` with any equally long stretch of `reference` (int16, same rate): 0 to 1."""
    n = len(heard)
    if n == 0 or len(reference) == 0:
        return 0.0
    x = _flat(heard)
    # Silence in front: the echo of the bot's first sounds begins somewhere within what was heard.
    y = np.concatenate([np.zeros(n, np.float32), _flat(reference)])
    energy = float(np.dot(x, x))
    if energy < n:  # digital silence
        return 0.0
    size = 1 << (len(y) + n - 1).bit_length()
    correlation = np.fft.irfft(np.fft.rfft(y, size) * np.conj(np.fft.rfft(x, size)), size)[: len(y) - n + 1]
    squares = np.concatenate([[0.0], np.cumsum(y.astype(np.float64) ** 2)])
    window = np.sqrt(np.maximum(squares[n:] - squares[:-n], 1.0))
    return float(np.max(np.abs(correlation) / window) / np.sqrt(energy))


def _flat(pcm: Pcm) -> Float32:
    """Pre-emphasised: without it any two voices correlate through their low frequencies."""
    x = pcm.astype(np.float32)
    out: Float32 = x[1:] - np.float32(0.95) * x[:-1]
    return np.concatenate([x[:1], out])
