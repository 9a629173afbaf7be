"""What a call asks of its models about the caller's words: partial transcripts while they talk, transcript and verdicts when they pause.

Every job ends in one event for the turn machine. What nobody wants any more is given up: a job that waits is withdrawn, a transcript that runs
ends half way.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Literal, TypeVar

import structlog

from pipeline.asr import SURE, AsrRequest, Transcript, WhisperEngine
from pipeline.ears import Ears
from pipeline.engines import Engines
from pipeline.jobs import Job, Priority, Work
from pipeline.planner import Planner
from pipeline.scheduler import JobDroppedError, Ran
from pipeline.smart_turn import TurnRequest
from pipeline.trace import BetTrace, Span, TurnTrace
from pipeline.turn_events import EngineFailed, FinalReady, Judge, JudgeWords, Transcribe, TurnEvent, Verdict, WordsVerdict

log = structlog.get_logger()

Value = TypeVar("Value")

# What is transcribed begins before the VAD was sure, so that soft first sounds are in, and with some silence before those: where speech begins at once,
# tiny.en says short sentences twice. On 55 turns of the recorded callers its word error rate was 0.20 with 250 ms, 0.085 with 400, 0.074 with 600.
PREROLL_MS = 500
# Bets that were lost since the last turn: enough to see why, and a caller who says "er" for a minute fills no memory.
KEPT = 16


class Bets:
    """One call's. `take` gets the events; `spawn` starts a task that ends with the call."""

    def __init__(
        self,
        call: str,
        rate_hz: int,
        engines: Engines,
        ears: Ears,
        bias: str,
        take: Callable[[TurnEvent], None],
        spawn: Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]],
        planner: Planner,
    ) -> None:
        self.number = 0
        self.spans: list[Span] = []  # of the newest bet
        self.partial_spans: list[Span] = []  # since they were taken last
        self._past: list[BetTrace] = []  # decided, and in no turn's trace yet
        self._abandoned: list[Span] = []  # what was made of a reply that was dropped
        self.answered = 0  # the caller's sample up to which a reply has answered
        self._call = call
        self._rate_hz = rate_hz
        self._engines = engines
        self._ears = ears
        self._bias = bias
        self._take = take
        self._spawn = spawn
        self._planner = planner
        self._tasks: list[asyncio.Task[None]] = []
        self._transcript: Job | None = None
        self._verdict: asyncio.Future[Ran[float]] | None = None
        self._awaited = False
        self._partial: AsrRequest | None = None

    def begin(self, number: int, vad: Span) -> None:
        """A pause: a new bet. `vad`: how it was noticed."""
        self.end()
        if self._partial is not None:
            self._partial.given_up.set()  # what it would say, the transcript will
        self.number = number
        self.spans = [vad]
        self._abandoned = []

    def transcribe(self, command: Transcribe, priority: Priority) -> None:
        """Ask for the transcript."""
        self._tasks.append(self._spawn(self._transcribe(command, priority), f"asr-{command.bet}"))

    def judge(self, command: Judge) -> None:
        """Ask for the verdict by the sound."""
        request = TurnRequest(self._ears.utterance(self._before(command.start), command.end), self._rate_hz)
        # Asked at once, not when the task comes up: the reply's next phrase is asked for as soon as this event has been taken.
        work = Work("turn", Priority.BET, (self._call, command.bet))
        _, self._verdict = self._engines.scheduler.submit(self._engines.turn, work, lambda: request)
        self._tasks.append(self._spawn(self._judge(command.bet, self._verdict), f"turn-{command.bet}"))

    def judge_words(self, command: JudgeWords) -> None:
        """Ask for the verdict by the words."""
        self._tasks.append(self._spawn(self._judge_words(command), f"words-{command.bet}"))

    def hurry(self) -> None:
        """The caller waits for the transcript now."""
        self._awaited = True
        if self._transcript is not None:
            self._engines.scheduler.reprioritise(self._transcript, Priority.FIRST_PHRASE)
        self._planner.hurry()

    def end(self) -> None:
        """The caller goes on, or the call is over."""
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        if self._verdict is not None:
            self._verdict.cancel()
            self._verdict = None

    def abandon(self, trace: TurnTrace) -> None:
        """A reply was dropped unheard: what was made of it belongs to the bet, and so do the bets before it."""
        self._abandoned = [span for span in trace.spans if span.name in ("llm", "tts")]
        self._past[:0], trace.bets = trace.bets, []

    def over(self, outcome: str, now: int) -> None:
        """The newest bet is decided, for now: one that was won may still be undone."""
        if self._past and self._past[-1].number == self.number:
            bet = self._past[-1]
            bet.outcome, bet.end_ns = outcome, now
            bet.spans += self._abandoned
        elif self.spans:
            self._past.append(BetTrace(self.number, self.spans[0].end_ns, now, outcome, [*self.spans, *self._abandoned]))
            del self._past[:-KEPT]
        self._abandoned = []

    def taken(self) -> list[BetTrace]:
        """The decided bets, for the trace of the turn that they led to."""
        taken, self._past = self._past, []
        return taken

    async def hear_partial(self, start: int, end: int) -> str:
        """What the caller has said so far; empty when it was given up. Raises JobDroppedError, and what the model raises."""
        self._partial = request = AsrRequest(
            self._ears.caller.between(self._before(start), end), self._rate_hz, self._bias, text_only=True
        )
        work = Work("asr", Priority.PARTIAL, (self._call, self.number + 1))
        try:
            ran = await self._engines.scheduler.run(self._engines.partial, work, request)
        finally:
            self._partial = None
        self.partial_spans.append(Span("asr", ran.queued_ns, ran.ended_ns, "partial", ran.started_ns))
        return "" if request.given_up.is_set() else ran.value.text

    async def _transcribe(self, command: Transcribe, priority: Priority) -> None:
        request = AsrRequest(self._ears.utterance(self._before(command.start), command.end), self._rate_hz, self._bias)
        self._awaited = priority is Priority.FIRST_PHRASE
        try:
            first = await self._heard_first(command.bet, request)
            if first is not None and first.value.least >= SURE:
                heard = first
            else:
                if first is not None:
                    self.spans.append(Span("asr", first.queued_ns, first.ended_ns, "unsure", first.started_ns))
                second = await self._result("asr", command.bet, self._heard_by(self._engines.asr, command.bet, request))
                if second is None:
                    return
                heard = second
        except asyncio.CancelledError:
            request.given_up.set()
            raise
        self.spans.append(Span("asr", heard.queued_ns, heard.ended_ns, "final", heard.started_ns))
        # Whether it was the end, the smaller model tells better than the larger one, even where it misheard a word: it was taught to.
        ending = first.value.ending if first is not None and first.value.ending else heard.value.ending
        self._take(FinalReady(command.bet, heard.value.text, heard.value.confidence, ending))

    async def _heard_first(self, bet: int, request: AsrRequest) -> Ran[Transcript] | None:
        """What the smaller model makes of it; None where it is not asked, or makes nothing of it."""
        # What is said over the bot is short, and a hum must not become a word: the larger model hears that at once.
        if not self._engines.partial.first or self._ears.over_bot:
            return None
        try:
            heard = await self._heard_by(self._engines.partial, bet, request)
        except JobDroppedError:
            return None
        except Exception:
            log.exception("engine_failed", engine="asr", call=self._call, bet=bet)
            return None
        return heard if heard.value.text else None

    async def _heard_by(self, engine: WhisperEngine, bet: int, request: AsrRequest) -> Ran[Transcript]:
        work = Work("asr", Priority.FIRST_PHRASE if self._awaited else Priority.BET, (self._call, bet))
        job, future = self._engines.scheduler.submit(engine, work, lambda: request)
        self._transcript = job
        try:
            return await future
        finally:
            if self._transcript is job:  # else the next bet's has come already
                self._transcript = None

    async def _judge(self, bet: int, verdict: asyncio.Future[Ran[float]]) -> None:
        ran = await self._result("turn", bet, verdict)
        if ran is not None:
            self.spans.append(Span("turn", ran.queued_ns, ran.ended_ns, f"P={ran.value:.2f}", ran.started_ns))
            self._take(Verdict(bet, ran.value))

    async def _judge_words(self, command: JudgeWords) -> None:
        if self._planner.reader is None:
            return self._take(EngineFailed("words", command.bet))
        ran = await self._result("words", command.bet, self._planner.reader.read(command.text, Priority.BET, command.bet))
        if ran is not None:
            over = 1 / (1 + math.exp(-ran.value.over))
            self.spans.append(Span("turn", ran.queued_ns, ran.ended_ns, f"words P={over:.2f}", ran.started_ns))
            self._take(WordsVerdict(command.bet, over))
        return None

    async def _result(self, engine: Literal["asr", "turn", "words"], bet: int, job: Awaitable[Value]) -> Value | None:
        """What the job comes to; None when it came to nothing, which the machine has been told."""
        try:
            return await job
        except JobDroppedError:
            pass
        except Exception:
            log.exception("engine_failed", engine=engine, call=self._call, bet=bet)
        self._take(EngineFailed(engine, bet))
        return None

    def _before(self, start: int) -> int:
        """Where to begin with what the caller said from `start` on: a little before it, but not with the end of what was answered already."""
        return max(0, start - self._rate_hz * PREROLL_MS // 1000, min(self.answered, start))
