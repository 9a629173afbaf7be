"""Spans on their way to a collector: a real OTLP receiver on loopback, one that is gone, and what a finished turn costs the event loop."""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from otlp_receiver import receiving
from test_spans import turn

from config.tracing import TracingSettings
from pipeline.trace import MS, CallTrace, trace_id_of
from telephony.metrics import Metrics
from telephony.tracing import Tracing, open_tracing

SOON = TracingSettings(delay_ms=10)
CALL = CallTrace("CA1", "Spoke and Chain", 1000 * MS, 9000 * MS, "hung_up")
SPANS = 9
"""Of the turn in test_spans.py."""


@pytest.fixture(autouse=True)
def _no_collector_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_SDK_DISABLED", "OTEL_SERVICE_NAME"):
        monkeypatch.delenv(name, raising=False)


def counted(metrics: Metrics, outcome: str) -> float:
    return metrics.registry.get_sample_value("firstword_spans_total", {"outcome": outcome}) or 0.0


def test_a_turn_and_its_call_reach_an_exporter() -> None:
    metrics, exporter = Metrics(), InMemorySpanExporter()
    tracing = Tracing(SOON, metrics, exporter)
    assert tracing.on
    tracing.turn_over("CA1", turn())
    tracing.call_over(CALL)
    tracing.close()
    found = exporter.get_finished_spans()
    assert sorted(span.name for span in found) == sorted("call turn bet bet vad vad asr llm tts playout".split())
    now_ns = time.time_ns()
    made_ns = {span.name: span.end_time for span in found}["turn"]
    assert abs(now_ns - time.monotonic_ns() + turn().last_heard_ns - made_ns) < 50 * MS, "Unix time"
    assert (counted(metrics, "made"), counted(metrics, "exported"), counted(metrics, "failed")) == (SPANS + 1, SPANS + 1, 0)


@pytest.mark.parametrize("by_variable", [False, True], ids=["by the settings", "by OpenTelemetry's variable"])
def test_a_real_collector_gets_them_over_http(monkeypatch: pytest.MonkeyPatch, by_variable: bool) -> None:
    with receiving() as receiver:
        if by_variable:
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
            monkeypatch.setenv("OTEL_SERVICE_NAME", "line two")
        settings = SOON if by_variable else TracingSettings(endpoint=receiver.url, delay_ms=10)
        tracing = open_tracing(settings, Metrics())
        tracing.turn_over("CA1", turn())
        spans = receiver.wait_for(SPANS)
        tracing.close()
    assert {span.trace_id.hex() for span in spans} == {trace_id_of("CA1")}
    (root,) = [span for span in spans if span.name == "turn"]
    assert {event.name for event in root.events} >= {"first word heard", "barge-in"}
    lost, won = [span for span in spans if span.name == "bet"]
    assert [event.name for event in lost.events] == ["rollback"]
    assert lost.parent_span_id == won.parent_span_id == root.span_id
    (asr,) = [span for span in spans if span.name == "asr"]
    assert asr.parent_span_id == won.span_id
    assert asr.end_time_unix_nano - asr.start_time_unix_nano == 260 * MS
    assert receiver.resources[0]["service.name"] == ("line two" if by_variable else "firstword")


@pytest.mark.parametrize("how", ["nowhere to", "switched off", "switched off by OpenTelemetry's variable"])
def test_off(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    settings = TracingSettings() if how == "nowhere to" else TracingSettings(endpoint="http://127.0.0.1:9")
    if how == "switched off":
        settings = TracingSettings(endpoint="http://127.0.0.1:9", enabled=False)
    elif how != "nowhere to":
        monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    metrics = Metrics()
    tracing = open_tracing(settings, metrics)
    tracing.turn_over("CA1", turn())
    tracing.call_over(CALL)
    tracing.close()
    assert not tracing.on
    assert counted(metrics, "made") == 0


def test_a_collector_that_refuses_costs_counted_spans_and_nothing_else() -> None:
    with receiving() as receiver:
        receiver.status = 400
        metrics = Metrics()
        tracing = open_tracing(TracingSettings(endpoint=receiver.url, delay_ms=10), metrics)
        tracing.turn_over("CA1", turn())
        tracing.close()
    assert (counted(metrics, "failed"), counted(metrics, "exported")) == (SPANS, 0)


class Stuck(InMemorySpanExporter):
    """A collector that answers only when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.let = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        assert self.let.wait(20)
        return super().export(spans)


def test_the_queue_is_bounded_and_nobody_waits_for_a_collector() -> None:
    metrics, exporter = Metrics(), Stuck()
    tracing = Tracing(TracingSettings(queue=16, delay_ms=10), metrics, exporter)
    for _ in range(50):
        tracing.turn_over("CA1", turn())
    exporter.let.set()
    tracing.close()
    assert counted(metrics, "made") == 50 * SPANS
    assert counted(metrics, "exported") == len(exporter.get_finished_spans()) <= 2 * 16  # on their way, and in the queue


def test_a_finished_turn_costs_the_event_loop_little() -> None:
    """CPU time, so that other processes do not count; a tenth of what tracing may cost the median of the first word."""
    tracing = Tracing(TracingSettings(delay_ms=3_600_000), Metrics(), InMemorySpanExporter())
    trace, took_ms = turn(), []
    for _ in range(200):
        before_ns = time.thread_time_ns()
        tracing.turn_over("CA1", trace)
        took_ms.append((time.thread_time_ns() - before_ns) / MS)
    tracing.close()
    assert statistics.median(took_ms) < 2.5


def test_the_event_loop_is_no_later_for_it() -> None:
    """Ten finished turns a second to a real collector: the median lateness of a 2 ms timer moves by far less than 5 ms."""
    with receiving() as receiver:
        tracing = open_tracing(TracingSettings(endpoint=receiver.url, delay_ms=50), Metrics())
        late_ms: dict[bool, list[float]] = {False: [], True: []}

        async def tick(*, traced: bool) -> None:
            for index in range(300):
                before = time.monotonic()
                await asyncio.sleep(0.002)
                late_ms[traced].append((time.monotonic() - before) * 1000 - 2)
                if traced and index % 40 == 0:
                    tracing.turn_over("CA1", turn())

        for traced in (False, True, False, True):  # in turns, so that a busy minute is shared
            asyncio.run(tick(traced=traced))
        tracing.close()
    assert len(receiver.spans) == 16 * SPANS
    assert statistics.median(late_ms[True]) - statistics.median(late_ms[False]) < 5
