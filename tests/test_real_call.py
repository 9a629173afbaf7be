"""The product as it runs: `firstword serve` with its real models, recorded callers over the real WebSocket. Times are for `make bench`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import psutil
import pytest

from config.settings import BOTS
from telephony.caller.fixture import load_fixture
from telephony.caller.own_server import own_server
from telephony.caller.place import place_call, place_calls

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


def _listens(process: psutil.Process, port: int) -> bool:
    with contextlib.suppress(psutil.Error):
        return any(c.laddr and c.laddr.port == port and c.status == psutil.CONN_LISTEN for c in process.net_connections())
    return False
