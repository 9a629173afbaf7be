"""What came of a replayed call: plain data, its JSON (`version = 1`), and the files of `--save`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipeline.leg import Pcm

from .wav import write_stereo

VERSION = 1


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a turn, in ms from the caller's last audible sample (negative: before it)."""

    name: str
    start_ms: float
    end_ms: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class TurnResult:
    """One utterance and what the caller heard after it. Times are ms; `said_*` and `bot_*` count from the `start` message.

    `first_word_ms`: last audible caller sample to first audible bot sample after it; `reply_end_ms`: to the last one of a reply that nobody
    spoke over.
    `over_bot`: said while the bot was audible; then `barge_in_ms` is the interruption's first audible sample to the bot's last one,
    and `resumed_ms` the pause until the bot went on or answered.
    `cut_ins`: how often the bot became audible while the utterance was not over; `pauses`: how often it could have been tempted to.
    """

    step: int
    said: str
    said_from_ms: int
    said_until_ms: int
    hum: bool = False
    late: bool = False
    first_word_ms: int | None = None
    reply_end_ms: int | None = None
    over_bot: bool = False
    barge_in_ms: int | None = None
    resumed_ms: int | None = None
    cut_ins: int = 0
    pauses: int = 0
    bot_audible_ms: int = 0
    transcript: str = ""
    reply: str = ""
    heard: str = ""
    fact: str = ""
    outcome: str = ""
    stages: tuple[Stage, ...] = ()
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CallResult:
    """One replayed call. `greeting_ms`: `start` sent to the first audible bot sample.

    `worst_tick_ms` is the latest that a 20 ms frame went out: measurements of a call where it is large are not to be trusted.
    `caller_pcm` (as sent, with noise and echo) and `bot_pcm` (as heard) share one timeline at 8 kHz; `cut_at`: the sample up to which the bot had been played,
    audible or not, at each `clear`.
    """

    name: str
    call_sid: str
    ended_by: str
    duration_ms: int
    greeting_ms: int | None
    turns: tuple[TurnResult, ...]
    received_ms: int
    heard_ms: int
    clears: int
    marks_returned: int
    worst_tick_ms: float
    next_twiml: str
    failures: tuple[str, ...]
    trace: dict[str, Any] | None
    caller_pcm: Pcm = field(repr=False)
    bot_pcm: Pcm = field(repr=False)
    cut_at: tuple[int, ...] = ()

    @property
    def passed(self) -> bool:
        """Every expectation of the script was met."""
        return not self.failures and not any(turn.failures for turn in self.turns)

    @property
    def cut_ins(self) -> int:
        """How often the bot spoke before the caller was done."""
        return sum(turn.cut_ins for turn in self.turns)

    def as_json(self) -> dict[str, Any]:
        """Everything but the audio."""
        return {
            "version": VERSION,
            "name": self.name,
            "call_sid": self.call_sid,
            "passed": self.passed,
            "ended_by": self.ended_by,
            "duration_ms": self.duration_ms,
            "greeting_ms": self.greeting_ms,
            "cut_ins": self.cut_ins,
            "received_ms": self.received_ms,
            "heard_ms": self.heard_ms,
            "clears": self.clears,
            "marks_returned": self.marks_returned,
            "worst_tick_ms": self.worst_tick_ms,
            "next_twiml": self.next_twiml,
            "failures": list(self.failures),
            "turns": [asdict(turn) for turn in self.turns],
            "trace": self.trace,
        }

    def save(self, folder: Path) -> tuple[Path, Path]:
        """Write `<name>-<call sid>.wav` (left the caller, right the bot as heard) and `.json`; returns both paths."""
        folder.mkdir(parents=True, exist_ok=True)
        stem = f"{self.name}-{self.call_sid}"
        audio, data = folder / f"{stem}.wav", folder / f"{stem}.json"
        write_stereo(audio, self.caller_pcm, self.bot_pcm)
        data.write_text(json.dumps(self.as_json(), indent=2) + "\n")
        return audio, data
