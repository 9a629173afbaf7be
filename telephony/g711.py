"""G.711 µ-law (ITU-T G.711): one byte a sample at 8000 Hz, the encoding of telephone legs."""

from __future__ import annotations

import audioop

import numpy as np

from pipeline.leg import Pcm


def encode(pcm: Pcm) -> bytes:
    """int16 mono to µ-law."""
    return bytes(audioop.lin2ulaw(np.ascontiguousarray(pcm, dtype=np.int16).tobytes(), 2))


def decode(payload: bytes) -> Pcm:
    """µ-law to int16 mono."""
    return np.frombuffer(audioop.ulaw2lin(payload, 2), dtype=np.int16)
