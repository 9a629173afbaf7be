"""The log of calls keeps what is up, and only so many that were."""

from __future__ import annotations

from pipeline.trace import CallTrace
from telephony.call_log import CallLog


def test_keeps_the_last_and_all_active() -> None:
    calls = CallLog(2)
    traces = [CallTrace(f"CA{i}", "bot", i) for i in range(6)]
    for trace in traces:
        calls.begin(trace)
    for trace in traces[:5]:
        trace.ended_ns = 10
        calls.end(trace.call)
    assert [t.call for t in calls.traces()] == ["CA4", "CA3", "CA5"]
    assert calls.get("CA5") is traces[5]
    assert calls.get("CA0") is None
    calls.end("unknown")
    assert len(calls) == 3


def test_none_kept() -> None:
    calls = CallLog(0)
    trace = CallTrace("CA1", "bot", 1)
    calls.begin(trace)
    assert calls.get("CA1") is trace
    trace.ended_ns = 2
    calls.end("CA1")
    assert len(calls) == 0
