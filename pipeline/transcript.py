"""What was said in a call, line by line with times, from the turn machine's events and commands as they come. Pure.

A line is written when it begins to be true: the bot's phrase when it is given to the leg, the caller's words when their turn is over. What
was cut off, or gone on with after a hum, is told by a later line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.heard import heard_words
from pipeline.turn_events import (
    Commit,
    Count,
    FinalReady,
    Finish,
    KeyPressed,
    Play,
    ReplyPhraseReady,
    Silenced,
    SpeechPaused,
    SpeechStarted,
    TurnCommand,
    TurnEvent,
)

What = Literal["said", "hum", "key", "cut", "resumed"]


@dataclass(frozen=True, slots=True)
class Line:
    """`from_ms` and `until_ms` count on the recording's timeline, from the caller's first sample.

    `said`: words; `hum`: a sound over the bot that did not take the floor; `key`: a key; `cut`: the reply ended here, `text` is what was
    heard of its last phrase; `resumed`: the bot went on with a phrase that had been cut. `turn`: 0 where it is of no turn.
    """

    from_ms: int
    until_ms: int
    who: Literal["caller", "bot"]
    what: What
    text: str
    turn: int = 0


class Transcript:
    """One call's lines. `rate_hz`: of both timelines."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._phrases: dict[tuple[int, int], tuple[str, int]] = {}  # (turn, index): words, samples
        self._speech: int | None = None  # where the caller's words began
        self._paused = 0  # where they ended, as far as is known
        self._heard = ""  # the newest final transcript
        self._cut = 0

    def took(self, event: TurnEvent, commands: Sequence[TurnCommand], at: int, free_from: int) -> list[Line]:
        """Lines that come of this. `at`: the caller's sample now; `free_from`: where the next phrase given to the leg is heard."""
        lines: list[Line] = []
        match event:
            case SpeechStarted(sample):
                self._speech = sample if self._speech is None else self._speech
            case SpeechPaused(sample):
                self._paused = sample
            case FinalReady(text=text):
                self._heard = text
            case Silenced():
                self._cut = at
            case ReplyPhraseReady(turn_id, index, samples, text):
                self._phrases[turn_id, index] = (text, samples)
            case KeyPressed(digit):
                lines.append(self._line(at, at, "caller", "key", digit))
            case _:
                pass
        for command in commands:
            match command:
                case Commit(turn_id, text, speech_end) if speech_end:
                    start = speech_end if self._speech is None else min(self._speech, speech_end)
                    lines.append(self._line(start, speech_end, "caller", "said", text, turn_id))
                    self._speech = None
                case Play(turn_id, index, offset):
                    text, samples = self._phrases.get((turn_id, index), ("", offset))
                    end = free_from + samples - offset
                    lines.append(self._line(free_from, end, "bot", "resumed" if offset else "said", text, turn_id))
                    free_from = end
                case Finish():
                    lines += self._over(command, at)
                case Count("barge_in_resumed"):
                    start = at if self._speech is None else self._speech
                    lines.append(self._line(start, max(start, self._paused), "caller", "hum", self._heard))
                    self._speech = None
                case _:
                    pass
        return lines

    def _over(self, finish: Finish, at: int) -> list[Line]:
        mine = {index: phrase for (turn_id, index), phrase in self._phrases.items() if turn_id == finish.turn_id}
        self._phrases = {key: phrase for key, phrase in self._phrases.items() if key[0] > finish.turn_id}
        if finish.outcome != "interrupted":
            return []
        text, samples = mine.get(finish.phrases, ("", 0))
        at = self._cut or at
        return [
            self._line(at, at, "bot", "cut", heard_words(text, samples, finish.offset) if finish.offset else "", finish.turn_id)
        ]

    def _line(self, start: int, end: int, who: Literal["caller", "bot"], what: What, text: str, turn: int = 0) -> Line:
        return Line(start * 1000 // self._rate_hz, end * 1000 // self._rate_hz, who, what, text, turn)
