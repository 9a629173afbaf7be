"""Traces to an OpenTelemetry collector, off the hot path: a turn that is over becomes spans, a thread sends them in batches.

Off unless a collector is named, by `[tracing] endpoint` or OpenTelemetry's own variables (`OTEL_EXPORTER_OTLP_ENDPOINT`, …). The queue is bounded:
when the collector is slow or gone spans are dropped, never waited for.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

import structlog
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from config.tracing import TracingSettings
from pipeline.trace import CallTrace, TurnTrace
from telephony.metrics import Metrics
from telephony.spans import SpanMaker

log = structlog.get_logger(__name__)

SERVICE = "firstword"
TIMEOUT_S = 2.0  # of one batch: at the end of the process nobody waits longer than for two of them
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_TIMEOUTS = ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT")


class Tracing:
    """Where finished turns and calls go. Without an exporter it does nothing."""

    def __init__(self, settings: TracingSettings, metrics: Metrics, exporter: SpanExporter | None, *, words: bool = False) -> None:
        self._metrics = metrics
        self._words = words
        self._resource = Resource.get_empty()
        self._processor: BatchSpanProcessor | None = None
        if exporter is not None:
            self._resource = _resource()
            batch = min(512, settings.queue)
            self._processor = BatchSpanProcessor(_Counted(exporter, metrics), settings.queue, settings.delay_ms, batch)

    @property
    def on(self) -> bool:
        """Whether anything is exported."""
        return self._processor is not None

    def turn_over(self, call: str, turn: TurnTrace) -> None:
        """A turn is over, and so nobody waits for it any more."""
        if self._processor is not None:
            self._give(self._maker().turn(call, turn))

    def call_over(self, call: CallTrace) -> None:
        """A call is over: the root of its turns."""
        if self._processor is not None:
            self._give([self._maker().call(call)])

    def close(self) -> None:
        """Send what is left. Blocks for some seconds when the collector does not answer: call it in a thread."""
        if self._processor is not None:
            self._processor.shutdown()  # type: ignore[no-untyped-call]

    def _maker(self) -> SpanMaker:
        return SpanMaker(self._resource, time.time_ns() - time.monotonic_ns(), self._words)

    def _give(self, spans: list[ReadableSpan]) -> None:
        assert self._processor is not None
        self._metrics.count_spans("made", len(spans))
        for span in spans:
            self._processor.on_end(span)


class _Counted(SpanExporter):
    """Counts what arrived and what did not; what was made and is neither was dropped from the queue."""

    def __init__(self, exporter: SpanExporter, metrics: Metrics) -> None:
        self._exporter = exporter
        self._metrics = metrics

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """See `SpanExporter`; runs in the processor's thread."""
        try:
            result = self._exporter.export(spans)
        except Exception:
            self._metrics.count_spans("failed", len(spans))
            raise
        self._metrics.count_spans("exported" if result is SpanExportResult.SUCCESS else "failed", len(spans))
        return result

    def shutdown(self) -> None:
        """See `SpanExporter`."""
        self._exporter.shutdown()


def open_tracing(settings: TracingSettings, metrics: Metrics, *, words: bool = False) -> Tracing:
    """By the settings and OpenTelemetry's variables (OTEL_SDK_DISABLED among them); the settings' endpoint goes first."""
    named = settings.endpoint or next((os.environ[name] for name in _ENDPOINTS if os.environ.get(name)), None)
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if not settings.enabled or disabled or named is None:
        return Tracing(settings, metrics, None, words=words)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    timeout_s = None if any(os.environ.get(name) for name in _TIMEOUTS) else TIMEOUT_S
    endpoint = f"{settings.endpoint}/v1/traces" if settings.endpoint else None
    log.info("tracing", endpoint=named)
    return Tracing(settings, metrics, OTLPSpanExporter(endpoint, timeout=timeout_s), words=words)


def _resource() -> Resource:
    """Whoever we are told to be, else firstword."""
    found = Resource.create()
    unnamed = str(found.attributes.get(SERVICE_NAME, "")).startswith("unknown_service")
    return found.merge(Resource({SERVICE_NAME: SERVICE})) if unnamed else found
