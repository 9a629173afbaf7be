"""When the caller heard the bot: what was given to the leg, and what the leg says was heard, as times at the ear. Pure.

A leg says "the ear is at this sample of the bot's timeline" when a mark is back, and the caller's audio comes the same way: so the time of that
event, counted against the arrival of the caller's audio, is what a stop watch at the caller's ear would show, whatever the network takes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.audibility import FRAME_MS, audible_frames
from pipeline.leg import Pcm

_PIECES = 64  # a reply is a few phrases, and two replies at most are on their way
_TURNS = 4


@dataclass(slots=True)
class _Piece:
    """A segment on the bot's timeline: which of its 20 ms frames can be heard."""

    turn_id: int
    start: int
    samples: int
    given_ns: int
    audible: NDArray[np.bool_]


class AtEar:
    """One call's. `now` is monotonic nanoseconds; samples count all that was ever given to the leg, what a flush dropped included."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._frame = rate_hz * FRAME_MS // 1000
        self._pieces: deque[_Piece] = deque(maxlen=_PIECES)
        self._given = 0
        self._anchor = (0, 0)  # (sample, when the ear was there)
        self._turns: dict[int, tuple[int, int]] = {}  # turn id: first and last heard, ns

    def given(self, turn_id: int, pcm: Pcm, now: int) -> None:
        """A segment went to the leg."""
        self._pieces.append(_Piece(turn_id, self._given, len(pcm), now, audible_frames(pcm, self._rate_hz)))
        self._given += len(pcm)

    def played(self, sample: int, now: int) -> None:
        """The ear is at `sample`: all before it was heard."""
        before, self._anchor = self._anchor[0], (sample, now)
        for piece in self._pieces:
            if piece.start + piece.samples > before and piece.start < sample:
                self._note(piece, sample, now)

    def silenced(self, sample: int, now: int) -> int:
        """Nothing from `sample` on is heard. When the last that can be heard was (ns), or 0 when there was nothing."""
        last = 0
        for piece in self._pieces:
            if piece.start < sample:
                last = self._note(piece, sample, now) or last
        return last

    def heard(self, turn_id: int) -> tuple[int, int]:
        """When the turn's first and last audible samples were at the ear (ns), as far as is known; 0 for what is not."""
        return self._turns.get(turn_id, (0, 0))

    def _note(self, piece: _Piece, sample: int, now: int) -> int:
        """What of the piece has been heard at `sample`; returns when the last of it was, or 0."""
        frames = -(-(sample - piece.start) // self._frame)
        heard = np.flatnonzero(piece.audible[:frames])
        if not len(heard):
            return 0
        begun = piece.start + int(heard[0]) * self._frame
        ended = min(sample, piece.start + piece.samples, piece.start + (int(heard[-1]) + 1) * self._frame)
        first, last = self._at(begun, piece, now), self._at(ended, piece, now)
        self._turns[piece.turn_id] = (self._turns.get(piece.turn_id, (0, 0))[0] or first, last)
        while len(self._turns) > _TURNS:
            del self._turns[next(iter(self._turns))]
        return last

    def _at(self, sample: int, piece: _Piece, now: int) -> int:
        """When the ear was at a sample, from the last time that it was known: not before the leg had it, and not in the future."""
        at, then = self._anchor
        return min(now, max(piece.given_ns, then + (sample - at) * 1_000_000_000 // self._rate_hz))
