"""Recordings of the product as it runs: a recorded caller called again at real pace, and a gateway that is killed in the middle of a call."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import stalls
from typer.testing import CliRunner

from config.settings import BOTS
from pipeline.audibility import audible_runs
from pipeline.event_log import Entry
from pipeline.replay import replay
from telephony.caller.fixture import load_fixture
from telephony.caller.own_server import free_port, wait_ready
from telephony.caller.place import place_call
from telephony.cli import app
from telephony.recording.files import RECORDING_FOLDER
from telephony.recording.fixture import EXPECT, REPLAYS
from telephony.recording.reader import Recording, await_complete, recordings

pytestmark = pytest.mark.models


@dataclass
class Server:
    """`firstword serve` with recordings on, and nothing between us and its process."""

    process: subprocess.Popen[bytes]
    url: str
    folder: Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("recordings")
    port = free_port()
    command = [sys.executable, "-m", "telephony.cli", "serve", "--port", str(port), "--bot", str(BOTS / "bicycle-workshop.toml")]
    with (folder / "log").open("w+b") as log:
        environment = {**os.environ, RECORDING_FOLDER: str(folder)}
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
        try:
            wait_ready(url := f"http://127.0.0.1:{port}", process, log)
            yield Server(process, url, folder)
        finally:
            process.kill()
            process.wait()


def test_a_recorded_caller_is_understood_and_answered_again(server: Server, tmp_path: Path) -> None:
    """Times are for a quiet machine: here the first word may come when it likes."""
    expect = json.loads((REPLAYS / "question" / EXPECT).read_text())
    expect["tolerances"]["first_word_ms"] = 60_000
    (tmp_path / "expect.json").write_text(json.dumps(expect))
    arguments = ["replay", "question", "--url", server.url, "--expect", str(tmp_path / "expect.json")]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.output
    (path,) = recordings(server.folder)
    recording = await_complete(path)
    assert recording.state == "complete"
    assert replay(recording.events()).same
    said = [row for row in recording.transcript() if row["who"] == "caller"]
    assert ["service" in row["text"] for row in said] == [True]


@dataclass
class Killer:
    """Listens in on a call, and kills the gateway when the bot has been answering for a second."""

    process: subprocess.Popen[bytes]
    killed_ms: int = 0
    sent: list[dict[str, object]] = field(default_factory=list)
    _replied: int = 0

    def __call__(self, who: str, at_ms: int, text: str) -> None:
        if self.killed_ms:
            return
        message = json.loads(text)
        if who == "twilio":
            self.sent.append({"at_ms": at_ms, **message})
        elif message["event"] == "media" and at_ms > 4500:  # the greeting has been heard by then
            self._replied += 1
            if self._replied == 60:
                os.kill(self.process.pid, signal.SIGKILL)
                self.killed_ms = at_ms


def test_a_killed_gateway_leaves_all_but_the_last_second(server: Server) -> None:
    before = set(recordings(server.folder))
    killer = Killer(server.process)

    async def call() -> float:
        async with stalls.watched() as stalled:
            await place_call(server.url, load_fixture("default"), tap=killer)
        return stalled.ms

    stalled_ms = asyncio.run(call())
    assert server.process.wait(10) == -signal.SIGKILL
    until_ms = killer.killed_ms - 1000 - stalled_ms
    (path,) = set(recordings(server.folder)) - before
    recording = Recording.open(path)
    assert recording.state == "cut"

    left, right, rate_hz = recording.audio()
    assert len(left) * 1000 / rate_hz >= until_ms
    greeting, *replies = audible_runs(right, gap_ms=300)
    assert greeting[0] < 8000
    assert replies
    assert audible_runs(left, gap_ms=300)

    written = [row["message"] for row in recording.wire() if row["from"] == "twilio"]
    sent = [message for message in killer.sent if int(str(message.pop("at_ms"))) <= until_ms]
    assert written[: len(sent)] == sent
    assert len(sent) > 200

    log = recording.events()
    assert isinstance(log.items[-1], Entry)
    assert log.items[-1].at_ns / 1e6 >= until_ms - 300  # while the bot talks, something happens every 100 ms
    assert replay(log).same
    assert not log.complete

    lines = recording.transcript()
    assert [(row["who"], row["what"]) for row in lines[:3]] == [("bot", "said"), ("caller", "said"), ("bot", "said")]
