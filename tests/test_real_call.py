"""The product as it runs: `firstword serve` with its real models, recorded callers over the real WebSocket. Times are for `make bench`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from config.settings import BOTS
from telephony.caller.fixture import load_fixture
from telephony.caller.own_server import own_server
from telephony.caller.place import place_call, place_calls
from telephony.cli import app

pytestmark = pytest.mark.models
MAX_RSS = 2.5 * 2**30


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with own_server(BOTS / "bicycle-workshop.toml", None, tmp_path_factory.mktemp("gateway") / "gateway.log") as url:
        yield url


def test_every_question_is_answered_with_the_right_fact(gateway: str) -> None:
    call = asyncio.run(place_call(gateway, load_fixture("default")))
    assert call.failures == ()
    assert [turn.failures for turn in call.turns] == [()] * 5
    assert call.ended_by == "bot"
    assert call.greeting_ms is not None
    assert call.heard_ms > 0.9 * call.received_ms


def test_after_a_hum_the_reply_is_heard_whole(gateway: str) -> None:
    call = asyncio.run(place_call(gateway, load_fixture("hum")))
    assert call.trace is not None
    assert call.trace["counters"].get("barge_in_resumed", 0) >= 2
    resumed = [turn for turn in call.trace["turns"] if turn["outcome"] == "answered" and turn["reply"]]
    assert all(turn["heard"] == turn["reply"] for turn in resumed)


def test_what_interrupts_is_answered(gateway: str) -> None:
    call = asyncio.run(place_call(gateway, load_fixture("interrupt")))
    assert call.passed, [turn.failures for turn in call.turns]
    assert call.trace is not None
    assert call.trace["counters"]["barge_in_cancelled"] >= 2
    cut = [turn for turn in call.trace["turns"] if turn["outcome"] == "interrupted"]
    assert all(len(turn["heard"]) < len(turn["reply"]) for turn in cut)


def test_four_callers_at_once_get_every_answer_in_bounded_memory(gateway: str) -> None:
    calls = asyncio.run(place_calls(gateway, load_fixture("default"), callers=4, stagger_ms=1700))
    assert [call.passed for call in calls] == [True] * 4
    port = int(gateway.rsplit(":", 1)[1])
    serving = [p for p in psutil.Process().children(recursive=True) if _listens(p, port)]
    assert len(serving) == 1
    assert serving[0].memory_info().rss < MAX_RSS


def test_the_event_loop_is_profiled_under_a_call(gateway: str, tmp_path: Path) -> None:
    words = ["profile", "--stage", "loop", "--url", gateway, "--fixture", "hangup", "--out", str(tmp_path)]
    result = CliRunner().invoke(app, words, env={"COLUMNS": "120"})
    assert result.exit_code == 0, result.output
    assert "call 'hangup'" in result.stdout
    busy = re.search(r"the event loop's thread +│ +1 │ +[\d.]+ │ +([\d.]+)%", result.stdout)
    assert busy is not None, result.stdout
    assert 0 < float(busy[1]) < 50, "it has time to spare"
    assert re.search(r"│ .*(Session\.run|pipeline/|telephony/)", result.stdout), "functions on the loop"
    events = json.loads((tmp_path / "loop.trace.json").read_text())["traceEvents"]
    threads = {event["name"] for event in events if event["name"].startswith("thread (")}
    assert any(name.endswith(": MainThread") for name in threads)
    assert any("engine-" in name for name in threads)


def _listens(process: psutil.Process, port: int) -> bool:
    with contextlib.suppress(psutil.Error):
        return any(c.laddr and c.laddr.port == port and c.status == psutil.CONN_LISTEN for c in process.net_connections())
    return False
