"""Making one reply: from what the caller said to phrases of audio, each as soon as it is ready.

The model's tokens become phrases, phrases are checked against the facts and spoken. What a caller waits for goes first: the first phrase
of a committed turn before everything, of a bet only when nobody waits.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.dialogue import Ask, Plan, Say
from pipeline.jobs import Job, Priority, Work
from pipeline.leg import CallLeg
from pipeline.llm import LlmSession
from pipeline.speaker import PhraseSpeaker, SpokenPhrase, WireFormat
from pipeline.trace import Span, TurnTrace
from pipeline.wording import phrases_of, worded


@dataclass(slots=True)
class Reply:
    """A reply in the making or spoken. `said`: what it answers; `plan`: how."""

    turn_id: int
    said: str
    trace: TurnTrace
    committed: bool
    plan: Plan | None = None
    phrases: list[SpokenPhrase] = field(default_factory=list)
    task: asyncio.Task[None] | None = None
    unparked: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: Job | None = None

    def text(self) -> str:
        """All of it, as far as it is made."""
        return " ".join(p.text.strip() for p in self.phrases)


class ReplyMaker:
    """Makes the replies of one call, one at a time. `phrase_ready(reply, index)` and `complete(reply, hang_up)` are called as it goes."""

    def __init__(
        self,
        leg: CallLeg,
        session: LlmSession,
        speaker: PhraseSpeaker,
        clock: Callable[[], int],
        *,
        max_tokens: int,
        phrase_ready: Callable[[Reply, int], None],
        complete: Callable[[Reply, bool], None],
    ) -> None:
        self._call = leg.call
        self._wire = WireFormat.of(leg)
        self._session = session
        self._speaker = speaker
        self._clock = clock
        self._max_tokens = max_tokens
        self._phrase_ready = phrase_ready
        self._complete = complete

    async def make(self, reply: Reply, plan: Plan, *, speed: float = 1.0) -> None:
        """Make all of `reply`. Cancel the task to stop; nothing is computed after the step that runs."""
        reply.plan = plan
        reply.unparked.set()
        hang_up = False
        match plan:
            case Say():
                hang_up = plan.hang_up
                for text in phrases_of(plan.text):
                    await self._speak(reply, text, speed)
            case Ask():
                await self._ask(reply, plan, speed)
        self._complete(reply, hang_up)

    async def _ask(self, reply: Reply, plan: Ask, speed: float) -> None:
        reply.trace.fact = plan.fact
        for text in phrases_of(plan.lead):
            await self._speak(reply, text, speed)
        asked_ns = self._clock()
        priority = Priority.FIRST_PHRASE if reply.committed else Priority.BET
        phrases = worded(self._session, plan, reply.turn_id, priority=priority, max_tokens=self._max_tokens)
        async with contextlib.aclosing(phrases):
            async for text in phrases:
                if not reply.phrases:
                    reply.trace.span("llm", asked_ns, self._clock(), "first phrase")
                await self._speak(reply, text, speed)
        last = self._session.last
        reply.trace.prefilled_tokens, reply.trace.rolled_back_tokens = last.prefilled, last.rolled_back
        reply.trace.awaited_tokens = last.prefilled - last.bet if last.bet is not None else 0
        reply.trace.tokens_per_second = last.tokens_per_second

    async def _speak(self, reply: Reply, text: str, speed: float) -> None:
        await reply.unparked.wait()
        phrase = self._speaker.ready(text, self._wire, speed)
        if phrase is None:
            first = not reply.phrases
            # Nobody hears the second phrase of a bet before the verdict, which waits for the same cores.
            priority = Priority.BET if not reply.committed else Priority.FIRST_PHRASE if first else Priority.NEXT_PHRASE
            reply.waiting, future = self._speaker.ask(
                text, self._wire.rate_hz, Work("tts", priority, (self._call, reply.turn_id)), speed
            )
            try:
                ran = await future
            finally:
                reply.waiting = None
            audio_ms = len(ran.value.pcm) * 1000 / self._wire.rate_hz
            reply.trace.spans.append(
                Span("tts", ran.queued_ns, ran.ended_ns, "first phrase" if first else "", ran.started_ns, audio_ms)
            )
            phrase = self._speaker.keep(text, ran.value, self._wire, speed)
        if phrase.samples:
            reply.phrases.append(phrase)
            self._phrase_ready(reply, len(reply.phrases) - 1)

    def commit(self, reply: Reply) -> None:
        """Somebody waits for it now."""
        if reply.committed:
            return
        reply.committed = True
        priority = Priority.NEXT_PHRASE if reply.phrases else Priority.FIRST_PHRASE
        self._session.prioritise(priority)
        if reply.waiting is not None:
            self._speaker.reprioritise(reply.waiting, priority)
