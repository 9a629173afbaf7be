"""The log of whole calls, engines that break among them: who called and which turn, but not a word of what was said unless asked for."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import structlog
from gateway_bench import Desk, gateway, run, stop
from test_call import FACTS, GREETING, WORDS

from pipeline.leg import Started
from pipeline.trace import trace_id_of

TESTS = Path(__file__).parent


def logged(how: str) -> list[dict[str, Any]]:
    """Every line of the calls in logged_calls.py."""
    done = subprocess.run(
        [sys.executable, str(TESTS / "logged_calls.py"), how],
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return [json.loads(line) for line in done.stderr.splitlines()]


@pytest.fixture(scope="module")
def lines() -> list[dict[str, Any]]:
    return logged("default")


SAID = [*WORDS.values(), *FACTS.replace("\n", " ").split(". "), GREETING]


def test_no_line_has_a_word_that_was_said(lines: list[dict[str, Any]]) -> None:
    assert {line["event"] for line in lines} >= {"turn", "engine_failed"}
    everything = json.dumps(lines).lower()
    assert [text for text in SAID if text.lower() in everything] == []
    assert not any(word in everything for word in ("service", "sunday", "pounds", "bikes"))


def test_they_are_there_when_they_are_asked_for() -> None:
    lines = logged("words")
    everything = json.dumps(lines).lower()
    assert "how much is a full service?" in everything
    assert any("can't take" in line.get("exception", "") for line in lines)


def test_a_failure_still_says_where_and_what_kind(lines: list[dict[str, Any]]) -> None:
    failed = [line for line in lines if line["event"] == "engine_failed"]
    assert {line["engine"] for line in failed} >= {"asr", "turn", "words"}
    assert all("logged_calls.py" in line["exception"] and "ValueError" in line["exception"] for line in failed)


def test_each_line_of_a_call_names_it_and_its_turn_or_pause(lines: list[dict[str, Any]]) -> None:
    ours = [line for line in lines if line["event"] != "llm_failed"]
    assert {line.get("call") for line in ours} == {"CA1"}
    assert all("turn" in line or "bet" in line for line in lines)


def test_whatever_a_stream_logs_has_the_call_and_its_trace() -> None:
    async def test() -> None:
        seen: list[dict[str, Any]] = []

        def keep(_logger: Any, _method: str, event: dict[str, Any]) -> str:
            seen.append(dict(event))
            raise structlog.DropEvent

        structlog.configure(processors=[structlog.contextvars.merge_contextvars, keep], cache_logger_on_first_use=False)
        log = structlog.get_logger()
        desk = Desk(react=lambda _leg, event: log.info("in the leg's task", started=isinstance(event, Started)))
        try:
            async with gateway(desk) as running, running.calling("CA9") as ws:
                await desk.started.wait()
                await ws.send(stop())
                await desk.ended.wait()
                await asyncio.sleep(0)
                log.info("elsewhere")
        finally:
            structlog.reset_defaults()
        mine = [line for line in seen if line["event"] == "in the leg's task"]
        assert len(mine) >= 2
        assert {(line["call"], line["trace_id"]) for line in mine} == {("CA9", trace_id_of("CA9"))}
        assert all("call" not in line for line in seen if line["event"] == "elsewhere")

    run(test)
