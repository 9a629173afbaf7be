"""What happened in a call, turn by turn: spans on the server's clock, and the caller's timeline beside it.

All times are integer monotonic nanoseconds as handed in by the shell; nothing here reads a clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pipeline.jobs import PastJob

VERSION = 1
MS = 1_000_000


@dataclass(slots=True)
class Span:
    """One stage of one turn: `vad`, `turn`, `asr`, `llm`, `tts`, `playout`; `note` says which try or what came of it."""

    name: str
    start_ns: int
    end_ns: int
    note: str = ""


@dataclass(slots=True)
class TurnTrace:
    """One exchange: what the caller said, what the bot answered, and when each stage ran.

    `speech_end_ns` is the arrival of the caller's last audible sample on the server's clock: zero of every latency.
    `outcome`: `answered`, `interrupted`, `unfinished`, `greeting`, `reprompt`, `goodbye`.
    """

    turn_id: int
    speech_end_ns: int
    speech_end_sample: int = 0
    caller: str = ""
    reply: str = ""
    heard: str = ""
    fact: str = ""
    outcome: str = "unfinished"
    committed_ns: int = 0
    first_audio_ns: int = 0
    last_audio_ns: int = 0
    prefilled_tokens: int = 0
    spans: list[Span] = field(default_factory=list)
    jobs: list[PastJob] = field(default_factory=list)  # what the cores did around the turn's end, for whichever call

    def span(self, name: str, start_ns: int, end_ns: int, note: str = "") -> None:
        """Add a stage."""
        self.spans.append(Span(name, start_ns, end_ns, note))

    def as_json(self) -> dict[str, Any]:
        """Milliseconds relative to the caller's last audible sample (negative: worked ahead of it)."""

        def ms(at_ns: int) -> float | None:
            return round((at_ns - self.speech_end_ns) / MS, 1) if at_ns else None

        return {
            "turn_id": self.turn_id,
            "caller": self.caller,
            "reply": self.reply,
            "heard": self.heard,
            "fact": self.fact,
            "outcome": self.outcome,
            "speech_end_sample": self.speech_end_sample,
            "committed_ms": ms(self.committed_ns),
            "first_audio_ms": ms(self.first_audio_ns),
            "last_audio_ms": ms(self.last_audio_ns),
            "prefilled_tokens": self.prefilled_tokens,
            "stages": [
                {"name": s.name, "start_ms": ms(s.start_ns), "end_ms": ms(s.end_ns), **({"note": s.note} if s.note else {})}
                for s in self.spans
            ],
            "jobs": [
                {
                    "engine": j.engine,
                    "call": j.turn[0],
                    "priority": j.priority.name.lower(),
                    "threads": j.threads,
                    "queued_ms": ms(j.queued_ns),
                    "start_ms": ms(j.started_ns),
                    "end_ms": ms(j.ended_ns),
                }
                for j in self.jobs
            ],
        }


@dataclass(slots=True)
class CallTrace:
    """One call: its turns in order. `bets` counts work begun before the caller was known to be done."""

    call: str
    bot: str
    started_ns: int
    ended_ns: int = 0
    end_reason: str = ""
    turns: list[TurnTrace] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=dict)

    def count(self, name: str, by: int = 1) -> None:
        """Add to one of the call's counters (`bets_won`, `barge_in_resumed`, ...)."""
        self.counters[name] = self.counters.get(name, 0) + by

    def as_json(self) -> dict[str, Any]:
        """The body of `GET /calls/{call_sid}`."""
        return {
            "version": VERSION,
            "call_sid": self.call,
            "bot": self.bot,
            "state": "ended" if self.ended_ns else "active",
            "duration_ms": round(((self.ended_ns or self.started_ns) - self.started_ns) / MS),
            "end_reason": self.end_reason,
            "counters": dict(self.counters),
            "turns": [t.as_json() for t in self.turns],
        }
