"""The caller's ear: what Twilio's play-out lets through, laid on the call's timeline sample by sample. Pure.

Sample 0 is the moment `start` was sent. Marks come back through the same player, so that what was heard and what is reported agree.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.audibility import AUDIBLE_RMS
from pipeline.leg import Pcm
from telephony.twilio_player import NS_PER_SAMPLE, Heard, PlayerEvent, Returned, TwilioPlayer

from .line import FRAME
from .wav import RATE_HZ, ulaw_to_pcm

ONSET_QUIET_FRAMES = 8
"""160 ms of quiet before a sound make it an onset: longer than the closure of a stop consonant, shorter than a breath."""


class Ear:
    """Play-out of one call. Every `now` is monotonic nanoseconds, never less than the one before.

    Methods that take a `now` return the names of the marks that go back to the bot, in order.
    """

    def __init__(self, origin_ns: int) -> None:
        """`origin_ns` is the caller's sample 0."""
        self._origin_ns = origin_ns
        self._player = TwilioPlayer()
        self._timeline = np.zeros(RATE_HZ * 60, dtype=np.int16)
        self._end = 0
        self._frames = 0
        self.received_samples = 0
        self.clears = 0
        self.cut_at: list[int] = []
        self.onsets: list[int] = []
        self.last_audible_frame: int | None = None

    def media(self, payload: bytes, now: int) -> list[str]:
        """µ-law audio arrives: it is heard after what is queued already, or at once."""
        self.received_samples += len(payload)
        return self._take(self._player.media(payload, now))

    def mark(self, name: str, now: int) -> list[str]:
        """A mark arrives behind what is queued."""
        return self._take(self._player.mark(name, now))

    def clear(self, now: int) -> list[str]:
        """What has not been heard is dropped."""
        self.clears += 1
        names = self._take(self._player.clear(now))
        self.cut_at.append(self._end)
        return names

    def advance(self, now: int) -> list[str]:
        """Time has passed."""
        return self._take(self._player.advance(now))

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
    def next_mark_ns(self) -> int | None:
        """When the next mark will be reached, if nothing is cleared."""
        return self._player.next_due()

    @property
    def empty_since_frame(self) -> int | None:
        """The frame at which the play-out ran dry; None while something is queued."""
        return None if self._player.buffered_samples else -(-self._end // FRAME)

    @property
    def heard_samples(self) -> int:
        """Samples of the bot that were heard: dropped ones and those still queued are not among them."""
        return self._player.heard_samples

    def heard(self, until_sample: int) -> Pcm:
        """The timeline up to `until_sample`: what was heard, with silence in between."""
        self._grow(until_sample)
        return self._timeline[:until_sample]

    def _take(self, events: Sequence[PlayerEvent]) -> list[str]:
        names: list[str] = []
        for event in events:
            match event:
                case Heard(at_ns, payload):
                    start = max(0, (at_ns - self._origin_ns) // NS_PER_SAMPLE)
                    self._end = start + len(payload)
                    self._grow(self._end)
                    self._timeline[start : self._end] = ulaw_to_pcm(payload)
                case Returned(name=name):
                    names.append(name)
        return names

    def _grow(self, samples: int) -> None:
        while samples > len(self._timeline):
            self._timeline = np.concatenate((self._timeline, np.zeros_like(self._timeline)))
