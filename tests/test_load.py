"""Locust, k6 and `firstword capacity` at once against a real gateway that answers after a known time: all three must find that time."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import stalls
from gateway_bench import Desk, gateway, run

from pipeline.audibility import audible
from pipeline.leg import Audio, CallLeg, LegEvent, Segment, Started
from telephony.bench.load import COLUMNS, HEADING, cells, measured, name_of

ROOT = Path(__file__).resolve().parents[1]
TONE = (np.sin(np.arange(8000) * np.pi / 4) * 8000).astype(np.int16)
QUIET_FRAMES = 30
ANSWER_MS = QUIET_FRAMES * 20
"""Longer than any pause inside an utterance."""
GRID_MS = 60
"""Frames on either side, and the way through two sockets."""
SECONDS = 7


def answering() -> Desk:
    """A short greeting, and an answer 600 ms after the caller's last audible frame."""
    quiet: dict[str, int] = {}

    def react(leg: CallLeg, event: LegEvent) -> None:
        if isinstance(event, Started):
            quiet[leg.call] = QUIET_FRAMES
            leg.play(Segment(0, 1600, leg.encode(TONE[:1600])))
        elif isinstance(event, Audio):
            quiet[leg.call] = 0 if audible(event.pcm) else quiet[leg.call] + 1
            if quiet[leg.call] == QUIET_FRAMES:
                leg.play(Segment(1, 1600, leg.encode(TONE[:1600])))

    return Desk(react)


async def program(*words: str) -> str:
    """What it prints; it must end well."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    text, _ = await process.communicate()
    assert process.returncode == 0, text.decode()
    return text.decode()


def test_three_programs_measure_the_same_first_word(tmp_path: Path) -> None:
    said: dict[str, str] = {}
    stalled_ms: list[float] = []

    async def test() -> None:
        async with gateway(answering()) as g, stalls.watched() as stalled, asyncio.TaskGroup() as group:
            where = ["--url", f"http://127.0.0.1:{g.port}"]
            load = ["tests/load/run.py", *where, "--calls", "2", "--minutes", str(SECONDS / 60), "--out"]
            step = ["--max", "1", "--minutes-per-step", str(SECONDS / 60), "--turns-per-step", "0"]
            running = {
                "locust": group.create_task(program(*load, str(tmp_path / "locust"), "--tool", "locust")),
                "k6": group.create_task(program(*load, str(tmp_path / "k6"), "--tool", "k6")),
                "capacity": group.create_task(
                    program("-m", "telephony.cli", "capacity", *where, *step, "--out", str(tmp_path / "docs"))
                ),
            }
            for name, task in running.items():
                said[name] = await task
            stalled_ms.append(stalled.ms)

    run(test, timeout_s=60)
    for tool in ("locust", "k6"):
        (found,) = json.loads((tmp_path / tool / "load.json").read_text())["runs"].values()
        assert (found["tool"], found["callers"], found["refused"], found["unanswered"]) == (tool, 2, 0, 0)
        assert found["greeting"]["n"] >= 2
        assert found["first_word"]["n"] >= 2
        for figure in ("p50", "p95", "p99"):
            assert ANSWER_MS - 20 <= found["first_word"][figure] <= ANSWER_MS + GRID_MS + stalled_ms[0], (tool, figure, said[tool])
        assert str(found["first_word"]["p50"]) in said[tool], "the table"
    found = json.loads((tmp_path / "docs" / "capacity.json").read_text())
    assert (found["calls"], found["verdict"]) == (
        1,
        "at least 1 call on this machine at p95 ≤ 1000 ms: more than 1 were not tried",
    )
    assert ANSWER_MS - 20 <= found["steps"][0]["p95"] <= ANSWER_MS + GRID_MS + stalled_ms[0]
    assert found["verdict"] in re.sub(r"\s+", " ", said["capacity"])
    assert found["verdict"] in (tmp_path / "docs" / "capacity.md").read_text()
    assert ET.parse(tmp_path / "docs" / "capacity.svg").getroot().tag.endswith("svg")


def of_tool(tool: str, p50: int) -> dict[str, Any]:
    figures = {"n": 3, "p50": p50, "p95": 600, "p99": 610}
    return {
        "tool": tool,
        "callers": 8,
        "minutes": 5.0,
        "first_word": figures,
        "greeting": {"n": 0},
        "unanswered": 1,
        "refused": 0,
        "worst_tick": 3.5,
        "partials_dropped": 7,
        "environment": {"date": "2026-01-01", "commit": "abc", "machine": "2 cores", "python": "3.11"},
    }


def test_a_run_is_a_row_under_its_columns() -> None:
    row = dict(zip(COLUMNS, cells(of_tool("k6", 550)), strict=True))
    assert row["tool"] == "k6"
    assert row["first word p50"] == "550"
    assert row["greeting p95"] == "–"
    assert row["partials dropped"] == "7"
    assert name_of(of_tool("k6", 550)) == "k6, 8 callers, 5 min"


def test_the_page_keeps_its_words_and_gets_the_newest_table() -> None:
    page = measured(
        "# Load\n\nHow it is done.\n\n## Measured\n\nNot yet.\n", {"a": of_tool("k6", 550), "b": of_tool("locust", 560)}
    )
    again = measured(page, {"a": of_tool("k6", 777)})
    assert page.startswith("# Load\n\nHow it is done.\n\n## Measured\n")
    assert "Not yet" not in page
    assert page.count("\n| k6 |") == page.count("\n| locust |") == 1
    assert "777" in again
    assert "550" not in again
    assert again.count(HEADING) == 1


def test_the_page_of_the_repository_has_the_heading() -> None:
    assert (ROOT / "docs" / "load.md").read_text().count(HEADING) == 1


def test_a_gateway_that_is_not_there_is_said() -> None:
    async def load(tool: str) -> None:
        process = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "tests/load/run.py",
                "--tool",
                tool,
                "--url",
                "http://127.0.0.1:9",
                "--calls",
                "1",
                "--minutes",
                "0.02",
            ),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        text, _ = await process.communicate()
        assert process.returncode == 1
        assert f"│ {tool}" in re.sub(r" +", " ", text.decode())

    async def test() -> None:
        await asyncio.gather(load("locust"), load("k6"))

    run(test, timeout_s=30)
