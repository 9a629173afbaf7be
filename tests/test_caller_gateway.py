"""The caller against the real gateway, with a reception that greets and answers in tones."""

import numpy as np
import stalls
from gateway_bench import Desk, gateway, run

from pipeline.leg import Audio, CallLeg, LegEvent, Segment, Started
from telephony.caller.network import Network
from telephony.caller.place import place_call
from telephony.caller.result import CallResult
from telephony.caller.script import AfterBot, CallerScript, Say

TONE = (np.sin(np.arange(8000) * np.pi / 4) * 8000).astype(np.int16)
SCRIPT = CallerScript("t", (Say("words", TONE[:3200], AfterBot(100)),), ends_by="bot", limit_s=8)
ANSWER_AFTER_FRAMES = 10


def answering() -> Desk:
    """400 ms of greeting; 200 ms after the caller's last loud frame 400 ms of answer, then the bot hangs up."""
    quiet = -1

    def react(leg: CallLeg, event: LegEvent) -> None:
        nonlocal quiet
        if isinstance(event, Started):
            leg.play(Segment(0, 3200, leg.encode(TONE[:3200])))
        elif isinstance(event, Audio):
            if np.abs(event.pcm).max() > 4000:
                quiet = 0
            elif 0 <= quiet <= ANSWER_AFTER_FRAMES:
                quiet += 1
                if quiet == ANSWER_AFTER_FRAMES:
                    leg.play(Segment(1, 3200, leg.encode(TONE[:3200])))
                    leg.hangup(after_playout=True)

    return Desk(react)


def call(network: Network) -> tuple[CallResult, float]:
    """What came of it, and for how many milliseconds the machine stood still."""
    results: list[tuple[CallResult, float]] = []

    async def placed() -> None:
        async with stalls.watched() as stalled, gateway(answering()) as running:
            result = await place_call(f"http://127.0.0.1:{running.port}", SCRIPT, network=network)
        results.append((result, stalled.ms))

    run(placed)
    return results[0]


def test_a_whole_call_through_the_gateway() -> None:
    result, stalled_ms = call(Network())
    assert result.passed, result.failures
    assert result.ended_by == "bot"
    assert result.heard_ms == result.received_ms == 800
    assert result.greeting_ms is not None
    assert result.greeting_ms <= 100 + stalled_ms
    assert result.turns[0].first_word_ms is not None
    assert 200 <= result.turns[0].first_word_ms <= 300 + stalled_ms
    assert result.marks_returned > 0
    assert "<Hangup" in result.next_twiml
    assert result.trace is not None
    assert result.trace["state"] == "ended"


def test_network_delay_is_on_top() -> None:
    result, stalled_ms = call(Network(delay_ms=80, jitter_ms=40))
    assert result.passed, result.failures
    assert result.heard_ms == result.received_ms == 800
    assert result.turns[0].first_word_ms is not None
    assert 200 + 160 <= result.turns[0].first_word_ms <= 300 + 240 + stalled_ms
