"""What happened in a call, turn by turn: spans on the server's clock, and the caller's timeline beside it.

`GET /calls/{call_sid}` and recordings show it as JSON, `telephony/spans.py` as OpenTelemetry spans, `firstword trace` as a picture. All times are integer monotonic nanoseconds as handed in by the shell; nothing here reads a clock.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from pipeline.jobs import PastJob

VERSION = 1
MS = 1_000_000


@dataclass(slots=True)
class Span:
    """One stage of one turn: `vad`, `turn`, `asr`, `llm`, `tts`, `playout`; `note` says which try or what came of it.

    `began_ns`: when a core was free for what was asked for at `start_ns`. `audio_ms`: how long the speech is that was made.
    """

    name: str
    start_ns: int
    end_ns: int
    note: str = ""
    began_ns: int = 0
    audio_ms: float = 0.0


@dataclass(slots=True)
class BetTrace:
    """Work begun at a pause that may have been the end of the turn. `outcome`: `won`, `lost`, or `undone` after it seemed won."""

    number: int
    start_ns: int
    end_ns: int
    outcome: str
    spans: list[Span] = field(default_factory=list)


@dataclass(slots=True)
class BargeIn:
    """The caller spoke over the bot: when they could be heard, when the bot was silent at the ear, and what came of it.

    `outcome`: `resumed` or `cancelled`, empty while it is open. `silenced_ns` 0: it was silent before.
    """

    start_ns: int
    silenced_ns: int
    outcome: str = ""


@dataclass(slots=True)
class TurnTrace:
    """One exchange: what the caller said, what the bot answered, and when each stage ran.

    `speech_end_ns` is the arrival of the caller's last audible sample on the server's clock: zero of every latency.
    `first_audio_ns`: the first phrase went to the leg; `first_heard_ns`, `last_heard_ns`: its first and the reply's last audible sample
    were at the caller's ear, 0 when no mark said so. `prefilled_tokens` and `rolled_back_tokens`: of the prompt, computed after the
    reply was asked for, and dropped from the cache since the reply before; `awaited_tokens`: computed after the turn was over, while somebody waited.
    `complete`: P(complete) when the caller's turn was taken as over, 0 where nothing was judged.
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
    complete: float = 0.0
    first_audio_ns: int = 0
    last_audio_ns: int = 0
    first_heard_ns: int = 0
    last_heard_ns: int = 0
    prefilled_tokens: int = 0
    awaited_tokens: int = 0
    rolled_back_tokens: int = 0
    tokens_per_second: float = 0.0  # of the reply's decoding; 0 where no model worded it
    spans: list[Span] = field(default_factory=list)
    bets: list[BetTrace] = field(default_factory=list)  # since the turn before, the one that was won last
    barge_ins: list[BargeIn] = field(default_factory=list)
    jobs: list[PastJob] = field(default_factory=list)  # what the cores did around the turn's end, for whichever call

    @property
    def first_word_ms(self) -> float | None:
        """From the caller's last audible sample to the bot's first, at the ear; as it went to the leg where no mark came back."""
        at_ns = self.first_heard_ns or self.first_audio_ns
        return (at_ns - self.speech_end_ns) / MS if at_ns else None

    @property
    def end_to_end_ms(self) -> float | None:
        """From the caller's last audible sample to the bot's last, of a reply that was heard whole."""
        return (self.last_heard_ns - self.speech_end_ns) / MS if self.outcome == "answered" and self.last_heard_ns else None

    @property
    def made_ms(self) -> float | None:
        """From the caller's last audible sample until the whole of a reply that was answered was synthesised."""
        if self.outcome != "answered" or not self.reply or not self.first_audio_ns:
            return None
        made_ns = max([self.first_audio_ns, *(span.end_ns for span in self.spans if span.name == "tts")])
        return (made_ns - self.speech_end_ns) / MS

    def span(self, name: str, start_ns: int, end_ns: int, note: str = "") -> None:
        """Add a stage."""
        self.spans.append(Span(name, start_ns, end_ns, note))

    def as_json(self) -> dict[str, Any]:
        """Milliseconds relative to the caller's last audible sample (negative: worked ahead of it)."""

        def ms(at_ns: int) -> float | None:
            return round((at_ns - self.speech_end_ns) / MS, 1) if at_ns else None

        def stages(spans: list[Span]) -> list[dict[str, Any]]:
            return [
                {
                    "name": s.name,
                    "start_ms": ms(s.start_ns),
                    "end_ms": ms(s.end_ns),
                    **({"note": s.note} if s.note else {}),
                    **({"began_ms": ms(s.began_ns)} if s.began_ns else {}),
                    **({"audio_ms": round(s.audio_ms, 1)} if s.audio_ms else {}),
                }
                for s in spans
            ]

        return {
            "turn_id": self.turn_id,
            "caller": self.caller,
            "reply": self.reply,
            "heard": self.heard,
            "fact": self.fact,
            "outcome": self.outcome,
            "speech_end_sample": self.speech_end_sample,
            "committed_ms": ms(self.committed_ns),
            "complete": self.complete or None,
            "first_audio_ms": ms(self.first_audio_ns),
            "last_audio_ms": ms(self.last_audio_ns),
            "first_heard_ms": ms(self.first_heard_ns),
            "last_heard_ms": ms(self.last_heard_ns),
            "prefilled_tokens": self.prefilled_tokens,
            "awaited_tokens": self.awaited_tokens,
            "rolled_back_tokens": self.rolled_back_tokens,
            "tokens_per_second": round(self.tokens_per_second, 1),
            "stages": stages(self.spans),
            "bets": [
                {
                    "number": b.number,
                    "outcome": b.outcome,
                    "start_ms": ms(b.start_ns),
                    "end_ms": ms(b.end_ns),
                    "stages": stages(b.spans),
                }
                for b in self.bets
            ],
            "barge_ins": [
                {
                    "at_ms": ms(b.start_ns),
                    "latency_ms": round((b.silenced_ns - b.start_ns) / MS, 1) if b.silenced_ns else None,
                    "outcome": b.outcome,
                }
                for b in self.barge_ins
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

    @property
    def trace_id(self) -> str:
        """Of the call's OpenTelemetry trace: see `trace_id_of`."""
        return trace_id_of(self.call)

    def count(self, name: str, by: int = 1) -> None:
        """Add to one of the call's counters (`bets_won`, `barge_in_resumed`, ...)."""
        self.counters[name] = self.counters.get(name, 0) + by

    def as_json(self) -> dict[str, Any]:
        """The body of `GET /calls/{call_sid}`."""
        return {
            "version": VERSION,
            "call_sid": self.call,
            "trace_id": self.trace_id,
            "bot": self.bot,
            "state": "ended" if self.ended_ns else "active",
            "duration_ms": round(((self.ended_ns or self.started_ns) - self.started_ns) / MS),
            "end_reason": self.end_reason,
            "counters": dict(self.counters),
            "turns": [t.as_json() for t in self.turns],
        }


def trace_id_of(call: str) -> str:
    """The id of a call's trace, 32 hexadecimal digits: who knows the CallSid finds the trace, and every log line has it for nothing."""
    return hashlib.sha256(call.encode()).hexdigest()[:32]
