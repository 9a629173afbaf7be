"""`firstword profile`: every stage with its real model (`loop`: tests/test_real_call.py), and the pure parts on made-up events."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from telephony.cli import app
from telephony.profiling import outside
from telephony.profiling.onnx import after_first_run, model_runs, operators
from telephony.profiling.profile import Profile, Row, Span, Table, events_of, rows_of, self_times, with_rest


def profiled(*words: str) -> Result:
    return CliRunner().invoke(app, ["profile", *words], env={"COLUMNS": "120"})


def shares(text: str) -> dict[str, float]:
    """The rows of all tables: name and share in percent."""
    found = re.findall(r"^│ (.+?) +│ +\d+ │ +[\d.]+ │ +([\d.]+)% │$", text, re.MULTILINE)
    return {name: float(share) for name, share in found}


def trace_of(folder: Path, stage: str) -> dict[str, Any]:
    """The Chrome trace: every event has what chrome://tracing needs of it."""
    trace: dict[str, Any] = json.loads((folder / f"{stage}.trace.json").read_text())
    assert trace["otherData"]["stage"] == stage
    for event in trace["traceEvents"]:
        assert {"ph", "name", "pid", "tid"} <= event.keys()
        assert event["ph"] in "XBEM"
        assert event["ph"] == "M" or "ts" in event
        assert event["ph"] != "X" or event["dur"] >= 0
    return trace


# the real models


@pytest.mark.models
@pytest.mark.parametrize(("stage", "operator"), [("vad", "LSTM"), ("turn", "MatMul"), ("tts", "Conv")])
def test_the_operators_of_an_onnx_model(stage: str, operator: str, tmp_path: Path) -> None:
    result = profiled("--stage", stage, "--out", str(tmp_path), "--seconds", "0.1")
    assert result.exit_code == 0, result.output
    found = shares(result.stdout)
    assert any(operator in name for name in found), result.stdout
    assert found["the model"] + found["around it: features, text, resampling"] == pytest.approx(100, abs=1)
    of_model = sum(share for name, share in found.items() if name not in ("the model", "around it: features, text, resampling"))
    assert of_model == pytest.approx(100, abs=2), "nothing is counted twice"
    kernels = [e for e in trace_of(tmp_path, stage)["traceEvents"] if operator in e.get("args", {}).get("op_name", "")]
    assert kernels


@pytest.mark.models
def test_the_parts_of_whisper_and_the_python_around_it(tmp_path: Path) -> None:
    result = profiled("--stage", "asr", "--out", str(tmp_path), "--seconds", "0.3")
    assert result.exit_code == 0, result.output
    found = shares(result.stdout)
    assert found["encoder"] > found["mel spectrogram"]
    assert found["decoder"] > 1
    assert any("WhisperEngine" in name for name in found), "what py-spy saw"
    events = trace_of(tmp_path, "asr")["traceEvents"]
    assert {"encoder", "decoder", "mel spectrogram", "WhisperEngine._encode"} <= {event["name"] for event in events}


@pytest.mark.models
def test_the_language_model_by_its_own_counters(tmp_path: Path) -> None:
    result = profiled("--stage", "llm", "--out", str(tmp_path), "--seconds", "0")
    assert result.exit_code == 0, result.output
    found = shares(result.stdout)
    counted = {name: share for name, share in found.items() if "rows/s" in name or "tokens/s" in name}
    assert len(counted) == 2
    assert sum(counted.values()) == pytest.approx(100, abs=1)
    # Two clocks on the same steps: llama.cpp's own and ours.
    ours = found["llama_decode, several rows"] / (found["llama_decode, several rows"] + found["llama_decode, one row"])
    theirs = next(share for name, share in counted.items() if "rows/s" in name) / 100
    assert ours == pytest.approx(theirs, abs=0.15)
    steps = [event for event in trace_of(tmp_path, "llm")["traceEvents"] if event["name"] == "llama_decode, one row"]
    assert len(steps) >= 2


# what is missing is said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--stage", "vad", "--tool", "nsys"), "nsys is not installed"),
        (("--stage", "vad", "--tool", "torch"), "pip install torch"),
        (("--stage", "loop", "--tool", "torch"), "--tool own"),
        (("--stage", "loop", "--fixture", "nobody"), "no recorded call 'nobody'"),
        (("--stage", "loop", "--url", "http://127.0.0.1:9"), "listens on port 9"),
    ],
    ids=["nsys", "torch", "no operators", "fixture", "server"],
)
def test_what_is_missing_is_said(words: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(outside.importlib.util, "find_spec", lambda _name: None)
    result = profiled(*words, "--out", str(tmp_path))
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())


def test_an_engine_that_has_no_onnx_model_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTWORD_VAD__ENGINE", "webrtc")
    result = profiled("--stage", "vad", "--out", str(tmp_path))
    assert result.exit_code == 2
    assert "FIRSTWORD_VAD__ENGINE=silero" in " ".join(result.output.split())


def test_nsys_is_given_the_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub = tmp_path / "nsys"
    stub.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/words\n')
    stub.chmod(stub.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    result = profiled("--stage", "llm", "--tool", "nsys", "--out", str(tmp_path / "out"), "--seconds", "2", "--profile", "lite")
    assert result.exit_code == 0, result.output
    words = (tmp_path / "words").read_text().splitlines()
    assert words[:3] == ["profile", "--trace", "cuda,nvtx,osrt"]
    assert words[words.index("--output") + 1] == str(tmp_path / "out" / "llm")
    inner = words[words.index("telephony.cli") + 1 :]
    assert inner == [
        "profile",
        "--stage",
        "llm",
        "--out",
        str(tmp_path / "out"),
        "--seconds",
        "2.0",
        "--fixture",
        "default",
        "--profile",
        "lite",
    ]


# pure parts


def kernel(kind: str, ts: float, dur: float, pid: int = 1) -> dict[str, Any]:
    return {"ph": "X", "name": f"{kind}_1_kernel_time", "ts": ts, "dur": dur, "pid": pid, "tid": 1, "args": {"op_name": kind}}


def model_run(ts: float, dur: float) -> dict[str, Any]:
    return {"ph": "X", "name": "model_run", "ts": ts, "dur": dur, "pid": 1, "tid": 1}


def test_an_operator_inside_another_is_its_own_time() -> None:
    events = [
        kernel("If", 0, 10_000),
        kernel("Conv", 1000, 4000),
        kernel("If", 5500, 2000),
        kernel("Add", 6000, 1000),
        kernel("Add", 11_000, 500),
    ]
    assert sorted(operators(events), key=lambda row: row.name) == [Row("Add", 2, 1.5), Row("Conv", 1, 4.0), Row("If", 2, 5.0)]


def test_operators_of_two_models_are_not_inside_each_other() -> None:
    assert sum(row.ms for row in operators([kernel("Conv", 0, 1000), kernel("Conv", 0, 1000, pid=2)])) == 2.0


def test_the_first_run_and_what_comes_before_are_left_out() -> None:
    events = [
        model_run(100, 50),
        kernel("Conv", 110, 30),
        {"ph": "M", "name": "process_name", "pid": 1, "tid": 0},
        model_run(200, 20),
        kernel("Conv", 205, 10),
    ]
    kept = after_first_run(events)
    assert model_runs(kept) == (1, 0.02)
    assert operators(kept) == [Row("Conv", 1, 0.01)]
    assert after_first_run([kernel("Conv", 0, 1)]) == []


def enter(name: str, ts: int, ph: str = "B", tid: int = 1) -> dict[str, Any]:
    return {"ph": ph, "name": name, "ts": ts, "tid": tid, "pid": 1, "args": {"filename": f"/home/x/{name}.py"}}


def test_a_functions_own_time_is_without_what_it_calls() -> None:
    events = [
        enter("outer", 0),
        enter("inner", 2000),
        enter("inner", 5000, "E"),
        enter("inner", 6000),
        enter("inner", 6500, "E"),
        enter("outer", 9000, "E"),
    ]
    others = [enter("other", 100, tid=2), enter("other", 300, "E", tid=2)]
    found = self_times(sorted([*events, *others], key=lambda event: event["ts"]))
    assert found == {1: {"outer  x/outer.py": (1, 5.5), "inner  x/inner.py": (2, 3.5)}, 2: {"other  x/other.py": (1, 0.2)}}


def test_a_table_shows_the_biggest_and_the_rest_as_one() -> None:
    table = Table("t", (Row("a", 1, 10.0), Row("b", 2, 60.0), Row("c", 3, 20.0), Row("d", 4, 10.0)), 100.0)
    assert table.top(2) == [(Row("b", 2, 60.0), 0.6), (Row("c", 3, 20.0), 0.2), (Row("2 others", 5, 20.0), 0.2)]
    assert Table("none", (), 0.0).top() == []
    assert with_rest("t", [Row("a", 1, 10.0)], 15.0, "else").rows[-1] == Row("else", 1, 5.0)


def test_spans_as_rows_and_as_events() -> None:
    spans = [Span("a", 1_000_000, 3_000_000), Span("b", 3_000_000, 4_000_000), Span("a", 5_000_000, 6_000_000)]
    assert rows_of(spans) == (Row("a", 2, 3.0), Row("b", 1, 1.0))
    events = events_of(spans, 1_000_000, process="engine", pid=7)
    assert [(e["name"], e["ts"], e["dur"]) for e in events if e["ph"] == "X"] == [
        ("a", 0.0, 2000.0),
        ("b", 2000.0, 1000.0),
        ("a", 4000.0, 1000.0),
    ]
    trace = Profile("llm", [Table("t", rows_of(spans), 4.0)], events, ["note"]).trace()
    assert trace["otherData"] == {"stage": "llm", "notes": ["note"], "t": {"a": "3.0 ms, 75.0%", "b": "1.0 ms, 25.0%"}}
