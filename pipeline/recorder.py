"""Gathers what a recording is made of, on the event loop: a few appends per message, and a batch for the writer five times a second.

No clock, no I/O: `now` is passed in, and a batch is handed to `Inbox.offer`, which returns at once. What the inbox has no room for is
dropped and told in the next batch that it takes; memory is bounded whatever the disk does. Format: docs/recordings.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from pipeline.event_log import Answer, Entry, Gap
from pipeline.heard_track import HeardTrack
from pipeline.leg import Pcm
from pipeline.trace import TurnTrace
from pipeline.transcript import Line, Transcript
from pipeline.turn_events import Silenced, TurnEvent

BATCH_NS = 200_000_000
# The answer to a flush takes a round trip: until then it is not known what was heard. Together with a batch well under a second: what a crash costs.
HOLD_MS = 350
# Events, lines and traces are small and kept for the next batch when one is refused; this many, a quarter of an hour of them.
MAX_KEPT = 5000
# Of the wire in one batch: eight times what a caller and a bot say in a stall of 2 s. Only a peer that floods sends more.
MAX_WIRE_CHARS = 1 << 19

Who = Literal["twilio", "bot"]


class Recorder(Protocol):
    """What a call tells whoever writes it down. Every method returns at once."""

    def caller(self, first_sample: int, pcm: Pcm, now: int) -> None:
        """20 ms of the caller, int16 at the leg's rate."""
        ...

    def bot(self, pcm: Pcm, now: int) -> None:
        """What was given to the leg to be played, as the ear gets it."""
        ...

    def took(self, event: TurnEvent, answer: Answer, now: int) -> None:
        """The turn machine's answer to an event; `alarm_ns` in it is monotonic."""
        ...

    def turn_over(self, trace: TurnTrace) -> None:
        """A turn has ended, and nothing in its trace changes any more."""
        ...


class NotRecorded:
    """A recorder for calls that are not."""

    def caller(self, first_sample: int, pcm: Pcm, now: int) -> None:
        """Nothing."""

    def bot(self, pcm: Pcm, now: int) -> None:
        """Nothing."""

    def took(self, event: TurnEvent, answer: Answer, now: int) -> None:
        """Nothing."""

    def turn_over(self, trace: TurnTrace) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class WireMessage:
    """One message as it was on the wire, `at_ns` after the call began."""

    at_ns: int
    who: Who
    text: str


@dataclass(slots=True)
class Lost:
    """What was dropped since the last batch that was taken."""

    samples: int = 0
    messages: int = 0
    notes: int = 0  # lines of the transcript, and traces

    def __bool__(self) -> bool:
        return bool(self.samples or self.messages or self.notes)


@dataclass(frozen=True, slots=True)
class Batch:
    """A fifth of a second. `left` and `right` are int16 of one length, from `first_sample` of the caller's timeline on."""

    first_sample: int
    left: Pcm
    right: Pcm
    wire: Sequence[WireMessage]
    entries: Sequence[Entry | Gap]
    lines: Sequence[Line]
    turns: Sequence[TurnTrace]
    lost: Lost


class Inbox(Protocol):
    """Where batches go."""

    def offer(self, batch: Batch) -> bool:
        """Take it, or refuse it at once for want of room."""
        ...


class CallRecorder:
    """The recorder of one call. `began_ns`: zero of all its times. `last` gives what is left when the call is over."""

    def __init__(self, inbox: Inbox, rate_hz: int, began_ns: int) -> None:
        self._inbox = inbox
        self._rate_hz = rate_hz
        self._began_ns = began_ns
        self._track = HeardTrack()
        self._transcript = Transcript(rate_hz)
        self._handed_ns = began_ns
        self._lead: int | None = None  # the caller's timeline ahead of ours, by the least delayed frame
        self._newest = 0  # end of the caller's audio
        self._written = 0
        self._caller: list[tuple[int, Pcm]] = []
        self._wire: list[WireMessage] = []
        self._wire_chars = 0
        self._entries: list[Entry | Gap] = []
        self._lines: list[Line] = []
        self._turns: list[TurnTrace] = []
        self._lost = Lost()

    # what the call says

    def caller(self, first_sample: int, pcm: Pcm, now: int) -> None:
        """See `Recorder`."""
        self._caller.append((first_sample, pcm))
        self._newest = max(self._newest, first_sample + len(pcm))
        lead = first_sample + len(pcm) - self._samples(now)
        self._lead = lead if self._lead is None else max(self._lead, lead)
        self._hand_over(now)

    def bot(self, pcm: Pcm, now: int) -> None:
        """See `Recorder`."""
        self._track.play(pcm, self.position(now))

    def took(self, event: TurnEvent, answer: Answer, now: int) -> None:
        """See `Recorder`."""
        if isinstance(event, Silenced):
            self._track.silenced(event.sample)
        at = self.position(now)
        self._lines += self._transcript.took(event, answer.commands, at, self._track.free_from(at))
        alarm_ns = None if answer.alarm_ns is None else answer.alarm_ns - self._began_ns
        self._entries.append(Entry(now - self._began_ns, event, Answer(answer.commands, answer.alarm_sample, alarm_ns)))
        self._hand_over(now)

    def turn_over(self, trace: TurnTrace) -> None:
        """See `Recorder`."""
        self._turns.append(trace)

    def wire(self, who: Who, text: str, now: int) -> None:
        """A message that came in or goes out. `who` wrote it."""
        if self._wire_chars < MAX_WIRE_CHARS:
            self._wire.append(WireMessage(now - self._began_ns, who, text))
            self._wire_chars += len(text)
        else:
            self._lost.messages += 1
        self._hand_over(now)

    # batches

    def position(self, now: int) -> int:
        """The caller's sample that is being spoken at `now`, by the clock and the least delayed frame."""
        return max(0, self._samples(now) + (self._lead or 0))

    def last(self, now: int) -> Batch:
        """What has not been handed over, up to the end."""
        return self._batch(max(self._newest, min(self.position(now), self._track.free_from(0))))

    def _hand_over(self, now: int) -> None:
        if now - self._handed_ns < BATCH_NS:
            return
        self._handed_ns = now
        batch = self._batch(self._newest - self._rate_hz * HOLD_MS // 1000)
        self._caller = [(first, pcm) for first, pcm in self._caller if first + len(pcm) > self._written]
        self._wire, self._wire_chars = [], 0
        if self._inbox.offer(batch):
            self._entries, self._lines, self._turns, self._lost = [], [], [], Lost()
        else:
            self._refused(batch)

    def _batch(self, until: int) -> Batch:
        start, end = self._written, max(self._written, until)
        self._written = end
        left = np.zeros(end - start, np.int16)
        for first, pcm in self._caller:
            begin, stop = max(start, first), min(end, first + len(pcm))
            if begin < stop:
                left[begin - start : stop - start] = pcm[begin - first : stop - first]
        right = self._track.read(start, end)
        return Batch(start, left, right, self._wire, self._entries, self._lines, self._turns, self._lost)

    def _refused(self, batch: Batch) -> None:
        """Audio and wire are gone; what is small waits, up to a bound."""
        self._lost.samples += len(batch.left)
        self._lost.messages += len(batch.wire)
        if len(self._entries) > MAX_KEPT:
            self._entries = [Gap(sum(e.lost if isinstance(e, Gap) else 1 for e in self._entries))]
        if len(self._lines) + len(self._turns) > MAX_KEPT:
            self._lost.notes += len(self._lines) + len(self._turns)
            self._lines, self._turns = [], []

    def _samples(self, now: int) -> int:
        return (now - self._began_ns) * self._rate_hz // 1_000_000_000
