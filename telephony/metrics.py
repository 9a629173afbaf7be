"""What Prometheus sees. Names are the contract's; all durations are milliseconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from pipeline.phrases import one_sentence
from pipeline.trace import MS, TurnTrace

STAGES = ("vad", "turn", "asr", "llm", "tts")

# What each latency may be, in ms. A bucket ends at each of them, so that an alert counts exactly what is over it.
BUDGET_MS = {
    "asr": 300,
    "llm": 400,
    "tts": 300,
    "ttfw": 500,
    "reply_made": 1200,
    "greeting": 300,
    "barge_in": 250,
}
# Narrow where the budgets are, wide beyond.
_STAGE_MS = (1, 2, 5, 10, 20, 35, 50, 75, 100, 150, 200, 250, 300, 350, 400, 500, 750, 1000, 2000, 5000)
_WORD_MS = (50, 100, 150, 200, 250, 300, 350, 400, 450, 500, 550, 600, 700, 800, 900, 1000, 1250, 1500, 2000, 3000, 5000, 10000)
_MADE_MS = (100, 200, 300, 400, 500, 600, 700, 800, 900, 1000, 1100, 1200, 1300, 1500, 2000, 3000, 5000, 10000)
_REPLY_MS = (500, 1000, 1200, 1500, 2000, 2500, 3000, 4000, 5000, 7500, 10000, 15000, 20000, 30000)
_EAR_MS = (25, 50, 75, 100, 125, 150, 175, 200, 225, 250, 300, 350, 400, 500, 750, 1000, 2000)
_LAG_MS = (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_TOKENS_PER_S = (1, 2, 5, 10, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200)
_RTF = (0.005, 0.01, 0.02, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LAG_INTERVAL_S = 0.25


class Metrics:
    """All metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.stages = {
            stage: self._histogram(f"{stage}_latency_ms", f"Time that stage {stage} took, each run of it", _STAGE_MS)
            for stage in STAGES
        }
        self.asr_partial = self._histogram("asr_partial_latency_ms", "Time that a partial transcript took", _STAGE_MS)
        self.ttfw = self._histogram("ttfw_latency_ms", "Caller's last audible sample to the bot's first", _WORD_MS)
        self.e2e = self._histogram("e2e_latency_ms", "Caller's last audible sample to the bot's last: a whole turn", _REPLY_MS)
        self.reply_made = self._histogram(
            "reply_made_latency_ms", "Caller's last audible sample until a one-sentence reply was synthesised", _MADE_MS
        )
        self.greeting = self._histogram("greeting_latency_ms", "Start of the stream to the first audible sample", _EAR_MS)
        self.barge_in = self._histogram("barge_in_latency_ms", "Caller's first audible sample to silence at the ear", _EAR_MS)
        self.tokens_per_second = self._histogram("llm_tokens_per_second", "Tokens decoded a second, one reply", _TOKENS_PER_S)
        self.tts_rtf = self._histogram("tts_rtf", "Time to synthesise over duration, one phrase", _RTF)
        self.event_loop_lag = self._histogram("event_loop_lag_ms", "How late a timer of the event loop fired", _LAG_MS)
        self.active_calls = Gauge("firstword_active_calls", "Calls with a stream that is up", registry=self.registry)
        self.barge_ins = self._counter("barge_ins", "Times that a caller spoke into the bot's words", "outcome")
        self.bets = self._counter("bets", "Work begun before the caller was known to be done", "outcome")
        self.partials_dropped = Counter(
            "firstword_partials_dropped", "Partial transcripts given up for want of CPU", registry=self.registry
        )
        self.refused = self._counter("refused_requests", "Requests and streams turned away", "reason")
        self.ignored = self._counter("ignored_messages", "Stream messages that changed nothing", "reason")
        self.ended = self._counter("calls_ended", "Streams that came to an end", "reason")
        self.spans = self._counter("spans", "Spans of traces: made, and arrived at the collector or not", "outcome")
        for outcome in ("resumed", "cancelled"):  # so that both are there before the first
            self.barge_ins.labels(outcome)
        for outcome in ("won", "lost"):
            self.bets.labels(outcome)
        ProcessCollector(registry=self.registry)

    def watch(self, name: str, text: str, read: Callable[[], float]) -> None:
        """A gauge that is read when somebody looks (`firstword_` is put in front of `name`)."""
        Gauge(f"firstword_{name}", text, registry=self.registry).set_function(read)

    def observe_stage(self, stage: str, duration_ms: float) -> None:
        """One run of a stage. Stages without a metric (`playout`) are passed over."""
        if stage in self.stages:
            self.stages[stage].observe(duration_ms)

    def observe_turn(self, turn: TurnTrace) -> None:
        """A turn that is over: its stages, and what the caller waited for."""
        for span in turn.spans:
            partial = span.name == "asr" and span.note.startswith("partial")
            duration_ms = (span.end_ns - span.start_ns) / MS
            if partial:
                self.asr_partial.observe(duration_ms)
            elif span.note != "unsure":  # the transcript that stands counts
                self.observe_stage(span.name, duration_ms)
            if span.audio_ms and span.began_ns:
                self.tts_rtf.observe((span.end_ns - span.began_ns) / MS / span.audio_ms)
        if turn.tokens_per_second:
            self.tokens_per_second.observe(turn.tokens_per_second)
        first_ms = turn.first_word_ms
        if first_ms is None:
            return
        if turn.outcome == "greeting":
            self.greeting.observe(first_ms)
        elif turn.outcome in ("answered", "interrupted"):
            self.ttfw.observe(first_ms)
            if (end_ms := turn.end_to_end_ms) is not None:
                self.e2e.observe(end_ms)
            if (made_ms := turn.made_ms) is not None and one_sentence(turn.reply):
                self.reply_made.observe(made_ms)

    def observe_barge_in(self, outcome: str, latency_ms: float | None = None) -> None:
        """`outcome`: `resumed` or `cancelled`; the latency until the ear was silent, if it is known."""
        self.barge_ins.labels(outcome).inc()
        if latency_ms is not None:
            self.barge_in.observe(latency_ms)

    def count_bet(self, outcome: str) -> None:
        """`outcome`: `won` or `lost`."""
        self.bets.labels(outcome).inc()

    def count_partial_dropped(self, by: int = 1) -> None:
        """A partial transcript gave way to somebody who is waiting."""
        self.partials_dropped.inc(by)

    def count_refused(self, reason: str) -> None:
        """A request or stream was turned away; `reason` is one of a fixed set."""
        self.refused.labels(reason).inc()

    def count_ignored(self, reason: str) -> None:
        """A stream message changed nothing; `reason` is one of a fixed set."""
        self.ignored.labels(reason).inc()

    def count_spans(self, outcome: str, by: int) -> None:
        """`outcome`: `made`, `exported` or `failed`. From any thread."""
        self.spans.labels(outcome).inc(by)

    async def sample_loop_lag(self, interval_s: float = LAG_INTERVAL_S) -> None:
        """Measure how late the loop is, for ever: run it as a task and cancel it."""
        while True:
            due = time.monotonic() + interval_s
            await asyncio.sleep(interval_s)
            self.event_loop_lag.observe(max(0.0, (time.monotonic() - due) * 1000))

    def exposition(self) -> bytes:
        """The body of `GET /metrics` (`CONTENT_TYPE`)."""
        return generate_latest(self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"firstword_{name}", text, buckets=buckets, registry=self.registry)

    def _counter(self, name: str, text: str, label: str) -> Counter:
        return Counter(f"firstword_{name}", text, [label], registry=self.registry)
