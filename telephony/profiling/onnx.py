"""onnxruntime's own profiler: operators of the models that run inside `profiled_sessions`."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .profile import Event, Row

_KERNEL = "_kernel_time"
_RUN = "model_run"


@contextmanager
def profiled_sessions() -> Iterator[list[list[Event]]]:
    """Every session made inside has its profiler on, whoever makes it. Filled at the end: one list of events a session.

    A profile begins with its session, so the first run of a model, which allocates, is in it: see `after_first_run`.
    """
    import onnxruntime

    make = onnxruntime.InferenceSession
    sessions: list[Any] = []
    found: list[list[Event]] = []
    with tempfile.TemporaryDirectory() as folder:

        def profiled(path: Any, sess_options: Any = None, *more: Any, **named: Any) -> Any:
            options = onnxruntime.SessionOptions() if sess_options is None else sess_options
            options.enable_profiling = True
            options.profile_file_prefix = str(Path(folder) / f"session{len(sessions)}")
            sessions.append(make(path, options, *more, **named))
            return sessions[-1]

        onnxruntime.InferenceSession = profiled
        try:
            yield found
        finally:
            onnxruntime.InferenceSession = make
            found += [json.loads(Path(session.end_profiling()).read_text()) for session in sessions]


def after_first_run(events: Sequence[Event]) -> list[Event]:
    """What happened after the first whole run of the model: loading and warming up left out."""
    runs = [event for event in events if event.get("name") == _RUN]
    if not runs:
        return []
    first = min(float(run["ts"]) + float(run["dur"]) for run in runs)
    return [event for event in events if event.get("ph") == "X" and float(event["ts"]) >= first]


def model_runs(events: Sequence[Mapping[str, Any]]) -> tuple[int, float]:
    """How often the model ran, and for how many ms in all."""
    runs = [float(event["dur"]) for event in events if event.get("name") == _RUN]
    return len(runs), sum(runs) / 1000


def operators(events: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Time by kind of operator. What runs inside another one (the branches of an `If`) is its own time, not the outer one's."""
    kernels = [e for e in events if e.get("args", {}).get("op_name") and str(e["name"]).endswith(_KERNEL)]
    found: dict[str, tuple[int, float]] = {}
    open_: list[tuple[float, str]] = []  # (end, kind) of the operators that the present one is inside of
    thread = None
    for event in sorted(kernels, key=lambda e: (e["pid"], e["tid"], float(e["ts"]), -float(e["dur"]))):
        if thread != (thread := (event["pid"], event["tid"])):
            open_.clear()
        start, length, kind = float(event["ts"]), float(event["dur"]), event["args"]["op_name"]
        while open_ and open_[-1][0] <= start:
            open_.pop()
        if open_ and start + length <= open_[-1][0]:
            calls, ms = found[open_[-1][1]]
            found[open_[-1][1]] = (calls, ms - length / 1000)
        calls, ms = found.get(kind, (0, 0.0))
        found[kind] = (calls + 1, ms + length / 1000)
        open_.append((start + length, kind))
    return [Row(name, calls, ms) for name, (calls, ms) in found.items()]
