"""The caller's ear: the far end's play-out of the bot's audio, laid on the call's timeline sample by sample. Pure.

Sample 0 is the moment `start` was sent. Twilio plays media in order as fast as it is heard, returns a mark when all media before it
has been heard, and on `clear` drops what is queued and returns its marks at once
(https://www.twilio.com/docs/voice/media-streams/websocket-messages).
"""

from __future__ import annotations

import numpy as np

from pipeline.leg import Pcm

from .audibility import AUDIBLE_RMS
from .line import FRAME
from .wav import RATE_HZ, ulaw_to_pcm

ONSET_QUIET_FRAMES = 8
"""160 ms of quiet before a sound make it an onset: longer than the closure of a stop consonant, shorter than a breath."""
_NS = 1_000_000_000
_MAX_S = 900


class Ear:
    """Play-out of one call. Every `now` is monotonic nanoseconds."""

    def __init__(self, origin_ns: int) -> None:
        """`origin_ns` is the caller's sample 0."""
        self._origin_ns = origin_ns
        self._timeline = np.zeros(RATE_HZ * 60, dtype=np.int16)
        self._end = 0
        self._marks: list[tuple[int, str]] = []
        self._frames = 0
        self.received_samples = 0
        self.cleared_samples = 0
        self.clears: list[int] = []
        self.onsets: list[int] = []
        self.last_audible_frame: int | None = None

    def sample_at(self, now: int) -> int:
        """The timeline's sample at `now`."""
        return max(0, (now - self._origin_ns) * RATE_HZ // _NS)

    def media(self, payload: bytes, now: int) -> None:
        """Queue µ-law audio: it is heard after what is queued already, or at once. More than 15 minutes are not kept."""
        pcm = ulaw_to_pcm(payload)
        self.received_samples += len(pcm)
        start = max(self._end, self.sample_at(now))
        end = start + len(pcm)
        if end > _MAX_S * RATE_HZ:
            return
        while end > len(self._timeline):
            self._timeline = np.concatenate((self._timeline, np.zeros_like(self._timeline)))
        self._timeline[start:end] = pcm
        self._end = end

    def mark(self, name: str, now: int) -> list[str]:
        """Queue a mark; returned at once when nothing is playing."""
        if self._end <= self.sample_at(now):
            return [name]
        self._marks.append((self._end, name))
        return []

    def clear(self, now: int) -> list[str]:
        """Drop what has not been heard; all marks that were waiting come back."""
        at = self.sample_at(now)
        self.clears.append(at)
        if at < self._end:
            self._timeline[at : self._end] = 0
            self.cleared_samples += self._end - at
            self._end = at
        names = [name for _, name in self._marks]
        self._marks.clear()
        return names

    def reached(self, now: int) -> list[str]:
        """Marks whose moment has come, in order."""
        at = self.sample_at(now)
        count = next((n for n, (sample, _) in enumerate(self._marks) if sample > at), len(self._marks))
        names = [name for _, name in self._marks[:count]]
        del self._marks[:count]
        return names

    @property
    def next_mark_ns(self) -> int | None:
        """When the next mark will be reached, if nothing is cleared."""
        if not self._marks:
            return None
        return self._origin_ns + -(-self._marks[0][0] * _NS // RATE_HZ)

    def hear(self, frames: int) -> None:
        """The first `frames` frames of the timeline are past: note where the bot was audible."""
        while self._frames < frames:
            index = self._frames
            self._frames += 1
            piece = self._timeline[index * FRAME : (index + 1) * FRAME].astype(np.float64)
            if not len(piece) or float(np.sqrt(np.mean(piece * piece))) <= AUDIBLE_RMS:
                continue
            if self.last_audible_frame is None or index - self.last_audible_frame > ONSET_QUIET_FRAMES:
                self.onsets.append(index)
            self.last_audible_frame = index

    @property
    def empty_since_frame(self) -> int | None:
        """The frame at which the play-out ran dry (as of the last `hear`); None while something is playing."""
        return None if self._end > self._frames * FRAME else -(-self._end // FRAME)

    def heard(self, until_sample: int) -> Pcm:
        """The timeline up to `until_sample`: what was heard, with silence in between."""
        known = self._timeline[:until_sample]
        return known if len(known) == until_sample else np.concatenate((known, np.zeros(until_sample - len(known), dtype=np.int16)))

    def unheard_samples(self, until_sample: int) -> int:
        """Samples that were still queued at `until_sample`, the end of the call."""
        return max(0, self._end - until_sample)
