"""A recorded caller: out of wire messages or sound, and back into a gateway at the recorded pace."""

from __future__ import annotations

import asyncio
import base64
import json

import numpy as np
import stalls
from test_caller_place import WORDS, ToneBot

from telephony.caller.place import place_call
from telephony.caller.recorded import RecordedMessage, frame_message, from_audio, from_wire, next_frame
from telephony.caller.script import CallerScript
from telephony.caller.wav import ulaw_to_pcm


def row(at_ms: float, who: str, event: str, **body: object) -> dict[str, object]:
    return {"at_ms": at_ms, "from": who, "message": {"event": event, event: body, "streamSid": "MZ1"}}


def test_only_what_the_caller_did_is_taken() -> None:
    rows = [
        {"at_ms": 1, "from": "twilio", "message": {"event": "connected"}},
        row(3, "twilio", "start", callSid="CA1"),
        row(23.5, "twilio", "media", timestamp="0", payload="//8="),
        row(24, "bot", "media", payload="AAAA"),
        row(30, "twilio", "mark", name="m1"),
        {"at_ms": 31, "from": "twilio", "text": "not json"},
        {"lost": 4},
        row(40, "twilio", "dtmf", digit="4"),
        row(60, "twilio", "stop"),
    ]
    found = from_wire(rows)
    assert [(m.at_ms, m.event) for m in found] == [(20.5, "media"), (37, "dtmf"), (57, "stop")]
    assert found[1].body == {"digit": "4"}


def test_sound_becomes_frames_on_time() -> None:
    found = from_audio(WORDS[:500])
    assert [(m.at_ms, m.body["timestamp"], m.body["chunk"]) for m in found] == [(20, "0", "1"), (40, "20", "2"), (60, "40", "3")]
    sound = np.concatenate([ulaw_to_pcm(base64.b64decode(m.body["payload"])) for m in found])
    assert np.max(np.abs(sound.astype(int) - WORDS[:480])) < 300  # µ-law
    assert next_frame(found) == 3
    assert next_frame([]) == 0


def test_the_recorded_frames_reach_the_gateway_at_the_recorded_times() -> None:
    """With a lost frame, a key, and a quarter of a second without anything."""
    silent = np.zeros(160, np.int16)
    frames = [frame_message(n, WORDS[n * 160 : (n + 1) * 160]) for n in range(25) if n != 7]
    late = [frame_message(n, silent) for n in range(37, 60)]
    recorded = [*frames, RecordedMessage(510.0, "dtmf", {"digit": "5"}), *late, RecordedMessage(1210.0, "stop", {})]
    bot = ToneBot(greeting_samples=800)

    async def place() -> tuple[object, float]:
        async with stalls.watched() as stalled, bot.listening() as url:
            return await place_call(url, CallerScript("again", ()), recorded=recorded), stalled.ms

    result, stalled_ms = asyncio.run(place())
    media = [message for message in bot.messages if message["event"] == "media"]
    assert [m["media"]["payload"] for m in media] == [m.body["payload"] for m in recorded if m.event == "media"]
    assert [m["media"]["timestamp"] for m in media] == [m.body["timestamp"] for m in recorded if m.event == "media"]
    assert [m["dtmf"]["digit"] for m in bot.messages if m["event"] == "dtmf"] == ["5"]
    assert bot.events()[-1] == "stop"
    assert len({m["streamSid"] for m in bot.messages[1:]}) == 1
    gap_ms = (media[24]["at_ns"] - media[23]["at_ns"]) / 1e6
    assert abs(gap_ms - 260) <= 20 + stalled_ms
    assert result.ended_by == "caller"  # type: ignore[attr-defined]
    assert len(result.caller_pcm) == 60 * 160  # type: ignore[attr-defined]
    assert json.loads(json.dumps(result.as_json()))["failures"] == []  # type: ignore[attr-defined]
