"""The caller's mind and mouth: decides, frame by frame, when to speak, press keys and hang up. Pure: no clock, no socket.

Time is counted in frames of 20 ms since the call began. A step is due when its moment has come; steps run in order.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Literal, Protocol, assert_never

import numpy as np

from pipeline.audibility import FRAME_MS, last_audible
from pipeline.leg import Pcm

from .line import FRAME
from .script import AfterBot, AfterPrevious, CallerScript, HangUp, IntoReply, Press, Say, Step, Wait, When

SETTLED_MS = 700
"""The play-out must have been empty for so long before the bot counts as done: longer than the pause between two phrases."""
LINGER_MS = 1500
"""After the last answer the caller waits this long before putting the phone down."""
_KEY_MS = 100
"""One key a tenth of a second: about as fast as a person presses them."""


class BotAudible(Protocol):
    """What the caller knows of the bot: the part of `Ear` that a decision rests on, in frames of 20 ms."""

    @property
    def onsets(self) -> list[int]:
        """Frames at which the bot became audible after at least 160 ms of quiet, rising."""
        ...

    @property
    def last_audible_frame(self) -> int | None:
        """The latest frame in which the bot was audible."""
        ...

    @property
    def empty_since_frame(self) -> int | None:
        """The frame at which the play-out ran dry; None while something is playing."""
        ...


@dataclass(frozen=True, slots=True)
class Speak:
    """Step `step` begins to be spoken with this frame."""

    step: int


@dataclass(frozen=True, slots=True)
class PressKey:
    """One key goes out with this frame."""

    digit: str


@dataclass(frozen=True, slots=True)
class PutDown:
    """The caller hangs up. `reason`: `script` (as planned), `limit` (the call took too long), `told` (from outside)."""

    reason: Literal["script", "limit", "told"]


Command = Speak | PressKey | PutDown


@dataclass(frozen=True, slots=True)
class Begun:
    """Step `step` began at `frame`; `late`: the bot gave no cue for it (no answer, or a reply shorter than planned)."""

    step: int
    frame: int
    late: bool


class Caller:
    """Runs one `CallerScript`. `tick` once a frame, then `voice` for the frame's 160 clean samples."""

    def __init__(self, script: CallerScript) -> None:
        """Nothing happens before the first tick."""
        self._script = script
        self._next = 0
        self._listen_from = 0
        self._step_began = 0
        self._busy_until = 0
        self._voice: Pcm = np.zeros(0, dtype=np.int16)
        self._voice_at = 0
        self._keys: list[tuple[int, str]] = []
        self._down = False
        self.begun: list[Begun] = []

    def tick(self, frame: int, bot: BotAudible) -> list[Command]:
        """What begins with this frame."""
        if self._down:
            return []
        commands: list[Command] = []
        while self._keys and self._keys[0][0] <= frame:
            commands.append(PressKey(self._keys.pop(0)[1]))
        if frame * FRAME_MS >= self._script.limit_s * 1000:
            return [*commands, self._put_down("limit")]
        while self._next < len(self._script.steps) and not self._down:
            step = self._script.steps[self._next]
            due, late = self._due(step.when, frame, bot)
            if isinstance(step, Say) and self.is_speaking:
                due = False
            if not due or frame < self._busy_until:
                return commands
            commands += self._begin(self._next, step, frame, late=late)
        if self._next >= len(self._script.steps) and self._script.ends_by == "caller" and not self._down and not self._keys:
            over = frame >= self._busy_until and not self.is_speaking
            if over and self._due(AfterBot(LINGER_MS), frame, bot)[0]:
                commands.append(self._put_down("script"))
        return commands

    @property
    def is_speaking(self) -> bool:
        """An utterance is not over yet."""
        return self._voice_at < len(self._voice)

    def voice(self) -> Pcm:
        """The next 160 samples of clean voice: silence when nothing is being said."""
        frame = np.zeros(FRAME, dtype=np.int16)
        piece = self._voice[self._voice_at : self._voice_at + FRAME]
        frame[: len(piece)] = piece
        self._voice_at += len(piece)
        return frame

    def _due(self, when: When, frame: int, bot: BotAudible) -> tuple[bool, bool]:
        """Whether the moment has come, and whether it came without the bot's cue."""
        match when:
            case AfterPrevious(ms):
                return (frame - self._step_began) * FRAME_MS >= ms, False
            case AfterBot(gap_ms):
                onset = self._reply_onset(bot)
                if onset is None:
                    return self._is_out_of_patience(frame), True
                return self._is_bot_done(frame, bot, gap_ms), False
            case IntoReply(ms):
                onset = self._reply_onset(bot)
                if onset is None:
                    return self._is_out_of_patience(frame), True
                if (frame - onset) * FRAME_MS >= ms:
                    return True, False
                return self._is_bot_done(frame, bot, SETTLED_MS), True
            case _:
                assert_never(when)

    def _reply_onset(self, bot: BotAudible) -> int | None:
        at = bisect_left(bot.onsets, self._listen_from)
        return bot.onsets[at] if at < len(bot.onsets) else None

    def _is_bot_done(self, frame: int, bot: BotAudible, gap_ms: int) -> bool:
        empty, last = bot.empty_since_frame, bot.last_audible_frame
        if empty is None or last is None:
            return False
        return (frame - empty) * FRAME_MS >= SETTLED_MS and (frame - last - 1) * FRAME_MS >= gap_ms

    def _is_out_of_patience(self, frame: int) -> bool:
        return (frame - self._listen_from) * FRAME_MS >= self._script.patience_ms

    def _begin(self, index: int, step: Step, frame: int, *, late: bool) -> list[Command]:
        self.begun.append(Begun(index, frame, late))
        self._next = index + 1
        self._step_began = frame
        match step:
            case Say(pcm=pcm, hum=hum):
                self._voice, self._voice_at = pcm, 0
                if not hum:
                    # An answer to this utterance is one that begins when its last sound is over, give or take a frame or two.
                    self._listen_from = frame + max(0, (last_audible(pcm) or 0) // FRAME - 2)
                return [Speak(index)]
            case Press(digits=digits):
                gap = _KEY_MS // FRAME_MS
                self._keys += [(frame + (n + 1) * gap, digit) for n, digit in enumerate(digits[1:])]
                return [PressKey(digits[0])] if digits else []
            case Wait(ms=ms):
                self._busy_until = frame + ms // FRAME_MS
                return []
            case HangUp():
                return [self._put_down("script")]
            case _:
                assert_never(step)

    def _put_down(self, reason: Literal["script", "limit"]) -> PutDown:
        self._down = True
        return PutDown(reason)
