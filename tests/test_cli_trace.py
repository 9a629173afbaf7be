"""`firstword trace`: from a running gateway and from files, and what it says to what is no call."""

from __future__ import annotations

import asyncio
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from gateway_bench import Desk, gateway, run
from test_gantt import turn
from typer.testing import CliRunner, Result

from pipeline.trace import MS, CallTrace, TurnTrace
from telephony.cli import app

CALL = {"version": 1, "call_sid": "CA7", "turns": [turn(), turn(turn_id=4, caller="And on Sunday?")]}


def trace(*words: str) -> Result:
    return CliRunner().invoke(app, ["trace", *words])


def written(folder: Path, data: Any, name: str = "one.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(data))
    return path


def test_a_calls_file_is_drawn_in_the_terminal_and_as_svg(tmp_path: Path) -> None:
    done = trace(str(written(tmp_path, CALL)), "--out", str(tmp_path / "pictures"))
    assert done.exit_code == 0, done.output
    assert "How much is it?" in done.output
    assert "And on Sunday?" in done.output
    assert "█" in done.output
    picture = ET.parse(tmp_path / "pictures" / "CA7.svg").getroot()
    assert len(picture.findall("{http://www.w3.org/2000/svg}svg")) == 2


def test_one_turn_of_a_saved_call_and_of_a_recording_that_was_cut(tmp_path: Path) -> None:
    saved = written(tmp_path, {"version": 1, "worst_tick_ms": 3.0, "turns": [], "trace": CALL})
    written(tmp_path, {"version": 1, "call_sid": "CA7", "state": "open"}, "recording.json")
    (tmp_path / "turns.jsonl").write_text("".join(json.dumps(one) + "\n" for one in CALL["turns"]) + '{"turn_id": 5, "cal')
    for what in (saved, tmp_path):
        done = trace(str(what), "--turn", "4", "--out", str(tmp_path))
        assert done.exit_code == 0, done.output
        assert "And on Sunday?" in done.output
        assert "How much is it?" not in done.output


def test_a_call_of_a_running_gateway(tmp_path: Path) -> None:
    """Its trace, as `GET /calls/{sid}` has it, is enough for the picture."""

    async def test() -> None:
        desk = Desk()
        call = CallTrace("CA1", "test", 0, 9000 * MS)
        one = TurnTrace(1, 1000 * MS, caller="When?", reply="Now.", outcome="answered", committed_ns=1200 * MS)
        one.first_audio_ns, one.first_heard_ns, one.last_heard_ns = 1290 * MS, 1300 * MS, 2000 * MS
        one.span("asr", 1000 * MS, 1190 * MS, "final")
        call.turns.append(one)
        desk.calls.begin(call)
        async with gateway(desk) as running:
            url = f"http://127.0.0.1:{running.port}"
            done = await asyncio.to_thread(trace, "CA1", "--url", url, "--out", str(tmp_path))
            assert done.exit_code == 0, done.output
            assert "first word 300" in done.output
            unknown = await asyncio.to_thread(trace, "CA2", "--url", url, "--out", str(tmp_path))
            assert (unknown.exit_code, "knows no call CA2" in unknown.output) == (2, True)

    run(test)
    assert (tmp_path / "CA1.svg").exists()


@pytest.mark.parametrize(
    ("data", "words", "expected"),
    [
        ({**CALL, "version": 2}, (), "has version 2; this is for version 1"),
        ({"version": 1, "turns": []}, (), "holds no call's trace"),
        ([1], (), "holds no call's trace"),
        ({"worst_tick_ms": 1.0, "trace": None}, (), "holds no call's trace"),
        ({**CALL, "turns": []}, (), "the call has no turns yet"),
        (CALL, ("--turn", "9"), "there is no turn 9, but 3, 4"),
    ],
    ids=["version", "no call", "no object", "no trace", "no turns", "no such turn"],
)
def test_what_can_not_be_drawn_is_said(tmp_path: Path, data: Any, words: tuple[str, ...], expected: str) -> None:
    done = trace(str(written(tmp_path, data)), "--out", str(tmp_path), *words)
    assert done.exit_code == 2
    assert expected in " ".join(done.output.split())


def test_no_json_and_no_gateway(tmp_path: Path) -> None:
    (tmp_path / "no.json").write_text("{")
    assert "is no JSON" in trace(str(tmp_path / "no.json")).output
    assert trace("CA1", "--url", "http://127.0.0.1:9", "--out", str(tmp_path)).exit_code == 2
