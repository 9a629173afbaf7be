"""200 calls that are dropped at random moments leave nothing behind: no task, no thread, no sequence, hardly any memory."""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
import urllib.request
from pathlib import Path

import numpy as np
import psutil
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from pipeline.leg import Pcm
from telephony.caller.own_server import own_server
from telephony.caller.wav import read_audio
from telephony.caller.webhook import Webhook
from telephony.caller.wire import FarEnd

CALLS = 200
AT_ONCE = 10
SPEECH = Path("fixtures/calls/default")


def gauge(url: str, name: str) -> float:
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found = re.search(rf"^firstword_{name} (\S+)$", text, re.MULTILINE)
    assert found is not None, name
    return float(found.group(1))


async def dropped_call(url: str, number: int, frames: list[Pcm], seed: int) -> None:
    """Say something, and be gone at a moment that nobody chose: in the handshake, in a word, in the bot's reply."""
    moment = random.Random(seed)
    sid = f"CA{number:032x}"
    target = await asyncio.to_thread(Webhook(url).voice, {"CallSid": sid, "From": "+15550100", "To": "+15550101"})
    if moment.random() < 0.05:
        return  # never connects
    async with connect(target.url, max_size=None) as socket:
        far_end = FarEnd(sid, f"MZ{number:032x}")
        await socket.send(far_end.connected())
        if moment.random() < 0.1:
            return  # in the middle of the handshake
        await socket.send(far_end.start(target.parameters))
        until = moment.uniform(0.0, 3.0)
        start = time.monotonic()
        reader = asyncio.create_task(drain(socket))
        try:
            for index in range(int(until * 50)):
                await socket.send(far_end.media(frames[index % len(frames)]))
                await asyncio.sleep(max(0.0, start + (index + 1) * 0.02 - time.monotonic()))
            if moment.random() < 0.3:
                await socket.send(far_end.stop())
        except ConnectionClosed:
            pass
        finally:
            reader.cancel()
            await asyncio.wait([reader])
            if moment.random() < 0.5:
                socket.transport.abort()  # the network is gone, not the caller


async def drain(socket: object) -> None:
    try:
        async for message in socket:  # type: ignore[attr-defined]
            json.loads(message)
    except ConnectionClosed:
        return


async def storm(url: str, calls: range, frames: list[Pcm]) -> None:
    room = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with room:
            await dropped_call(url, number, frames, number)

    await asyncio.gather(*(one(number) for number in calls))


def settle(url: str, tasks: float | None = None) -> float:
    """Wait until no call is up; the number of the loop's tasks then."""
    give_up = time.monotonic() + 10
    while time.monotonic() < give_up:
        left = gauge(url, "tasks")
        if gauge(url, "active_calls") == 0 and gauge(url, "jobs_waiting") == 0 and (tasks is None or left <= tasks):
            return left
    return gauge(url, "tasks")


@pytest.mark.models
def test_dropped_calls_leave_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTWORD_TTS__PREPARE", "false")  # else the owner's phrases fill their cache meanwhile
    speech = next(iter(sorted(SPEECH.glob("*.wav"))))
    pcm = read_audio(speech)
    frames = [*(pcm[i : i + 160] for i in range(0, len(pcm) - 160, 160)), *([np.zeros(160, np.int16)] * 40)]
    log = tmp_path / "server.log"
    with own_server(log=log) as url:
        pid = next(
            c.pid for c in psutil.net_connections("tcp") if c.status == "LISTEN" and c.laddr.port == int(url.rsplit(":", 1)[1])
        )
        server = psutil.Process(pid)
        asyncio.run(storm(url, range(1, 161), frames))  # every pool and cache as large as it gets
        tasks = settle(url)
        threads, sequences, resident = server.num_threads(), gauge(url, "llm_sequences"), server.memory_info().rss
        asyncio.run(storm(url, range(1001, 1001 + CALLS), frames))
        assert settle(url, tasks) <= tasks
        assert server.num_threads() <= threads
        assert gauge(url, "llm_sequences") == sequences
        assert gauge(url, "active_calls") == 0
        grown = (server.memory_info().rss - resident) / 2**20
        assert grown <= 20, f"{grown:.1f} MiB more than before"
        assert server.memory_info().rss / 2**30 <= 2.5
    assert "Traceback" not in log.read_text()
