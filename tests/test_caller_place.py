"""Whole calls over loopback, against a bot that plays tones and notes when it really sent them. The calls run side by side, at real pace."""

import asyncio
import base64
import contextlib
import json
import time
import urllib.parse
import wave
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import stalls
from websockets.asyncio.server import ServerConnection, serve

from pipeline.audibility import audible_runs, first_audible, last_audible
from telephony.caller.line import LineNoise
from telephony.caller.network import Network
from telephony.caller.place import place_call
from telephony.caller.result import CallResult
from telephony.caller.script import AfterBot, AfterPrevious, CallerScript, HangUp, IntoReply, Press, Say
from telephony.caller.wav import pcm_to_ulaw, ulaw_to_pcm
from telephony.caller.webhook import GatewayRefusedError

MS = 1_000_000
TONE = (np.sin(np.arange(8000 * 6) * np.pi / 4) * 8000).astype(np.int16)
WORDS = np.concatenate((np.zeros(400, np.int16), TONE[:3200], np.zeros(400, np.int16)))
REPLY_AFTER_FRAMES = 6


@dataclass
class ToneBot:
    """Greets with a tone, answers 120 ms after the caller's last audible frame, and on an interruption clears at once."""

    greeting_samples: int = 3200
    hang_up_after_reply: bool = False
    clear_on_speech: bool = False
    messages: list[dict] = field(default_factory=list)
    forms: list[tuple[str, dict]] = field(default_factory=list)
    audible_end_ns: int = 0
    audible_start_ns: int = 0
    reply_ns: int = 0
    clear_ns: int = 0

    async def answer_http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path, _ = head.split("\r\n")[0].split(" ")
        length = next((int(line.split(":")[1]) for line in head.lower().split("\r\n") if line.startswith("content-length")), 0)
        form = dict(urllib.parse.parse_qsl((await reader.readexactly(length)).decode()))
        self.forms.append((path, form))
        status, body = 200, "<Response><Hangup/></Response>"
        if path == "/twilio/voice":
            url = f"ws://127.0.0.1:{self.port}/twilio/stream"
            stream = f'<Stream url="{url}"><Parameter name="token" value="t0ken"/></Stream>'
            body = f'<Response><Connect action="/twilio/next">{stream}</Connect></Response>'
        elif method == "GET":
            body = json.dumps(self.trace())
        writer.write(f"HTTP/1.1 {status} OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    def trace(self) -> dict:
        turn = {"caller": "what", "reply": "It is twelve.", "outcome": "answered", "speech_end_sample": self.end_sample}
        turn["stages"] = [{"name": "asr", "start_ms": -20.0, "end_ms": 80.0}]
        return {"version": 1, "state": "ended", "turns": [{"outcome": "greeting", "reply": "Hello."}, turn]}

    async def run(self, socket: ServerConnection) -> None:
        chunk, audible, answered, quiet, self.end_sample = 0, False, False, 0, 0
        async for text in socket:
            now, message = time.monotonic_ns(), json.loads(text)
            self.messages.append({"at_ns": now, **message})
            if message["event"] == "start":
                self.sid = message["streamSid"]
                await self.play(socket, self.greeting_samples, "greeting")
            if message["event"] != "media":
                continue
            pcm = ulaw_to_pcm(base64.b64decode(message["media"]["payload"]))
            chunk += 1
            if np.abs(pcm).max() > 4000:
                audible, quiet, self.audible_end_ns, self.end_sample = True, 0, now, chunk * 160
                self.audible_start_ns = self.audible_start_ns or now
                if self.clear_on_speech and not self.clear_ns:
                    self.clear_ns = time.monotonic_ns()
                    await socket.send(json.dumps({"event": "clear", "streamSid": self.sid}))
            quiet += 1
            if audible and quiet > REPLY_AFTER_FRAMES and not answered:
                answered = True
                self.reply_ns = time.monotonic_ns()
                await self.play(socket, 4800, "reply")
            if answered and self.hang_up_after_reply and self.marks()[-1:] == ["reply-end"]:
                return

    async def play(self, socket: ServerConnection, samples: int, name: str) -> None:
        for at in range(0, samples, 1600):
            payload = base64.b64encode(pcm_to_ulaw(TONE[at : min(samples, at + 1600)])).decode()
            await socket.send(json.dumps({"event": "media", "streamSid": self.sid, "media": {"payload": payload}}))
            mark = f"{name}-{at}" if at + 1600 < samples else f"{name}-end"
            await socket.send(json.dumps({"event": "mark", "streamSid": self.sid, "mark": {"name": mark}}))

    def marks(self) -> list[str]:
        return [message["mark"]["name"] for message in self.messages if message["event"] == "mark"]

    def events(self) -> list[str]:
        return [message["event"] for message in self.messages]

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        async with serve(self.run, "127.0.0.1", 0) as stream:
            self.port = stream.sockets[0].getsockname()[1]
            web = await asyncio.start_server(self.answer_http, "127.0.0.1", 0)
            async with web:
                yield f"http://127.0.0.1:{web.sockets[0].getsockname()[1]}"


@dataclass
class Call:
    bot: ToneBot
    script: CallerScript
    network: Network = field(default_factory=Network)
    result: CallResult | None = None
    stalled_ms: float = 0.0

    async def place(self) -> None:
        async with stalls.watched() as stalled, self.bot.listening() as url:
            self.result = await place_call(url, self.script, network=self.network)
        self.stalled_ms = stalled.ms

    @property
    def first_word_truth_ms(self) -> float:
        """From the arrival of the last audible frame (it left when its last sample was spoken) to the reply's first message."""
        return (self.bot.reply_ns - self.bot.audible_end_ns) / MS


PLAIN = CallerScript("plain", (Say("what", WORDS, AfterBot(100)), Press("7", AfterPrevious(100)), HangUp(AfterBot(0))))
NOISY = LineNoise("pink", -45.0)


@pytest.fixture(scope="module")
def calls() -> dict[str, Call]:
    calls = {
        "plain": Call(ToneBot(), PLAIN),
        "far": Call(ToneBot(), PLAIN, Network(100, 0)),
        "noisy": Call(ToneBot(), CallerScript("noisy", PLAIN.steps, noise=NOISY)),
        "interrupting": Call(
            ToneBot(24000, clear_on_speech=True),
            CallerScript("interrupting", (Say("no", WORDS, IntoReply(500)), HangUp(AfterBot(0)))),
        ),
        "bot hangs up": Call(ToneBot(hang_up_after_reply=True), CallerScript("b", PLAIN.steps[:1], ends_by="bot")),
        "rude": Call(ToneBot(24000), CallerScript("rude", (HangUp(IntoReply(300)),))),
    }

    async def all_at_once() -> None:
        async with asyncio.TaskGroup() as group:
            for call in calls.values():
                group.create_task(call.place())

    asyncio.run(all_at_once())
    return calls


@pytest.mark.parametrize("name", ["plain", "noisy"])
def test_the_first_word_is_measured_as_it_was(calls: dict[str, Call], name: str) -> None:
    call = calls[name]
    assert abs(call.result.turns[0].first_word_ms - call.first_word_truth_ms) <= 20 + call.stalled_ms
    assert 100 - call.stalled_ms <= call.first_word_truth_ms <= 180 + call.stalled_ms
    assert call.result.turns[0].cut_ins == 0


def test_network_delay_counts_both_ways(calls: dict[str, Call]) -> None:
    call = calls["far"]
    assert abs(call.result.turns[0].first_word_ms - call.first_word_truth_ms - 200) <= 20 + call.stalled_ms
    assert 200 <= call.result.greeting_ms <= 260 + call.stalled_ms


def test_the_greeting_is_timed_from_start(calls: dict[str, Call]) -> None:
    assert 0 <= calls["plain"].result.greeting_ms <= 60 + calls["plain"].stalled_ms


def test_messages_come_in_twilios_order_with_running_numbers(calls: dict[str, Call]) -> None:
    bot = calls["plain"].bot
    assert bot.events()[:2] == ["connected", "start"]
    assert bot.events()[-1] == "stop"
    start = bot.messages[1]["start"]
    assert start["customParameters"] == {"token": "t0ken"}
    assert start["callSid"] == bot.forms[0][1]["CallSid"]
    assert start["mediaFormat"] == {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
    assert [int(message["sequenceNumber"]) for message in bot.messages[1:]] == list(range(1, len(bot.messages)))
    media = [message["media"] for message in bot.messages if message["event"] == "media"]
    assert [int(one["timestamp"]) for one in media] == [n * 20 for n in range(len(media))]
    assert {len(base64.b64decode(one["payload"])) for one in media} == {160}
    assert [message["dtmf"]["digit"] for message in bot.messages if message["event"] == "dtmf"] == ["7"]


def test_media_never_stops_and_does_not_drift(calls: dict[str, Call]) -> None:
    media = [message for message in calls["plain"].bot.messages if message["event"] == "media"]
    took_ms = (media[-1]["at_ns"] - media[0]["at_ns"]) / MS
    assert abs(took_ms - (len(media) - 1) * 20) < 40 + calls["plain"].stalled_ms
    assert calls["plain"].result.duration_ms == len(media) * 20


def test_marks_return_in_order_when_their_audio_was_heard(calls: dict[str, Call]) -> None:
    bot = calls["plain"].bot
    assert bot.marks() == ["greeting-0", "greeting-end", "reply-0", "reply-1600", "reply-end"]
    at = {message["mark"]["name"]: message["at_ns"] for message in bot.messages if message["event"] == "mark"}
    assert abs((at["reply-end"] - bot.reply_ns) / MS - 600) <= 25 + calls["plain"].stalled_ms
    assert abs((at["reply-0"] - bot.reply_ns) / MS - 200) <= 25 + calls["plain"].stalled_ms


def test_clear_is_obeyed_and_returns_every_mark(calls: dict[str, Call]) -> None:
    call = calls["interrupting"]
    turn, result = call.result.turns[0], call.result
    assert turn.over_bot
    truth_ms = (call.bot.clear_ns - call.bot.audible_start_ns) / MS + 20
    assert abs(turn.barge_in_ms - truth_ms) <= 20 + call.stalled_ms
    greeting = [name for name in call.bot.marks() if name.startswith("greeting")]
    assert greeting == [f"greeting-{at}" for at in range(0, 22400, 1600)] + ["greeting-end"]
    assert result.clears == 1
    assert result.received_ms == 3600
    assert 500 <= result.heard_ms - 600 <= 700 + call.stalled_ms


def test_the_bot_may_end_the_call(calls: dict[str, Call]) -> None:
    call = calls["bot hangs up"]
    assert call.result.ended_by == "bot"
    assert "stop" not in call.bot.events()
    assert [form["CallStatus"] for path, form in call.bot.forms if path == "/twilio/next"] == ["in-progress"]


def test_the_caller_may_hang_up_in_the_middle(calls: dict[str, Call]) -> None:
    call = calls["rude"]
    assert call.result.ended_by == "caller"
    assert 250 - call.stalled_ms <= call.result.heard_ms <= 400 + call.stalled_ms
    assert call.bot.events()[-1] == "stop"
    assert [form["CallStatus"] for path, form in call.bot.forms if path == "/twilio/next"] == ["completed"]


def test_what_the_gateway_tells_is_laid_on_the_callers_clock(calls: dict[str, Call]) -> None:
    turn = calls["plain"].result.turns[0]
    assert (turn.transcript, turn.reply, turn.outcome) == ("what", "It is twelve.", "answered")
    assert [(stage.name, stage.end_ms - stage.start_ms) for stage in turn.stages] == [("asr", 100.0)]
    assert abs(turn.stages[0].start_ms + 20) <= 20 + calls["plain"].stalled_ms


def test_the_saved_wav_has_both_sides_on_one_timeline(calls: dict[str, Call], tmp_path: Path) -> None:
    result = calls["plain"].result
    audio, data = result.save(tmp_path)
    with wave.open(str(audio)) as read:
        both = np.frombuffer(read.readframes(read.getnframes()), "<i2").reshape(-1, 2)
    left, right = np.ascontiguousarray(both[:, 0]), np.ascontiguousarray(both[:, 1])
    reply = audible_runs(right)[1][0]
    assert (reply - last_audible(left)) // 8 == result.turns[0].first_word_ms
    assert first_audible(left) // 8 == result.turns[0].said_from_ms
    saved = json.loads(data.read_text())
    assert saved["version"] == 1
    assert saved["turns"][0]["first_word_ms"] == result.turns[0].first_word_ms


def test_a_gateway_that_is_not_there_is_named() -> None:
    with pytest.raises(GatewayRefusedError, match=r"http://127\.0\.0\.1:9/twilio/voice"):
        asyncio.run(place_call("http://127.0.0.1:9", PLAIN))
