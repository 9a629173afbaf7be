"""When can a listener hear something? The one definition that every latency at the ear is measured with.

*Audible* is a 20 ms frame whose RMS is over 200 of 32768 (-44 dBFS): above a quiet line's noise, below any spoken sound. Frames lie
on the grid that begins at the first sample of what is handed in, so an answer is exact to one frame.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.leg import Pcm

FRAME_MS = 20
AUDIBLE_RMS = 200.0


def rms(pcm: Pcm) -> float:
    """Root mean square on the int16 scale; 0.0 for no samples."""
    if len(pcm) == 0:
        return 0.0
    x = pcm.astype(np.float32)
    return float(np.sqrt(np.dot(x, x) / len(x)))


def audible(pcm: Pcm) -> bool:
    """Whether a frame can be heard."""
    return rms(pcm) > AUDIBLE_RMS


def audible_frames(pcm: Pcm, rate_hz: int = 8000) -> NDArray[np.bool_]:
    """One truth value a 20 ms frame of `pcm` (int16 mono, shape (n,)); a last part of a frame counts by its own RMS."""
    frame = rate_hz * FRAME_MS // 1000
    whole = len(pcm) // frame
    heard = np.zeros(-(-len(pcm) // frame), dtype=np.bool_)
    if whole:
        frames = pcm[: whole * frame].reshape(whole, frame).astype(np.float64)
        heard[:whole] = np.sqrt(np.mean(frames * frames, axis=1)) > AUDIBLE_RMS
    if whole < len(heard):
        rest = pcm[whole * frame :].astype(np.float64)
        heard[whole] = float(np.sqrt(np.mean(rest * rest))) > AUDIBLE_RMS
    return heard


def first_audible(pcm: Pcm, rate_hz: int = 8000) -> int | None:
    """First sample of the first audible frame, or None when nothing can be heard."""
    heard = np.flatnonzero(audible_frames(pcm, rate_hz))
    return int(heard[0]) * (rate_hz * FRAME_MS // 1000) if len(heard) else None


def last_audible(pcm: Pcm, rate_hz: int = 8000) -> int | None:
    """The sample after the last audible frame (so `pcm[:last_audible(pcm)]` holds all that is heard), or None."""
    heard = np.flatnonzero(audible_frames(pcm, rate_hz))
    return min(len(pcm), (int(heard[-1]) + 1) * (rate_hz * FRAME_MS // 1000)) if len(heard) else None


def audible_runs(pcm: Pcm, rate_hz: int = 8000, *, gap_ms: int = 200) -> list[tuple[int, int]]:
    """Stretches [start, end) in samples in which something is heard; pauses shorter than `gap_ms` do not part them."""
    frame = rate_hz * FRAME_MS // 1000
    runs: list[tuple[int, int]] = []
    for index in np.flatnonzero(audible_frames(pcm, rate_hz)):
        start, end = int(index) * frame, min(len(pcm), (int(index) + 1) * frame)
        if runs and (start - runs[-1][1]) * 1000 < gap_ms * rate_hz:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
    return runs
