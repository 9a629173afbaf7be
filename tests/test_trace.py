"""The record of a call, as operators read it."""

from __future__ import annotations

import json

from pipeline.trace import MS, CallTrace, TurnTrace


def test_a_turn_is_told_in_milliseconds_from_the_callers_last_sound() -> None:
    turn = TurnTrace(2, 1000 * MS, caller="are you open", reply="Yes.", heard="Yes.", outcome="answered")
    turn.committed_ns, turn.first_audio_ns = 1160 * MS, 1200 * MS
    turn.span("asr", 900 * MS, 1100 * MS, "final")
    turn.span("tts", 1150 * MS, 1190 * MS)
    told = turn.as_json()
    assert (told["committed_ms"], told["first_audio_ms"], told["last_audio_ms"]) == (160.0, 200.0, None)
    assert told["complete"] is None
    turn.complete = 0.93
    assert turn.as_json()["complete"] == 0.93
    assert told["stages"] == [
        {"name": "asr", "start_ms": -100.0, "end_ms": 100.0, "note": "final"},
        {"name": "tts", "start_ms": 150.0, "end_ms": 190.0},
    ]


def test_a_call_is_active_until_it_has_ended() -> None:
    call = CallTrace("CA1", "Spoke and Chain", 5 * MS)
    call.count("bet_won")
    call.count("bet_won", 2)
    call.turns.append(TurnTrace(1, 5 * MS))
    told = call.as_json()
    assert (told["version"], told["state"], told["duration_ms"]) == (1, "active", 0)
    assert told["counters"] == {"bet_won": 3}
    call.ended_ns, call.end_reason = 2505 * MS, "caller_hung_up"
    told = json.loads(json.dumps(call.as_json()))
    assert (told["state"], told["duration_ms"], told["end_reason"]) == ("ended", 2500, "caller_hung_up")
    assert told["turns"][0]["turn_id"] == 1
