"""The codec against golden messages and their broken twins (fixtures/twilio)."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.twilio_stream import (
    MAX_MESSAGE_BYTES,
    Connected,
    Dtmf,
    Ignored,
    MarkReturned,
    Media,
    Stopped,
    StreamEvent,
    StreamStarted,
    TwilioStream,
    Violation,
)

FIXTURES = Path(__file__).parent.parent / "fixtures" / "twilio"
CALL = (FIXTURES / "call.jsonl").read_text().splitlines()
BROKEN: list[dict[str, Any]] = [json.loads(line) for line in (FIXTURES / "broken.jsonl").read_text().splitlines()]
SID = "MZ0123456789abcdef0123456789abcdef"


def started() -> TwilioStream:
    stream = TwilioStream()
    for message in CALL[:2]:
        stream.receive(message)
    return stream


def media(chunk: int, timestamp_ms: int, payload: bytes) -> str:
    body = {"track": "inbound", "chunk": str(chunk), "timestamp": str(timestamp_ms), "payload": base64.b64encode(payload).decode()}
    return json.dumps({"event": "media", "sequenceNumber": "2", "streamSid": SID, "media": body})


def one(stream: TwilioStream, message: str | bytes) -> StreamEvent:
    (event,) = stream.receive(message)
    return event


def test_a_whole_call() -> None:
    stream = TwilioStream()
    events = [event for message in CALL for event in stream.receive(message)]
    kinds = [type(event) for event in events]
    assert kinds == [Connected, StreamStarted, Media, Media, Dtmf, MarkReturned, Media, Stopped]
    start = events[1]
    assert start == StreamStarted(
        "CA0123456789abcdef0123456789abcdef",
        SID,
        "AC0123456789abcdef0123456789abcdef",
        {"token": "t0ken", "campaign": "spring"},
        "audio/x-mulaw",
        8000,
    )
    frames = [frame for event in events if isinstance(event, Media) for frame in event.frames]
    assert [(f.first_sample, f.payload) for f in frames] == [(i * 160, bytes(range(160))) for i in range(3)]
    assert isinstance(events[2], Media)
    assert (events[2].sequence, events[2].chunk, events[2].timestamp_ms) == (2, 1, 60)
    assert events[4:6] == [Dtmf("7"), MarkReturned("p1")]
    assert one(stream, CALL[2]) == Ignored("after_end")


def test_what_is_sent() -> None:
    stream = started()
    sent = [stream.media(bytes(range(160))), stream.mark("p1"), stream.clear()]
    assert [json.loads(m) for m in sent] == [json.loads(line) for line in (FIXTURES / "sent.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("twin", BROKEN, ids=lambda twin: twin["name"])
def test_broken_twins(twin: dict[str, Any]) -> None:
    stream = started() if twin["when"] == "after" else TwilioStream()
    event = one(stream, twin["message"] * twin.get("repeat", 1))
    kind, reason, *code = twin["expect"].split()
    assert event == (Ignored(reason) if kind == "ignored" else Violation(reason, int(code[0])))
    if kind == "violation":
        assert one(stream, CALL[1]) == Ignored("after_end")
    elif twin["when"] == "after":
        assert isinstance(one(stream, CALL[2]), Media)  # the stream goes on


def test_transport_violations() -> None:
    assert one(started(), b"\x00\x01") == Violation("binary_frame", 1003)
    assert one(started(), " " * (MAX_MESSAGE_BYTES + 1)) == Violation("too_big", 1009)


def test_too_many_ignored_in_a_row() -> None:
    stream = started()
    events = [one(stream, "x") for _ in range(101)]
    assert events[:100] == [Ignored("malformed_json")] * 100
    assert events[100] == Violation("too_many_ignored", 1008)


def test_good_messages_forgive() -> None:
    stream = started()
    for i in range(400):
        for j in range(10):
            assert isinstance(one(stream, media(i * 10 + j + 1, (i * 10 + j) * 20, bytes(160))), Media)
        assert one(stream, '{"event": "news"}') == Ignored("unknown_event")


def test_duplicates_and_the_bots_track_are_no_strain() -> None:
    stream = started()
    one(stream, media(1, 0, bytes(160)))
    for _ in range(500):
        assert one(stream, media(1, 0, bytes(160))) == Ignored("duplicate_media")
    outbound = json.dumps({"event": "media", "streamSid": SID, "media": {"track": "outbound"}})
    for _ in range(500):
        assert one(stream, outbound) == Ignored("outbound_track")
    assert stream.timeline.duplicates == 500


@given(payload=st.binary(min_size=1, max_size=4000))
def test_media_round_trip(payload: bytes) -> None:
    stream = started()
    wire = json.loads(stream.media(payload))
    event = one(stream, media(1, 0, base64.b64decode(wire["media"]["payload"])))
    assert isinstance(event, Media)
    assert b"".join(f.payload for f in event.frames) == payload[: len(payload) // 160 * 160]


@given(name=st.text())
def test_mark_round_trip(name: str) -> None:
    stream = started()
    assert one(stream, stream.mark(name)) == MarkReturned(name)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
)


@given(
    event=st.sampled_from(["connected", "start", "media", "dtmf", "mark", "stop"]),
    body=_JSON,
    sid=st.just(SID) | _JSON,
    early=st.booleans(),
)
@settings(max_examples=50)
def test_never_raises(event: str, body: object, sid: object, early: bool) -> None:
    stream = TwilioStream() if early else started()
    for message in (json.dumps({"event": event, event: body, "streamSid": sid}), json.dumps(body), str(body)):
        assert len(stream.receive(message)) == 1
