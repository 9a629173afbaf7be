"""Play-out towards Twilio: when to send which 20 ms, and what the caller has heard of it.

Pure: commands and times in, messages to send and events out. All positions on the wire count samples sent, padding included; all
positions that leave this file count samples of `Segment`s ever enqueued, dropped ones included, so that a segment's place on the bot's
timeline is known when it is given.

What was heard is read from marks. A mark that comes back says "the ear was here, then". *Then* is taken from the caller's own media
around it: messages keep their order, so a mark between the media stamped 400 ms and 420 ms left the far end between 400 and 420 ms of
the far end's clock, whatever the network did to either. At a flush a last mark goes out in front of `clear`; it returns at the moment
when `clear` (or the end of the buffer) silences the ear, and the difference to the last mark that was really played is what was heard
after it. Without caller media, times of arrival do the same, less well. See docs/twilio.md.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from statistics import median
from typing import Final, Literal

from pipeline.leg import Flushed, Played, Segment

FRAME_MS: Final = 20
ULAW_SILENCE: Final = b"\xff"
MS: Final = 1_000_000

MAX_QUEUED_S: Final = 600  # Twilio itself discards beyond 10 minutes (warning 31931)
FLUSH_TIMEOUT_MS: Final = 400
_TAIL_LEAD_MS = 60  # an unfinished frame waits this long for the samples that would complete it
_DEFAULT_RTT_MS = 100  # until measured
_MAX_OUTSTANDING = 512
_MAX_FLUSHES = 8
_MEDIA_STALE_MS = 250  # caller media older than this says nothing about the far end's clock
_CLOCKS_DISAGREE_MS = 400  # two clocks that differ by more over one stretch: the caller's is not one


class PlayoutFullError(RuntimeError):
    """More than ten minutes of audio queued: the synthesiser did not wait on `queued`."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Send this media: 160 µ-law samples at 8000 Hz."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Mark:
    """Send this mark."""

    name: str


@dataclass(frozen=True, slots=True)
class Clear:
    """Send `clear`."""


Output = Frame | Mark | Clear | Flushed


@dataclass(frozen=True, slots=True)
class _SentMark:
    name: str
    kind: Literal["position", "ping", "sentinel"]
    epoch: int
    wire: int
    sent_ns: int


@dataclass(frozen=True, slots=True)
class _Reading:
    """A mark that came back: the ear was at `wire` at `own_ns` less the way back, and at `far_ns` on the far end's clock."""

    wire: int
    own_ns: int
    far_ns: int | None


@dataclass(slots=True)
class _Piece:
    """Where bot samples lie on the wire: `samples` of them from `wire` on; behind them lies padding, or nothing."""

    wire: int
    bot: int
    samples: int = 0


@dataclass(slots=True)
class _Flush:
    """A flush whose answer is still on its way."""

    epoch: int
    sentinel: str
    at_ns: int
    deadline_ns: int
    run_wire: int
    confirmed: int
    sent: int
    certain: int  # so many of the readings came back before the flush: played, whatever the clocks say
    readings: list[_Reading] = field(default_factory=list)


class Playout:
    """The pacer of one leg. `now_ns` never goes back. `lead_ms` is how far ahead of the ear it sends, `mark_ms` how often it asks."""

    def __init__(self, rate_hz: int, lead_ms: int, mark_ms: int) -> None:
        self._rate_hz = rate_hz
        self._frame = rate_hz * FRAME_MS // 1000
        self._lead_ns = max(lead_ms, FRAME_MS) * MS
        self._tail_ns = min(lead_ms, _TAIL_LEAD_MS) * MS
        self._mark_samples = rate_hz * mark_ms // 1000
        self._queue: deque[memoryview] = deque()
        self._queued = 0
        self._ends: deque[int] = deque()  # bot positions at which a segment ends
        self._given = 0
        self._sent = 0  # wire
        self._zero_ns: int | None = None  # when the ear would have heard wire sample 0, had it never run dry
        self._run_wire = 0  # where the ear last ran dry
        self._since_mark = 0
        self._pieces: deque[_Piece] = deque([_Piece(0, 0)], maxlen=64)
        self._marks: OrderedDict[str, _SentMark] = OrderedDict()
        self._mark_count = 0
        self._epoch = 0
        self._epoch_bot = 0
        self._confirmed = 0  # wire
        self._readings: deque[_Reading] = deque(maxlen=_MAX_OUTSTANDING)
        self._reported = 0
        self._flushes: deque[_Flush] = deque()
        self._rtt_ns: int | None = None
        self._media: tuple[int, int] | None = None  # last caller media: (its far-end time, its arrival), ns

    # what the leg reads

    @property
    def idle(self) -> bool:
        """Nothing is queued, nothing sent is unconfirmed, no flush is unanswered."""
        return not self._queued and not self._flushes and self._confirmed == self._sent

    @property
    def rtt_ms(self) -> float | None:
        """Smoothed time from a mark's sending to its return with nothing to play in front of it, or None before the first."""
        return None if self._rtt_ns is None else self._rtt_ns / MS

    def remaining_ms(self, now_ns: int) -> int:
        """How long the ear still has to hear, round trip included: what a hang-up waits for at most."""
        ahead = 0 if self._zero_ns is None else max(0, self._zero_ns + self._ns(self._sent) - now_ns)
        return (ahead + self._ns(self._queued) + self._rtt()) // MS

    def queued(self, now_ns: int) -> int:
        """Samples enqueued that the caller has neither heard nor will miss, by the best estimate."""
        return max(0, self._given - max(self.heard(now_ns)[0], self._epoch_bot))

    def heard(self, now_ns: int) -> tuple[int, int]:
        """(bot samples heard by now, error in ms) while playing. The way there and back are taken to be equally long."""
        half = self._rtt() // 2
        if self._confirmed == self._sent or self._zero_ns is None:
            return self._bot(self._sent), 0
        last = self._readings[-1] if self._readings else None
        if last is not None and last.wire > self._run_wire:
            wire = last.wire + self._samples(now_ns - last.own_ns + half)
        else:
            wire = self._samples(max(0, now_ns - self._zero_ns - half))
        return self._bot(max(self._confirmed, min(wire, self._sent))), half // MS + FRAME_MS

    # commands

    def enqueue(self, segment: Segment) -> None:
        """Play after all that is queued. Raises ValueError when `samples` is not the payload's length, PlayoutFullError over 10 min."""
        if len(segment.payload) != segment.samples:
            raise ValueError(f"segment of {segment.samples} samples has {len(segment.payload)} bytes of µ-law")
        if self._queued + segment.samples > MAX_QUEUED_S * self._rate_hz:
            raise PlayoutFullError(f"over {MAX_QUEUED_S} s queued")
        if segment.samples:
            self._queue.append(memoryview(segment.payload))
            self._queued += segment.samples
            self._given += segment.samples
            self._ends.append(self._given)

    def flush(self, now_ns: int) -> list[Output]:
        """Stop now: `clear` between two marks to send, or the answer itself when the ear is known to have heard all that was sent."""
        out: list[Output] = []
        self._queue.clear()
        self._queued = 0
        self._ends.clear()
        if self._confirmed == self._sent and not self._flushes:
            out.append(Flushed(self._bot(self._sent), 0))
        else:
            if len(self._flushes) >= _MAX_FLUSHES:
                out.append(self._give_up(self._flushes.popleft()))
            mark = self._mark("sentinel", now_ns)
            deadline_ns = now_ns + FLUSH_TIMEOUT_MS * MS + self._rtt()
            readings = list(self._readings)
            certain = len(readings)
            self._flushes.append(
                _Flush(self._epoch, mark.name, now_ns, deadline_ns, self._run_wire, self._confirmed, self._sent, certain, readings)
            )
            out += [mark, Clear(), self._mark("sentinel", now_ns)]  # the second is for far ends that forget marks at `clear`
        self._epoch += 1
        self._epoch_bot = self._given
        self._confirmed = self._sent
        self._readings.clear()
        self._zero_ns = None
        self._since_mark = 0
        self._pieces.append(_Piece(self._sent, self._given))
        return out

    # time

    def due(self, now_ns: int) -> list[Output]:
        """What is to be sent by now, in order, and the answers to flushes that nobody will confirm any more."""
        out: list[Output] = []
        while self._flushes and now_ns >= self._flushes[0].deadline_ns:
            out.append(self._give_up(self._flushes.popleft()))
        while (at_ns := self._frame_due()) is not None and now_ns >= at_ns:
            first = self._zero_ns is None or now_ns > self._zero_ns + self._ns(self._sent)
            if first:
                if self._confirmed == self._sent and not self._flushes:
                    out.append(self._mark("ping", now_ns))
                self._zero_ns = now_ns - self._ns(self._sent)
                self._run_wire = self._sent
            out += self._send_frame(now_ns, mark=first)
        return out

    def next_due(self, now_ns: int) -> int | None:
        """When to call `due` again (maybe already past), or None while there is nothing to wait for."""
        times = [self._flushes[0].deadline_ns] if self._flushes else []
        if (at_ns := self._frame_due()) is not None:
            times.append(max(at_ns, now_ns))
        return min(times, default=None)

    # readings

    def caller_media(self, timestamp_ms: int, now_ns: int) -> None:
        """Caller media stamped `timestamp_ms` by the far end has arrived: the far end's clock, for what comes between two of them."""
        self._media = (timestamp_ms * MS, now_ns)

    def mark_returned(self, name: str, now_ns: int) -> list[Played | Flushed]:
        """A mark came back. Empty when it says nothing new (a ping, cleared audio, a name that is not outstanding)."""
        events: list[Played | Flushed] = []
        passed = ""
        while name in self._marks and passed != name:
            passed, mark = self._marks.popitem(last=False)  # order is kept: what was sent before it will not come any more
            if event := self._read(mark, now_ns, exact=passed == name):
                events.append(event)
        return events

    def _read(self, mark: _SentMark, now_ns: int, *, exact: bool) -> Played | Flushed | None:
        if mark.kind != "position" and exact:
            self._measure_rtt(now_ns - mark.sent_ns)
        reading = _Reading(mark.wire, now_ns, self._far_ns(now_ns))
        if mark.kind == "sentinel":
            for flush in list(self._flushes):
                if flush.sentinel == mark.name:
                    self._flushes.remove(flush)
                    return self._resolve(flush, reading)
            return None  # the second of two, or answered by the timeout already
        if mark.kind == "ping":
            return None
        if mark.epoch != self._epoch:
            for flush in self._flushes:
                if flush.epoch == mark.epoch:
                    flush.readings.append(reading)
            return None
        self._readings.append(reading)
        self._confirmed = max(self._confirmed, mark.wire)
        sample = self._bot(mark.wire)
        if sample <= self._reported:
            return None
        self._reported = sample
        return Played(sample)

    def _resolve(self, flush: _Flush, end: _Reading) -> Flushed:
        """What the ear had heard when the sentinel left the far end."""
        if end.far_ns is None and (answer := self._resolve_by_arrival(flush, end)) is not None:
            return answer
        slack_ns = FRAME_MS * MS
        played: _Reading | None = None
        bound = flush.sent
        for index, reading in enumerate(flush.readings):
            until_end_ns, by_far_clock = _elapsed(reading, end)
            since_ns = 0 if played is None else _elapsed(played, reading)[0]
            needed_ns = 0 if played is None else self._ns(reading.wire - played.wire)
            # A cleared mark leaves with the sentinel, or at least sooner after the one before it than its audio lasts.
            early = since_ns + (2 * slack_ns if by_far_clock else max(2 * slack_ns, needed_ns // 2)) < needed_ns
            if index >= flush.certain and (until_end_ns <= slack_ns or early):
                # Within the slack, played and cleared look alike: then the ear may be that much further.
                bound = min(bound, reading.wire + self._samples(max(0, min(until_end_ns, slack_ns))))
                break
            played = reading
        if played is None:
            estimate = (flush.confirmed + bound) // 2
            half_ms = (bound - flush.confirmed) * 1000 // self._rate_hz // 2
            return Flushed(self._bot(estimate), FRAME_MS + half_ms)
        elapsed_ns, by_far_clock = _elapsed(played, end)
        estimate = min(played.wire + self._samples(max(0, elapsed_ns)), bound)
        error_ms = FRAME_MS if by_far_clock else FRAME_MS + self._rtt() // MS // 2
        if not any(reading.wire > flush.run_wire for reading in flush.readings[: flush.certain]):
            # Just begun: what was sent in one go may have come in parts, and the ear have run dry between them.
            dry = min(estimate - played.wire, self._frame)
            return Flushed(self._bot(estimate - dry), error_ms + FRAME_MS)
        return Flushed(self._bot(estimate), error_ms)

    def _resolve_by_arrival(self, flush: _Flush, end: _Reading) -> Flushed | None:
        """Without the far end's clock: the delay of one message is anybody's guess, the median of several is not."""
        starts = [r.own_ns - self._ns(r.wire) for r in flush.readings[: flush.certain] if r.wire > flush.run_wire]
        if not starts:
            return None
        estimate = self._samples(max(0, end.own_ns - int(median(starts[-9:]))))
        error_ms = FRAME_MS + self._rtt() // MS // 2
        return Flushed(self._bot(max(flush.confirmed, min(estimate, flush.sent))), error_ms)

    def _give_up(self, flush: _Flush) -> Flushed:
        """No sentinel came: the clock alone. The ear went on until `clear` arrived, a round trip after the last mark's return."""
        rtt_ns = self._rtt()
        played = flush.readings[-1] if flush.readings else None
        since_ns = flush.at_ns - played.own_ns + rtt_ns if played else rtt_ns
        start = played.wire if played else flush.confirmed
        estimate = min(flush.sent, start + max(0, self._samples(since_ns)))
        return Flushed(self._bot(estimate), (flush.sent - start) * 1000 // self._rate_hz + FRAME_MS)

    # the inside

    def _frame_due(self) -> int | None:
        if not self._queued:
            return None
        if self._zero_ns is None:
            return 0
        lead_ns = self._lead_ns if self._queued >= self._frame else self._tail_ns
        return self._zero_ns + self._ns(self._sent) + FRAME_MS * MS - lead_ns  # the frame's end is what lies furthest ahead

    def _send_frame(self, now_ns: int, *, mark: bool) -> list[Output]:
        taken = min(self._frame, self._queued)
        payload = self._take(taken)
        piece = self._pieces[-1]
        if piece.wire + piece.samples != self._sent:  # padding went before
            piece = _Piece(self._sent, piece.bot + piece.samples)
            self._pieces.append(piece)
        piece.samples += taken
        self._sent += self._frame
        self._since_mark += self._frame
        while self._ends and self._ends[0] <= piece.bot + piece.samples:
            self._ends.popleft()
            mark = True
        out: list[Output] = [Frame(payload + ULAW_SILENCE * (self._frame - taken))]
        if (mark or self._since_mark >= self._mark_samples) and len(self._marks) < _MAX_OUTSTANDING:
            out.append(self._mark("position", now_ns))
            self._since_mark = 0
        return out

    def _take(self, samples: int) -> bytes:
        parts: list[memoryview] = []
        missing = samples
        while missing:
            part = self._queue.popleft()
            if len(part) > missing:
                self._queue.appendleft(part[missing:])
                part = part[:missing]
            parts.append(part)
            missing -= len(part)
        self._queued -= samples
        return b"".join(parts)

    def _mark(self, kind: Literal["position", "ping", "sentinel"], now_ns: int) -> Mark:
        self._mark_count += 1
        name = f"{kind[0]}{self._mark_count}"
        self._marks[name] = _SentMark(name, kind, self._epoch, self._sent, now_ns)
        while len(self._marks) > _MAX_OUTSTANDING + 3 * _MAX_FLUSHES:
            self._marks.popitem(last=False)
        return Mark(name)

    def _far_ns(self, now_ns: int) -> int | None:
        if self._media is None or now_ns - self._media[1] > _MEDIA_STALE_MS * MS:
            return None
        stamp_ns, arrived_ns = self._media
        return stamp_ns + min(now_ns - arrived_ns, FRAME_MS * MS)

    def _measure_rtt(self, sample_ns: int) -> None:
        self._rtt_ns = sample_ns if self._rtt_ns is None else (3 * self._rtt_ns + sample_ns) // 4

    def _rtt(self) -> int:
        return _DEFAULT_RTT_MS * MS if self._rtt_ns is None else self._rtt_ns

    def _bot(self, wire: int) -> int:
        """The bot position of a wire position; where two pieces meet, the end of the earlier one."""
        piece = self._pieces[0]
        for later in reversed(self._pieces):
            if later.wire < wire:
                piece = later
                break
        return piece.bot + max(0, min(wire - piece.wire, piece.samples))

    def _ns(self, samples: int) -> int:
        return samples * 1_000_000_000 // self._rate_hz

    def _samples(self, ns: int) -> int:
        return ns * self._rate_hz // 1_000_000_000


def _elapsed(start: _Reading, end: _Reading) -> tuple[int, bool]:
    """Time between two returns, and whether it was read off the far end's clock."""
    own_ns = end.own_ns - start.own_ns
    if start.far_ns is None or end.far_ns is None:
        return own_ns, False
    far_ns = end.far_ns - start.far_ns
    return (far_ns, True) if abs(far_ns - own_ns) <= _CLOCKS_DISAGREE_MS * MS else (own_ns, False)
