"""A call's trace as OpenTelemetry spans: data in, data out, after the fact. Times come from the trace, ids from the CallSid.

One trace a call (`pipeline.trace.trace_id_of`): the call, under it its turns, under them stages and bets. Attributes carry numbers and names;
what was said is in them only with `words`.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, TraceFlags

from pipeline.trace import MS, BetTrace, CallTrace, Span, TurnTrace, trace_id_of

_SCOPE = InstrumentationScope("firstword")
# The stage that judges whether a turn is over is called as the turn is.
_NAMES = {"turn": "end of turn"}
Attributes = dict[str, str | bool | int | float]


@dataclass(frozen=True, slots=True)
class SpanMaker:
    """`epoch_ns`: nanoseconds of Unix time at monotonic zero. `words`: what was said becomes attributes too."""

    resource: Resource
    epoch_ns: int
    words: bool = False

    def call(self, trace: CallTrace) -> ReadableSpan:
        """The root: a call that is over."""
        counts: Attributes = {f"firstword.count.{name}": count for name, count in trace.counters.items()}
        attributes: Attributes = {
            "firstword.call": trace.call,
            "firstword.bot": trace.bot,
            "firstword.end_reason": trace.end_reason,
            "firstword.turns": len(trace.turns),
            **counts,
        }
        return self._span("call", root_of(trace.call), None, trace.started_ns, trace.ended_ns, attributes)

    def turn(self, call: str, turn: TurnTrace) -> list[ReadableSpan]:
        """One turn that is over, its stages and bets. The bet that was won holds the stages that it began."""
        context = _under(root_of(call))
        own = {id(span) for bet in turn.bets for span in bet.spans}
        made: list[ReadableSpan] = []
        for bet in turn.bets:
            under = _under(context)
            made += [self._bet(bet, turn, under, context), *self._stages(bet.spans, under, turn)]
        made += self._stages((span for span in turn.spans if id(span) not in own), context, turn)
        heard_ns = turn.first_heard_ns or turn.first_audio_ns
        if heard_ns:
            made.append(self._span("playout", _under(context), context, heard_ns, turn.last_heard_ns or turn.last_audio_ns))
        times = [t for span in made for t in (span.start_time, span.end_time) if t is not None]
        times.append(turn.speech_end_ns + self.epoch_ns)
        whole = self._span(
            "turn",
            context,
            root_of(call),
            min(times) - self.epoch_ns,
            max(times) - self.epoch_ns,
            {"firstword.call": call, **self._about(turn)},
            self._moments(turn),
        )
        return [whole, *made]

    def _about(self, turn: TurnTrace) -> Attributes:
        found: Attributes = {
            "firstword.turn": turn.turn_id,
            "firstword.outcome": turn.outcome,
            "firstword.prefilled_tokens": turn.prefilled_tokens,
            "firstword.awaited_tokens": turn.awaited_tokens,
            "firstword.rolled_back_tokens": turn.rolled_back_tokens,
            "firstword.bets": len(turn.bets),
        }
        if (first_ms := turn.first_word_ms) is not None:
            found["firstword.first_word_ms"] = round(first_ms, 1)
        if (end_ms := turn.end_to_end_ms) is not None:
            found["firstword.end_to_end_ms"] = round(end_ms, 1)
        if turn.complete:
            found["firstword.complete"] = turn.complete
        if turn.tokens_per_second:
            found["firstword.tokens_per_second"] = round(turn.tokens_per_second, 1)
        if self.words:
            found |= {"firstword.caller": turn.caller, "firstword.reply": turn.reply, "firstword.heard": turn.heard}
        return found

    def _moments(self, turn: TurnTrace) -> Iterator[Event]:
        named = {
            "caller silent": turn.speech_end_ns,
            "turn over": turn.committed_ns,
            "first phrase to the leg": turn.first_audio_ns,
            "first word heard": turn.first_heard_ns,
            "last word heard": turn.last_heard_ns,
        }
        for name, at_ns in named.items():
            if at_ns:
                yield Event(name, timestamp=at_ns + self.epoch_ns)
        for barge_in in turn.barge_ins:
            about: Attributes = {"firstword.outcome": barge_in.outcome}
            if barge_in.silenced_ns:
                about["firstword.barge_in_ms"] = round((barge_in.silenced_ns - barge_in.start_ns) / MS, 1)
            yield Event("barge-in", about, barge_in.start_ns + self.epoch_ns)

    def _bet(self, bet: BetTrace, turn: TurnTrace, context: SpanContext, parent: SpanContext) -> ReadableSpan:
        about: Attributes = {"firstword.turn": turn.turn_id, "firstword.bet": bet.number, "firstword.outcome": bet.outcome}
        events = [] if bet.outcome == "won" else [Event("rollback", about, bet.end_ns + self.epoch_ns)]
        start_ns = min([bet.start_ns, *(span.start_ns for span in bet.spans)])
        end_ns = max([bet.end_ns, *(span.end_ns for span in bet.spans)])
        return self._span("bet", context, parent, start_ns, end_ns, about, events)

    def _stages(self, spans: Iterable[Span], parent: SpanContext, turn: TurnTrace) -> Iterator[ReadableSpan]:
        for span in spans:
            about: Attributes = {"firstword.turn": turn.turn_id}
            events: list[Event] = []
            if span.note:
                about["firstword.note"] = span.note
            if span.audio_ms:
                about["firstword.audio_ms"] = round(span.audio_ms, 1)
            if span.began_ns:
                about["firstword.waited_ms"] = round((span.began_ns - span.start_ns) / MS, 1)
                events.append(Event("core free", timestamp=span.began_ns + self.epoch_ns))
            if span.name == "llm" and turn.rolled_back_tokens:
                events.append(Event("kv rollback", {"firstword.tokens": turn.rolled_back_tokens}, span.start_ns + self.epoch_ns))
            yield self._span(_NAMES.get(span.name, span.name), _under(parent), parent, span.start_ns, span.end_ns, about, events)

    def _span(
        self,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        start_ns: int,
        end_ns: int,
        attributes: Attributes | None = None,
        events: Iterable[Event] = (),
    ) -> ReadableSpan:
        return ReadableSpan(
            name,
            context,
            parent,
            self.resource,
            attributes or {},
            tuple(events),
            start_time=start_ns + self.epoch_ns,
            end_time=max(start_ns, end_ns) + self.epoch_ns,
            instrumentation_scope=_SCOPE,
        )


def root_of(call: str) -> SpanContext:
    """The call's own span: turns name it as their parent while it is not over yet."""
    trace_id = int(trace_id_of(call), 16)
    return SpanContext(trace_id, (trace_id & (2**64 - 1)) or 1, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _under(parent: SpanContext) -> SpanContext:
    span_id = random.getrandbits(64) or 1
    return SpanContext(parent.trace_id, span_id, is_remote=False, trace_flags=parent.trace_flags)
