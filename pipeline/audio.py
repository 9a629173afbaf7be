"""Samples: changing rates, trimming, and a timeline's last seconds. PCM is int16 mono unless a name says otherwise."""

from __future__ import annotations

from collections import deque

import numpy as np
import soxr
from numpy.typing import NDArray

from pipeline.audibility import AUDIBLE_RMS
from pipeline.leg import Pcm

Float32 = NDArray[np.float32]


def resample(pcm: Pcm, from_hz: int, to_hz: int) -> Pcm:
    """A whole utterance or phrase at another rate (soxr, high quality). Its ends are taken as silence."""
    if from_hz == to_hz:
        return pcm
    out: Pcm = soxr.resample(pcm, from_hz, to_hz, quality="HQ")
    return out


def as_float(pcm: Pcm) -> Float32:
    """int16 to float32 in [-1, 1)."""
    return pcm.astype(np.float32) / np.float32(32768.0)


def trimmed(pcm: Pcm, rate_hz: int, *, lead_ms: int, tail_ms: int) -> Pcm:
    """`pcm` with at most `lead_ms` before its first audible 5 ms and exactly `tail_ms` after its last; empty if none is audible."""
    hop = rate_hz // 200
    hops = len(pcm) // hop
    if hops == 0:
        return pcm[:0]
    frames = pcm[: hops * hop].astype(np.float32).reshape(hops, hop)
    loud = np.flatnonzero(np.sqrt((frames * frames).mean(axis=1)) > AUDIBLE_RMS / 2)
    if len(loud) == 0:
        return pcm[:0]
    start = max(0, int(loud[0]) * hop - rate_hz * lead_ms // 1000)
    end = (int(loud[-1]) + 1) * hop
    tail = rate_hz * tail_ms // 1000
    kept = pcm[start : min(len(pcm), end + tail)]
    return np.concatenate([kept, np.zeros(max(0, end + tail - len(pcm)), np.int16)])


class History:
    """The last `seconds` of one timeline, addressed by sample number. Samples that have left it read as silence."""

    def __init__(self, rate_hz: int, seconds: float) -> None:
        self._bound = int(rate_hz * seconds)
        self._blocks: deque[tuple[int, Pcm]] = deque()
        self._held = 0
        self.end = 0

    def append(self, first_sample: int, pcm: Pcm) -> None:
        """Add what comes next; the oldest goes when the bound is reached."""
        self._blocks.append((first_sample, pcm))
        self._held += len(pcm)
        self.end = first_sample + len(pcm)
        while self._held > self._bound and len(self._blocks) > 1:
            self._held -= len(self._blocks.popleft()[1])

    def between(self, start: int, end: int) -> Pcm:
        """Samples [start, end), silence where nothing is held."""
        out = np.zeros(max(0, end - start), np.int16)
        for first, pcm in reversed(self._blocks):
            if first + len(pcm) <= start:  # what is asked for is new, as a rule
                break
            lo, hi = max(start, first), min(end, first + len(pcm))
            if lo < hi:
                out[lo - start : hi - start] = pcm[lo - first : hi - first]
        return out
