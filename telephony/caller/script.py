"""What a recorded caller does in a call: a list of steps, each with the moment at which it is due."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Literal

from pipeline.leg import Pcm

from .line import Echo, LineNoise
from .network import Network


@dataclass(frozen=True, slots=True)
class AfterBot:
    """When the bot has answered, has nothing more queued, and `gap_ms` have passed since its last audible sample."""

    gap_ms: int = 1000


@dataclass(frozen=True, slots=True)
class IntoReply:
    """`ms` after the first audible sample of the bot's reply. A reply that is shorter: when it is over."""

    ms: int


@dataclass(frozen=True, slots=True)
class AfterPrevious:
    """`ms` after the step before this one began (the call's first step: after the call began)."""

    ms: int


When = AfterBot | IntoReply | AfterPrevious


@dataclass(frozen=True, slots=True)
class Say:
    """Speak `pcm` (int16 mono, 8 kHz, without line noise). `hum`: a sound that asks for no answer, like "mhm".

    `expect` must all be found in the reply (regular expressions, case ignored), `reject` must not. `pauses_ms` are the places inside
    the utterance, [from, to) in ms from its first sample, where the caller stops to think.
    """

    text: str
    pcm: Pcm
    when: When = field(default_factory=AfterBot)
    expect: tuple[re.Pattern[str], ...] = ()
    reject: tuple[re.Pattern[str], ...] = ()
    hum: bool = False
    pauses_ms: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Press:
    """Press keys: one a tenth of a second."""

    digits: str
    when: When = field(default_factory=AfterBot)


@dataclass(frozen=True, slots=True)
class Wait:
    """Stay silent for `ms`, then go on with the next step."""

    ms: int
    when: When = field(default_factory=AfterBot)


@dataclass(frozen=True, slots=True)
class HangUp:
    """Put the phone down."""

    when: When = field(default_factory=AfterBot)


Step = Say | Press | Wait | HangUp


@dataclass(frozen=True, slots=True)
class CallerScript:
    """One recorded caller.

    `ends_by`: `caller` hangs up after the last answer, `bot` waits for the bot to end the call (at most `limit_s` in all).
    `patience_ms`: how long an answer is waited for before the next step. `bot` is the bot file it was recorded for, as written.
    `expect_greeting` and `expect_spoken` are searched in the greeting and in all that the bot said.
    """

    name: str
    steps: tuple[Step, ...]
    bot: str = ""
    noise: LineNoise = field(default_factory=LineNoise)
    echo: Echo | None = None
    network: Network = field(default_factory=Network)
    ends_by: Literal["caller", "bot"] = "caller"
    patience_ms: int = 12_000
    limit_s: float = 180.0
    caller: str = "+15550100001"
    called: str = "+15550100002"
    expect_spoken: tuple[re.Pattern[str], ...] = ()
    expect_ended_by: Literal["caller", "bot"] | None = None

    def parts(self, turns: int) -> tuple[CallerScript, ...]:
        """The same caller in calls of at most `turns` turns each; whole where a step depends on more than the answer before it."""
        if len(self.steps) <= turns or not all(isinstance(step, Say) and isinstance(step.when, AfterBot) for step in self.steps):
            return (self,)
        cut = (self.steps[at : at + turns] for at in range(0, len(self.steps), turns))
        return tuple(replace(self, steps=steps, expect_spoken=(), expect_ended_by=None) for steps in cut)
