"""The traces of the calls that are up, and of the last that were."""

from __future__ import annotations

from collections import OrderedDict

from pipeline.trace import CallTrace

MAX_ACTIVE = 4096  # a trace that nobody ends must not stay for ever


class CallLog:
    """Active calls and the last `kept` ended ones, newest last. A call is told from its CallSid; a repeated one replaces the older."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._traces: OrderedDict[str, CallTrace] = OrderedDict()

    def __len__(self) -> int:
        return len(self._traces)

    def begin(self, trace: CallTrace) -> None:
        """A call is up. The trace is kept as it is and may go on changing."""
        self._traces.pop(trace.call, None)
        self._traces[trace.call] = trace
        self._trim()

    def end(self, call_sid: str) -> None:
        """The call is over: from now on it is one of the `kept`."""
        if call_sid in self._traces:
            self._traces.move_to_end(call_sid)
        self._trim()

    def get(self, call_sid: str) -> CallTrace | None:
        """The call's trace, if it is still known."""
        return self._traces.get(call_sid)

    def traces(self) -> list[CallTrace]:
        """All that is known, newest first."""
        return list(reversed(self._traces.values()))

    def _trim(self) -> None:
        ended = [sid for sid, trace in self._traces.items() if trace.ended_ns]
        for sid in ended[: max(0, len(ended) - self._kept)]:
            del self._traces[sid]
        while len(self._traces) > MAX_ACTIVE + self._kept:
            self._traces.popitem(last=False)
