"""What Twilio does with the media it gets: a pure model of its play-out buffer, with a clock counted in samples.

The far end plays at 8000 samples/s whatever has reached it, without a pause while its buffer is not empty. A mark comes back when all
media before it has been played, at once if there is none. `clear` drops the buffer and brings back every mark in it, in order
(Twilio, "Media Streams: WebSocket Messages", mark and clear). Tests hold the pacer against it; a test caller plays with it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

RATE_HZ = 8000
NS_PER_SAMPLE = 1_000_000_000 // RATE_HZ


@dataclass(frozen=True, slots=True)
class Heard:
    """µ-law samples that reached the ear without a gap, the first of them at `at_ns`."""

    at_ns: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Returned:
    """A mark goes back to the server at `at_ns`; `cleared` when the audio before it was dropped, not played.

    Twilio does not tell the server which of the two it was: `cleared` is the ground truth for tests.
    """

    at_ns: int
    name: str
    cleared: bool = False


PlayerEvent = Heard | Returned


class TwilioPlayer:
    """The play-out buffer of one stream. Every call takes `now_ns`, never less than the one before.

    Every method returns what has happened up to `now_ns`, in order. Sample positions count what the ear has heard: audio dropped by
    `clear` is never counted.
    """

    def __init__(self) -> None:
        self._buffer: deque[memoryview | str] = deque()
        self._buffered = 0
        self._zero_ns = 0  # when the present stretch of continuous audio began
        self._stretch = 0  # samples of it that the ear has heard
        self._heard = 0

    @property
    def buffered_samples(self) -> int:
        """Samples that wait to be played, as of the last call."""
        return self._buffered

    @property
    def heard_samples(self) -> int:
        """Samples that the ear has heard, as of the last call."""
        return self._heard

    def media(self, payload: bytes, now_ns: int) -> list[PlayerEvent]:
        """Audio has arrived: µ-law, any length."""
        events = self.advance(now_ns)
        if not payload:
            return events
        if not self._buffered:
            self._zero_ns, self._stretch = now_ns, 0
        self._buffer.append(memoryview(payload))
        self._buffered += len(payload)
        return events

    def mark(self, name: str, now_ns: int) -> list[PlayerEvent]:
        """A mark has arrived: it waits behind the buffered audio, or goes back at once."""
        events = self.advance(now_ns)
        if self._buffered:
            self._buffer.append(name)
        else:
            events.append(Returned(now_ns, name))
        return events

    def clear(self, now_ns: int) -> list[PlayerEvent]:
        """Drop the buffer; its marks go back now, in order."""
        events = self.advance(now_ns)
        events += [Returned(now_ns, entry, cleared=True) for entry in self._buffer if isinstance(entry, str)]
        self._buffer.clear()
        self._buffered = 0
        return events

    def advance(self, now_ns: int) -> list[PlayerEvent]:
        """Play up to `now_ns`. A sample counts as heard once its whole 125 µs have passed."""
        events: list[PlayerEvent] = []
        while self._buffer:
            entry = self._buffer[0]
            if isinstance(entry, str):
                events.append(Returned(self._at_ns(), self._buffer.popleft()))  # type: ignore[arg-type]
                continue
            ready = (now_ns - self._zero_ns) // NS_PER_SAMPLE - self._stretch
            if ready <= 0:
                break
            part = entry[:ready]
            events.append(Heard(self._at_ns(), bytes(part)))
            self._stretch += len(part)
            self._heard += len(part)
            self._buffered -= len(part)
            if len(part) == len(entry):
                self._buffer.popleft()
            else:
                self._buffer[0] = entry[ready:]
        return events

    def played_until(self, now_ns: int) -> int:
        """Samples that the ear has heard by `now_ns`, without touching the buffer: the ground truth of heard-ness."""
        ready = (now_ns - self._zero_ns) // NS_PER_SAMPLE - self._stretch
        return self._heard + max(0, min(ready, self._buffered))

    def next_due(self) -> int | None:
        """When the next mark goes back, or None: what the shell arms its timer with."""
        ahead = 0
        for entry in self._buffer:
            if isinstance(entry, str):
                return self._zero_ns + (self._stretch + ahead) * NS_PER_SAMPLE
            ahead += len(entry)
        return None

    def _at_ns(self) -> int:
        return self._zero_ns + self._stretch * NS_PER_SAMPLE
