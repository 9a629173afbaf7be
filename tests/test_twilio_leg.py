"""The leg over a socket in memory: events, order, endings."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.leg import Audio, Capability, Digit, Ended, Flushed, LegEvent, Played, Segment, Started
from telephony import twilio_leg
from telephony.twilio_leg import SocketClosedError, TwilioLeg
from telephony.twilio_stream import StreamStarted, TwilioStream

CALL = (Path(__file__).parent.parent / "fixtures" / "twilio" / "call.jsonl").read_text().splitlines()
SID = "MZ0123456789abcdef0123456789abcdef"


class Socket:
    """What the peer does, by hand. `echo` returns marks at once, as a far end that plays infinitely fast."""

    def __init__(self, *, echo: bool = True) -> None:
        self.inbox: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self.sent: list[dict[str, Any]] = []
        self.closed: tuple[int, str] | None = None
        self.echo = echo
        self.open = asyncio.Event()
        self.open.set()
        self.wrote = asyncio.Event()

    async def receive(self) -> str | bytes:
        message = await self.inbox.get()
        if message is None:
            raise SocketClosedError("gone")
        return message

    async def send(self, message: str) -> None:
        await self.open.wait()
        self.sent.append(json.loads(message))
        self.wrote.set()
        if self.echo and self.sent[-1]["event"] == "mark":
            self.inbox.put_nowait(message)

    async def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)

    def events(self) -> list[str]:
        return [m["event"] for m in self.sent]


class Call:
    """A leg, its socket and what its sink heard."""

    def __init__(self, *, echo: bool = True, react: Callable[[TwilioLeg, LegEvent], None] = lambda _leg, _event: None) -> None:
        stream = TwilioStream()
        (started,) = [e for m in CALL[:2] for e in stream.receive(m) if isinstance(e, StreamStarted)]
        self.socket = Socket(echo=echo)
        self.ignored: list[str] = []
        self.transfers: list[tuple[str, str]] = []
        self.heard: list[LegEvent] = []
        self.leg = TwilioLeg(
            self.socket,
            stream,
            started,
            lead_ms=160,
            mark_ms=60,
            on_ignored=self.ignored.append,
            on_transfer=lambda call, target: self.transfers.append((call, target)),
        )

        def sink(event: LegEvent) -> None:
            self.heard.append(event)
            react(self.leg, event)

        self.leg.subscribe(sink)

    def of(self, kind: type[Any]) -> list[Any]:
        return [e for e in self.heard if isinstance(e, kind)]


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run it, within 5 s, and see that it leaves no task behind."""

    async def guarded() -> None:
        async with asyncio.timeout(5):
            await test()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(guarded())


def test_who_listens_in_sees_every_message_in_order() -> None:
    async def test() -> None:
        call = Call()
        wire: list[tuple[str, str]] = []
        call.leg._opening = CALL[:2]
        call.leg.listen_in(lambda who, text, now: wire.append((who, text)))
        call.leg.play(Segment(1, 160, bytes(160)))
        call.socket.inbox.put_nowait("not json")
        running = asyncio.create_task(call.leg.run())
        await call.socket.wrote.wait()
        for message in CALL[2:]:
            call.socket.inbox.put_nowait(message)
        await running
        heard = [text for who, text in wire if who == "twilio"]
        assert heard[:3] == [*CALL[:2], "not json"]
        assert set(CALL) <= set(heard)
        assert [json.loads(text) for who, text in wire if who == "bot"] == call.socket.sent
        assert len(call.socket.sent) > 0

    run(test)


def test_caller_to_pipeline() -> None:
    async def test() -> None:
        call = Call()
        for message in CALL[2:]:
            call.socket.inbox.put_nowait(message)
        await call.leg.run()
        kinds = [type(e) for e in call.heard]
        assert kinds == [Started, Audio, Audio, Digit, Audio, Ended]
        assert call.heard[0] == Started("CA0123456789abcdef0123456789abcdef", {"campaign": "spring"})  # the token stays here
        audio = call.of(Audio)
        assert [a.first_sample for a in audio] == [0, 160, 320]
        assert audio[0].pcm.dtype == np.int16
        assert call.leg.encode(audio[0].pcm) == bytes(0x7F + 0x80 if b == 0x7F else b for b in range(160))  # G.711 has two zeros
        assert call.heard[-1] == Ended("caller_hung_up")
        assert call.socket.closed == (1000, "")
        assert call.ignored == []

    run(test)


def test_hangup_waits_for_the_last_mark() -> None:
    def react(leg: TwilioLeg, event: LegEvent) -> None:
        if isinstance(event, Started):
            leg.play(Segment(1, 400, bytes(400)))
            assert leg.queued_samples == 400
            assert leg.hangup(after_playout=True) == "done"

    async def test() -> None:
        call = Call(react=react)
        await call.leg.run()
        assert call.socket.events() == ["mark", "media", "mark", "media", "media", "mark"]
        assert [type(e) for e in call.heard] == [Started, Played, Played, Ended]
        assert call.of(Played)[-1] == Played(400)
        assert call.heard[-1] == Ended("hung_up")
        assert call.leg.hangup(after_playout=False) == "gone"
        assert call.leg.queued_samples == 0
        media = [base64.b64decode(m["media"]["payload"]) for m in call.socket.sent if m["event"] == "media"]
        assert b"".join(media) == bytes(400) + b"\xff" * 80

    run(test)


def test_hangup_does_not_wait_for_ever_for_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twilio_leg, "HANGUP_GRACE_MS", 20)

    def react(leg: TwilioLeg, event: LegEvent) -> None:
        if isinstance(event, Started):
            leg.play(Segment(1, 160, bytes(160)))
            leg.hangup(after_playout=True)

    async def test() -> None:
        call = Call(echo=False, react=react)
        await call.leg.run()
        assert call.heard[-1] == Ended("hung_up")

    run(test)


def test_flush_answers_after_the_command_not_inside_it() -> None:
    order: list[str] = []

    def react(leg: TwilioLeg, event: LegEvent) -> None:
        match event:
            case Started():
                leg.flush()
                order.append("command returned")
            case Flushed(sample, error_ms):
                assert (sample, error_ms) == (0, 0)
                order.append("flushed")
                leg.hangup(after_playout=False)
            case _:
                pass

    async def test() -> None:
        call = Call(react=react)
        await call.leg.run()
        assert order == ["command returned", "flushed"]
        assert call.socket.sent == []

    run(test)


def test_flush_while_playing_sends_mark_then_clear() -> None:
    def react(leg: TwilioLeg, event: LegEvent) -> None:
        match event:
            case Started():
                leg.play(Segment(1, 16000, bytes(16000)))
            case Played():
                leg.flush()
            case Flushed():
                leg.hangup(after_playout=True)
            case _:
                pass

    async def test() -> None:
        call = Call(react=react)
        await call.leg.run()
        events = call.socket.events()
        assert events[-3:] == ["mark", "clear", "mark"]
        assert call.socket.sent[-3]["mark"]["name"].startswith("s")
        assert len(call.of(Flushed)) == 1
        assert events.count("media") <= 9

    run(test)


def test_transfer() -> None:
    def react(leg: TwilioLeg, event: LegEvent) -> None:
        if isinstance(event, Started):
            assert leg.capabilities == {Capability.TRANSFER, Capability.HANGUP}
            assert leg.send_digits("1") == "unsupported"
            assert leg.transfer("not a number") == "unsupported"
            assert leg.transfer("+493012345678") == "done"

    async def test() -> None:
        call = Call(react=react)
        await call.leg.run()
        assert call.transfers == [(call.leg.call, "+493012345678")]
        assert call.heard[-1] == Ended("transferred")
        assert call.leg.transfer("+493012345678") == "gone"

    run(test)


@pytest.mark.parametrize(
    ("message", "code", "reason"),
    [(b"\x00", 1003, "binary_frame"), (CALL[1], 1008, "second_start"), ("x" * 70_000, 1009, "too_big")],
    ids=["binary", "second start", "too big"],
)
def test_violations_close_the_stream(message: str | bytes, code: int, reason: str) -> None:
    async def test() -> None:
        call = Call()
        call.socket.inbox.put_nowait(message)
        await call.leg.run()
        assert call.socket.closed == (code, reason)
        assert call.heard[-1] == Ended("protocol")

    run(test)


def test_bad_messages_are_counted() -> None:
    async def test() -> None:
        call = Call()
        for message in ("{", '{"event": "news"}', CALL[0], CALL[7]):
            call.socket.inbox.put_nowait(message)
        await call.leg.run()
        assert call.ignored == ["malformed_json", "unknown_event", "late_connected"]
        assert call.heard[-1] == Ended("caller_hung_up")

    run(test)


def test_the_peer_vanishes_while_the_socket_blocks() -> None:
    async def test() -> None:
        call = Call()
        call.socket.open.clear()
        call.leg.play(Segment(1, 16000, bytes(16000)))
        async with asyncio.TaskGroup() as group:
            group.create_task(call.leg.run())
            group.create_task(call.socket.inbox.put(None))
        assert call.heard[-1] == Ended("disconnected")

    run(test)


def test_a_peer_that_reads_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twilio_leg, "SEND_TIMEOUT_S", 0.05)

    async def test() -> None:
        call = Call()
        call.socket.open.clear()
        call.leg.play(Segment(1, 16000, bytes(16000)))
        await call.leg.run()
        assert call.heard[-1] == Ended("slow_reader")
        assert call.socket.closed == (1008, "slow_reader")

    run(test)


def test_a_peer_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twilio_leg, "IDLE_TIMEOUT_S", 0.05)

    async def test() -> None:
        call = Call()
        await call.leg.run()
        assert call.heard == [Started(call.leg.call, {"campaign": "spring"}), Ended("silent_socket")]

    run(test)


def test_media_much_faster_than_time_is_no_call() -> None:
    async def test() -> None:
        call = Call()
        payload = base64.b64encode(bytes(40_000)).decode()
        for i in range(20):
            body = {"track": "inbound", "chunk": str(i + 1), "timestamp": str(i * 5000), "payload": payload}
            call.socket.inbox.put_nowait(json.dumps({"event": "media", "streamSid": SID, "media": body}))
        await call.leg.run()
        assert call.socket.closed == (1008, "media_too_fast")

    run(test)


def test_cancelled_from_outside() -> None:
    async def test() -> None:
        call = Call()
        call.leg.play(Segment(1, 16000, bytes(16000)))
        task = asyncio.create_task(call.leg.run())
        await call.socket.wrote.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert call.heard[-1] == Ended("cancelled")
        assert call.socket.closed == (1001, "")

    run(test)


def test_a_sink_that_fails_ends_its_call() -> None:
    def react(_leg: TwilioLeg, event: LegEvent) -> None:
        if isinstance(event, Audio):
            raise ZeroDivisionError

    async def test() -> None:
        call = Call(react=react)
        call.socket.inbox.put_nowait(CALL[2])
        with pytest.raises(ExceptionGroup):
            await call.leg.run()
        assert call.heard[-1] == Ended("failed")
        assert call.socket.closed == (1011, "")

    run(test)


def test_only_one_sink() -> None:
    async def test() -> None:
        with pytest.raises(RuntimeError, match="has a sink"):
            Call().leg.subscribe(lambda _event: None)

    run(test)
