"""The bot's side of a call as the caller heard it, laid on the caller's timeline: the right channel of a recording. Pure.

What is given to the leg is heard from then on without a pause; what a flush drops is taken out again once the leg says where the ear
stopped (`Flushed`). So the track can be read only some way behind the present. The network's delay to the ear is not in it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from pipeline.leg import Pcm


@dataclass(slots=True)
class _Piece:
    """`pcm` is heard from `at` on (caller's timeline); its first sample is `bot` on the bot's timeline."""

    at: int
    bot: int
    pcm: Pcm


class HeardTrack:
    """Positions (`at`, `start`, `end`) are samples of the caller's timeline; `sample` counts what was given to the leg, dropped or not."""

    def __init__(self) -> None:
        self._pieces: deque[_Piece] = deque()
        self._given = 0
        self._end = 0

    def free_from(self, at: int) -> int:
        """Where the next piece would be heard that is given at `at`."""
        return max(at, self._end)

    def play(self, pcm: Pcm, at: int) -> None:
        """This is what the bot says next."""
        start = self.free_from(at)
        self._pieces.append(_Piece(start, self._given, pcm))
        self._given += len(pcm)
        self._end = start + len(pcm)

    def silenced(self, sample: int) -> None:
        """The ear stopped at the bot's `sample`: nothing from there on was heard."""
        while self._pieces and self._pieces[-1].bot >= sample:
            self._pieces.pop()
        self._end = 0
        if self._pieces:
            last = self._pieces[-1]
            last.pcm = last.pcm[: sample - last.bot]
            self._end = last.at + len(last.pcm)

    def read(self, start: int, end: int) -> Pcm:
        """What was heard in [start, end): int16, silence where nothing was. Read once and in order; what lies before is forgotten."""
        heard = np.zeros(end - start, np.int16)
        while self._pieces and self._pieces[0].at + len(self._pieces[0].pcm) <= start:
            self._pieces.popleft()
        for piece in self._pieces:
            if piece.at >= end:
                break
            first, last = max(start, piece.at), min(end, piece.at + len(piece.pcm))
            if first < last:
                heard[first - start : last - start] = piece.pcm[first - piece.at : last - piece.at]
        return heard
