"""The gateway over real sockets: who gets in, what becomes of bad input, and that nothing is left of a call."""

from __future__ import annotations

import asyncio
import json
import logging
import statistics
from contextlib import suppress
from typing import Any
from xml.etree import ElementTree

import pytest
from gateway_bench import Desk, DistantPhone, close_code, connected, gateway, media, run, start, stop, tone
from pydantic import SecretStr
from test_signature import TOKEN, sign
from websockets.exceptions import ConnectionClosed

from pipeline.leg import Audio, CallLeg, Digit, Ended, Flushed, LegEvent, Started
from telephony.transfer import Dial, Record


def greet(leg: CallLeg, event: LegEvent) -> None:
    """Greets with a second of tone, echoes nothing."""
    if isinstance(event, Started):
        leg.play(tone(8000))


def test_webhook_answers_twiml() -> None:
    async def test() -> None:
        async with gateway(Desk()) as g:
            answer = await g.voice()
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("application/xml")
            root = ElementTree.fromstring(answer.text)
            connect = root.find("Connect")
            stream = root.find("Connect/Stream")
            assert connect is not None
            assert stream is not None
            assert connect.attrib["action"] == f"http://127.0.0.1:{g.port}/twilio/next"
            assert stream.attrib["url"] == g.url
            assert [p.attrib["name"] for p in stream] == ["token"]

    run(test)


def test_a_call_from_end_to_end() -> None:
    def react(leg: CallLeg, event: LegEvent) -> None:
        match event:
            case Started():
                leg.play(tone(480))
            case Digit("9"):
                leg.hangup(after_playout=True)
            case _:
                pass

    async def test() -> None:
        desk = Desk(react)
        async with gateway(desk) as g:
            async with g.calling() as ws:
                await ws.send(media(1, 0, bytes(160)))
                await ws.send(
                    json.dumps({"event": "dtmf", "streamSid": "MZ0123456789abcdef0123456789abcdef", "dtmf": {"digit": "9"}})
                )
                events = []
                async for message in ws:
                    events.append(json.loads(message))
                    if events[-1]["event"] == "mark":
                        await ws.send(message)
                assert ws.close_code == 1000  # Twilio goes on with the <Connect action>
            await desk.ended.wait()
            assert [e["event"] for e in events] == ["mark", "media", "mark", "media", "media", "mark"]
            assert isinstance(desk.events[0], Started)
            assert desk.events[0].parameters == {}
            assert [e.first_sample for e in desk.events if isinstance(e, Audio)] == [0]
            assert desk.events[-1] == Ended("hung_up")
            await g.nothing_left()
            assert g.metric("active_calls") == 0
            call = (await g.http.get("/calls/CA1")).json()
            assert (call["state"], call["end_reason"], call["version"]) == ("ended", "hung_up", 1)
            assert [c["call_sid"] for c in (await g.http.get("/calls")).json()["calls"]] == ["CA1"]
            assert (await g.http.get("/calls/CA2")).status_code == 404
            assert 'firstword_calls_ended_total{reason="hung_up"} 1.0' in (await g.http.get("/metrics")).text

    run(test)


@pytest.mark.parametrize("fault", ["missing", "wrong", "other call", "used", "expired"])
def test_no_stream_without_a_good_token(fault: str) -> None:
    async def test() -> None:
        async with gateway(Desk(), token_ttl_s=60 if fault != "expired" else 1e-6) as g:
            token: str | None = await g.token("CA1")
            call_sid = "CA2" if fault == "other call" else "CA1"
            if fault == "used":
                async with g.connect() as ws:
                    await ws.send(start("CA1", token))
                    await g.desk.started.wait()
                await g.desk.ended.wait()
                await g.nothing_left()
            calls = len(g.desk.calls)
            async with g.connect() as ws:
                await ws.send(connected())
                await ws.send(start(call_sid, {"missing": None, "wrong": "x" * 43}.get(fault, token)))
                assert await close_code(ws) == 1008
                assert ws.close_reason == "token"
            assert g.metric("refused_requests_total", reason="token") == 1
            assert len(g.desk.calls) == calls

    run(test)


BAD = {
    "malformed JSON": ("{", 1008, "malformed_json"),
    "media before start": (media(1, 0, b"x"), 1008, "media_before_start"),
    "binary": (b"\x00\x01", 1003, "binary_frame"),
    "A-law": (
        start("CA1", "x", mediaFormat={"encoding": "audio/x-alaw", "sampleRate": 8000, "channels": 1}),
        1003,
        "media_format",
    ),
}


@pytest.mark.parametrize("fault", BAD)
def test_bad_input_before_start_closes(fault: str) -> None:
    message, code, reason = BAD[fault]

    async def test() -> None:
        async with gateway(Desk()) as g, g.connect() as ws:
            await ws.send(message)
            assert (await close_code(ws), ws.close_reason) == (code, reason)
            assert g.metric("refused_requests_total", reason=reason) == 1

    run(test)


@pytest.mark.parametrize("early", [True, False], ids=["before start", "after start"])
def test_10_mb_frame(early: bool, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        desk = Desk()
        async with gateway(desk) as g:
            async with g.connect() as ws:
                if not early:
                    await ws.send(start("CA1", await g.token()))
                    await desk.started.wait()
                with suppress(ConnectionClosed, OSError):  # the server may close before it has all
                    await ws.send("x" * 10_000_000)
                assert await close_code(ws) in (1009, 1006)  # 1006: the reset overtook the close frame
            await g.nothing_left()
            assert (await g.voice("CA2")).status_code == 200

    run(test)
    assert not [r for r in caplog.records if r.exc_info]


def test_invalid_utf8_is_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with gateway(Desk()) as g, g.connect() as ws:
            with caplog.at_level(logging.INFO):
                await ws.send(b"\xff\xfe", text=True)
                assert await close_code(ws) == 1007

    run(test)
    assert not [r for r in caplog.records if r.exc_info]


def test_bad_input_after_start_is_ignored_then_closes() -> None:
    async def test() -> None:
        desk = Desk()
        async with gateway(desk) as g:
            async with g.calling() as ws:
                await ws.send("{")
                await ws.send(media(1, 0, bytes(160)).replace("MZ0123456789abcdef", "MZother"))
                await ws.send(media(1, 0, bytes(480)))
                for _ in range(101):
                    await ws.send('{"event": "news"}')
                assert (await close_code(ws), ws.close_reason) == (1008, "too_many_ignored")
            await desk.ended.wait()
            assert [e.first_sample for e in desk.events if isinstance(e, Audio)] == [0, 160, 320]
            assert desk.events[-1] == Ended("protocol")
            assert g.metric("ignored_messages_total", reason="malformed_json") == 1
            assert g.metric("ignored_messages_total", reason="wrong_stream_sid") == 1
            assert g.metric("ignored_messages_total", reason="unknown_event") >= 97

    run(test)


def test_sockets_that_send_no_start_are_few_and_short() -> None:
    async def test() -> None:
        async with gateway(Desk(), max_pending_streams=2, start_timeout_s=0.3) as g:
            async with g.connect() as first, g.connect() as second:
                await first.send(connected())
                with pytest.raises(Exception, match="503"):
                    await g.connect()
                assert g.metric("refused_requests_total", reason="too_many_pending") == 1
                assert [await close_code(ws) for ws in (first, second)] == [1008, 1008]
                assert first.close_reason == "no_start"
            async with g.connect() as third:
                await third.send(start("CA1", await g.token()))
                await g.desk.started.wait()

    run(test)


def test_who_listens_in_hears_the_stream_from_its_first_message() -> None:
    wire: list[dict[str, Any]] = []

    class Listening(Desk):
        async def converse(self, leg: CallLeg) -> None:
            leg.listen_in(lambda who, text, now: wire.append({"from": who, **json.loads(text)}))
            await super().converse(leg)

    async def test() -> None:
        desk = Listening()
        async with gateway(desk) as g:
            async with g.calling() as ws:
                await desk.started.wait()
                await ws.send(stop())
                await close_code(ws)
            await desk.ended.wait()
        assert [m["event"] for m in wire if m["from"] == "twilio"] == ["connected", "start", "stop"]
        assert wire[1]["start"]["callSid"] == "CA1"

    run(test)


def test_hangup_mid_word_leaves_nothing_and_touches_no_other_call() -> None:
    async def test() -> None:
        desk = Desk(greet)
        async with gateway(desk) as g, g.calling("CA2") as other:
            await desk.started.wait()
            desk.started.clear()
            async with g.calling("CA1") as ws:
                await desk.started.wait()
                await ws.recv()
                assert g.intake.active == 2
                ws.transport.abort()
            await desk.ended.wait()
            assert [e for e in desk.events if isinstance(e, Ended)] == [Ended("disconnected")]
            if dying := [t for t in asyncio.all_tasks() if t.get_name().startswith("CA1")]:
                _, left = await asyncio.wait(dying, timeout=1)
                assert not left
            assert [t for t in asyncio.all_tasks() if t.get_name().startswith("CA2")]
            await other.send(stop())
            assert await close_code(other) == 1000

    run(test)


def test_dropped_at_any_moment_of_the_handshake() -> None:
    async def test() -> None:
        async with gateway(Desk(greet)) as g:
            for moment in range(4):
                reader, writer = await asyncio.open_connection("127.0.0.1", g.port)
                upgrade = (
                    f"GET /twilio/stream HTTP/1.1\r\nHost: 127.0.0.1:{g.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
                )
                writer.write(upgrade.encode()[: (30, 120, 10_000, 10_000)[moment]])
                await writer.drain()
                if moment >= 2:
                    await reader.readuntil(b"\r\n\r\n")
                if moment == 3:
                    writer.write(b"\x81\xfe\x00")  # half a frame's head
                    await writer.drain()
                writer.transport.abort()
            await g.nothing_left()
            assert g.intake.pending == 0

    run(test)


def test_reception_that_fails_ends_its_call_only() -> None:
    class Broken(Desk):
        async def converse(self, leg: CallLeg) -> None:
            if leg.call == "CA1":
                raise ZeroDivisionError
            await super().converse(leg)

    async def test() -> None:
        desk = Broken()
        async with gateway(desk) as g, g.calling("CA2") as other:
            await desk.started.wait()
            async with g.calling("CA1") as ws:
                assert await close_code(ws) == 1011
            await other.send(stop())
            assert await close_code(other) == 1000
            assert g.metric("calls_ended_total", reason="failed") == 1

    run(test)


def test_no_room_or_not_ready() -> None:
    async def test() -> None:
        desk = Desk()
        async with gateway(desk, max_calls=1) as g:
            token = await g.token("CA2")
            async with g.calling("CA1") as ws:
                await desk.started.wait()
                assert "lines are busy" in (await g.voice("CA3")).text
                assert (await g.http.get("/readyz")).status_code == 503
                async with g.connect() as late:
                    await late.send(start("CA2", token))
                    assert await close_code(late) == 1013
                await ws.send(stop())
                assert await close_code(ws) == 1000
            await g.nothing_left()
            assert (await g.http.get("/readyz")).json() == {"ready": True, "reason": None}
            desk.reason = "models are loading"
            assert "not ready" in (await g.voice("CA3")).text
            answer = await g.http.get("/readyz")
            assert (answer.status_code, answer.json()["reason"]) == (503, "models are loading")
            assert (await g.http.get("/healthz")).status_code == 200

    run(test)


def test_what_follows_a_call() -> None:
    def react(leg: CallLeg, event: LegEvent) -> None:
        if isinstance(event, Started) and leg.call == "CA1":
            leg.transfer("+493012345678")

    async def test() -> None:
        desk = Desk(react)
        async with gateway(desk) as g:

            async def following(call_sid: str, query: str = "") -> str:
                return (await g.http.post(f"/twilio/next{query}", data={"CallSid": call_sid})).text

            async with g.calling("CA1") as ws:
                assert await close_code(ws) == 1000
            assert "<Dial><Number>+493012345678</Number></Dial>" in await following("CA1")
            assert "<Hangup />" in await following("CA1")  # told once
            desk.then = Dial("sip:desk@example.com")
            assert "<Dial><Sip>sip:desk@example.com</Sip></Dial>" in await following("CA2")
            desk.then = Record("After the <beep>.")
            text = await following("CA2")
            assert "After the &lt;beep&gt;." in text
            assert "/twilio/next?after=record" in text
            assert "<Hangup />" in await following("CA2", "?after=record")

    run(test)


def test_signed_webhooks_behind_a_proxy() -> None:
    async def test() -> None:
        public = "https://bot.example.com"
        async with gateway(Desk(), twilio_auth_token=SecretStr(TOKEN), public_url=public) as g:
            form = {"CallSid": "CA1", "From": "+15550100"}
            forwarded = {"X-Forwarded-For": "54.1.2.3", "X-Forwarded-Proto": "https"}
            good = {**forwarded, "X-Twilio-Signature": sign(f"{public}/twilio/voice", form)}
            answer = await g.voice(headers=good)
            assert answer.status_code == 200
            assert 'url="wss://bot.example.com/twilio/stream"' in answer.text
            token = answer.text.partition('value="')[2].partition('"')[0]
            assert (await g.voice(headers=forwarded)).status_code == 403
            assert (await g.voice("CA2", headers=good)).status_code == 403
            assert (await g.http.post("/twilio/next", data=form, headers=good)).status_code == 403
            assert g.metric("refused_requests_total", reason="signature") == 3
            with pytest.raises(Exception, match="403"):
                await g.connect(additional_headers={"X-Twilio-Signature": "bad"})
            async with g.connect(
                additional_headers={**forwarded, "X-Twilio-Signature": sign("wss://bot.example.com/twilio/stream")}
            ) as ws:
                await ws.send(start("CA1", token))
                await g.desk.started.wait()

    run(test)


def test_without_auth_token_only_loopback_is_served() -> None:
    async def test() -> None:
        async with gateway(Desk()) as g:
            for headers in ({"X-Forwarded-For": "1.2.3.4"}, {"Forwarded": "for=1.2.3.4"}, {"Host": "evil.example.com"}):
                assert (await g.voice(headers=headers)).status_code == 403
                for path in ("/metrics", "/calls", "/calls/CA1", "/healthz", "/readyz"):
                    assert (await g.http.get(path, headers=headers)).status_code == 403
            with pytest.raises(Exception, match="403"):
                await g.connect(additional_headers={"X-Real-IP": "1.2.3.4"})
            assert g.metric("refused_requests_total", reason="not_loopback") == 19

    run(test)


def test_operator_routes_need_the_admin_token_from_elsewhere() -> None:
    async def test() -> None:
        async with gateway(Desk(), admin_token=SecretStr("s3cret"), twilio_auth_token=SecretStr(TOKEN)) as g:
            elsewhere = {"X-Forwarded-For": "1.2.3.4"}
            assert (await g.http.get("/calls")).status_code == 200
            assert (await g.http.get("/calls", headers=elsewhere)).status_code == 401
            assert (await g.http.get("/metrics", headers={**elsewhere, "Authorization": "Bearer wrong"})).status_code == 401
            assert (await g.http.get("/metrics", headers={**elsewhere, "Authorization": "Bearer s3cret"})).status_code == 200
            assert (await g.http.get("/healthz", headers=elsewhere)).status_code == 200

    run(test)


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"", "application/x-www-form-urlencoded"),
        (b"CallSid=", "application/x-www-form-urlencoded"),
        (b"CallSid=CA%201", "application/x-www-form-urlencoded"),
        (b"CallSid=CA1&" + b"a=1&" * 300, "application/x-www-form-urlencoded"),
        (b"CallSid=CA1&a=" + b"x" * 100_000, "application/x-www-form-urlencoded"),
        (b"CallSid=CA1&a=\xff", "application/x-www-form-urlencoded"),
        (b'{"CallSid": "CA1"}', "application/json"),
    ],
    ids=["empty", "no CallSid", "blank in CallSid", "many fields", "long", "not UTF-8", "JSON"],
)
def test_bad_forms(content: bytes, content_type: str) -> None:
    async def test() -> None:
        async with gateway(Desk()) as g:
            answer = await g.http.post("/twilio/voice", content=content, headers={"Content-Type": content_type})
            assert answer.status_code == 403
            assert len(g.intake._tokens) == 0

    run(test)


@pytest.mark.parametrize(("low_ms", "high_ms", "allowed_ms"), [(0, 0, 20), (50, 150, 60)], ids=["loopback", "slow network"])
def test_heard_through_the_network(low_ms: float, high_ms: float, allowed_ms: float) -> None:
    async def one(g: Any, seed: int) -> float:
        flushed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        begun: asyncio.Future[CallLeg] = asyncio.get_running_loop().create_future()
        call_sid = f"CA{seed}"

        def react(leg: CallLeg, event: LegEvent) -> None:
            if leg.call != call_sid:
                return
            match event:
                case Started():
                    leg.play(tone(16_000))
                    begun.set_result(leg)
                case Flushed(sample):
                    flushed.set_result(sample)
                    leg.hangup(after_playout=False)
                case _:
                    pass

        reactions.append(react)
        async with g.calling(call_sid) as ws:
            phone = DistantPhone(ws, low_ms, high_ms, seed)
            playing = asyncio.create_task(phone.run())
            leg = await begun
            asyncio.get_running_loop().call_later(0.45 + 0.07 * seed, leg.flush)
            sample = await flushed
            await playing
        return abs(sample - len(phone.heard)) / 8

    reactions: list[Any] = []

    async def test() -> None:
        desk = Desk(lambda leg, event: [react(leg, event) for react in reactions] and None)
        async with gateway(desk) as g:
            errors = await asyncio.gather(*(one(g, seed) for seed in range(5)))
        assert statistics.median(errors) <= allowed_ms
        assert max(errors) <= allowed_ms + 20  # a shared machine may stall either side for a frame

    run(test)


def test_what_waits_on_its_way_out_is_in_the_metrics() -> None:
    async def test() -> None:
        desk = Desk(greet)
        async with gateway(desk) as g:
            queued = ("playout_queued_ms", "outbox_messages", "streams_pending")
            assert [g.metric(name) for name in queued] == [0, 0, 0]
            async with g.connect() as ws:
                await ws.send(connected())
                assert g.metric("streams_pending") == 1
            async with g.calling() as ws:
                await desk.started.wait()
                assert 500 < g.metric("playout_queued_ms") <= 1000, "a second was given, and 160 ms of it sent"
                await ws.send(stop())
                await desk.ended.wait()
            await g.nothing_left()
            assert [g.metric(name) for name in queued] == [0, 0, 0]

    run(test)
