"""A call leg: one party's audio, both ways, whatever carries it (Twilio, SIP, a test).

A leg delivers `LegEvent`s by calling its sink on the event loop, in order, without a queue in between: what a call does with
20 ms of audio is cheaper than a hand-over. The sink never blocks and never raises. Commands are plain calls that return at once;
what comes of them arrives as an event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Started:
    """The leg is up, media flows. `parameters` are the carrier's custom parameters."""

    call: str
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Audio:
    """20 ms of the caller: int16 mono at `CallLeg.rate_hz`; `first_sample` counts on the caller's timeline.

    The timeline comes from the media's own timestamps: gaps are filled with silence and duplicates dropped by the leg.
    """

    first_sample: int
    pcm: Pcm


@dataclass(frozen=True, slots=True)
class Digit:
    """A DTMF key: 0-9, *, #, A-D."""

    digit: str


@dataclass(frozen=True, slots=True)
class Played:
    """The caller has heard the bot's samples before `sample` (bot timeline: samples of `Segment`s, no pauses counted).

    With the `now` at which it arrives it is one reading of the bot's clock against ours.
    """

    sample: int


@dataclass(frozen=True, slots=True)
class Flushed:
    """Answer to `flush`: play-out has stopped and the caller heard the samples before `sample`, give or take `error_ms`."""

    sample: int
    error_ms: int


@dataclass(frozen=True, slots=True)
class Held:
    """The far end put the call on hold."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """The far end took the call back from hold."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over: nothing follows. `reason` is for people and metrics (`caller_hung_up`, `hung_up`, `protocol`, ...)."""

    reason: str


LegEvent = Started | Audio | Digit | Played | Flushed | Held | Resumed | Ended


@dataclass(frozen=True, slots=True)
class Segment:
    """Encoded audio to be played after what is queued already.

    `payload` is in the leg's encoding (`CallLeg.encode`), `samples` its length at `CallLeg.rate_hz`. `turn_id` says for which reply
    it was made; a leg does not look at it.
    """

    turn_id: int
    samples: int
    payload: bytes


class Capability(Enum):
    """What a leg can do beyond playing and flushing."""

    DIGITS = "send_digits"
    TRANSFER = "transfer"
    HANGUP = "hangup"


Outcome = Literal["done", "unsupported", "gone"]


Wiretap = Callable[[Literal["twilio", "bot"], str, int], None]
"""Who wrote a message of the wire, its text, and when it came in or went out (monotonic ns). Returns at once."""


class CallLeg(Protocol):
    """What a call needs of its leg. Owned by the pipeline, implemented in telephony."""

    @property
    def call(self) -> str:
        """The carrier's id of the call (Twilio: CallSid)."""
        ...

    @property
    def rate_hz(self) -> int:
        """Sample rate of `Audio` and `Segment`: 8000 for G.711."""
        ...

    @property
    def encoding(self) -> str:
        """Name of the wire's encoding: `mulaw`. What is encoded for one leg fits another of the same encoding and rate."""
        ...

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Commands that this leg can carry out."""
        ...

    @property
    def queued_samples(self) -> int:
        """Samples given to `play` and not yet heard, as far as is known: what a synthesiser waits on."""
        ...

    def subscribe(self, sink: Callable[[LegEvent], None]) -> None:
        """Name the one receiver of events. Called once, before the leg runs."""
        ...

    def listen_in(self, wiretap: Wiretap) -> None:
        """Name who sees every message on the wire; before the leg runs. A leg without messages never calls it."""
        ...

    def encode(self, pcm: Pcm) -> bytes:
        """int16 mono at `rate_hz` to the wire's encoding (µ-law on G.711)."""
        ...

    def decode(self, payload: bytes) -> Pcm:
        """The wire's encoding back to int16 mono: what the ear gets."""
        ...

    def play(self, segment: Segment) -> None:
        """Queue for play-out. No media is sent while nothing is queued."""
        ...

    def flush(self) -> None:
        """Stop play-out now and drop what is queued. `Flushed` follows, also when nothing was playing."""
        ...

    def send_digits(self, digits: str) -> Outcome:
        """Send DTMF to the far end."""
        ...

    def transfer(self, target: str) -> Outcome:
        """Hand the caller over; the leg ends when the carrier has taken over."""
        ...

    def hangup(self, *, after_playout: bool) -> Outcome:
        """End the call; with `after_playout` only when the caller has heard what is queued. `Ended` follows."""
        ...
