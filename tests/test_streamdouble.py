"""A call by streamdouble, a Twilio stream client that is not ours: no violation, also through a barge-in and a hang-up.

It differs from Twilio's documents in one thing, which makes it the harder peer: at `clear` it forgets the marks that waited.
"""

from __future__ import annotations

from typing import Any

from gateway_bench import Desk, gateway, run, tone
from streamdouble.protocol import StreamIdentity
from streamdouble.scenario import Dtmf, Hangup, Scenario, Wait, WaitFor
from streamdouble.session import Session, SessionConfig

from pipeline.leg import Audio, CallLeg, Digit, Ended, Flushed, LegEvent, Played, Segment, Started

CALL_SID = "CA0123456789abcdef0123456789abcdef"


async def place(g: Any, *steps: Any) -> Any:
    """One call that does `steps`."""
    config = SessionConfig(custom_parameters={"token": await g.token(CALL_SID)})
    scenario = Scenario(name="test", steps=list(steps))
    return await Session(g.url, scenario=scenario, config=config, identity=StreamIdentity(call_sid=CALL_SID)).run()


def test_a_call_with_barge_in() -> None:
    def react(leg: CallLeg, event: LegEvent) -> None:
        match event:
            case Started():
                leg.play(tone(24_000))
            case Digit("1"):
                leg.flush()
            case Flushed():
                leg.play(Segment(2, 800, bytes(800)))
            case Digit("2"):
                leg.hangup(after_playout=True)
            case _:
                pass

    async def test() -> None:
        desk = Desk(react)
        async with gateway(desk) as g:
            result = await place(
                g, WaitFor("audio"), Wait(0.4), Dtmf("1"), WaitFor("clear"), Wait(0.3), Dtmf("2"), Wait(0.2), Hangup()
            )
            await desk.ended.wait()
            assert result.violations == []
            assert bytes(800) in bytes(result.audio_received)  # what was said after the flush was heard
            (flushed,) = [e for e in desk.events if isinstance(e, Flushed)]
            assert 300 * 8 < flushed.sample < 800 * 8
            assert Played(24_800) in desk.events
            audio = [e.first_sample for e in desk.events if isinstance(e, Audio)]
            assert audio == [i * 160 for i in range(len(audio))]
            assert len(audio) > 30
            assert desk.events[-1] == Ended("hung_up")
            assert g.metric("calls_ended_total", reason="hung_up") == 1

    run(test)


def test_the_caller_hangs_up_mid_word() -> None:
    def react(leg: CallLeg, event: LegEvent) -> None:
        if isinstance(event, Started):
            leg.play(tone(24_000))

    async def test() -> None:
        desk = Desk(react)
        async with gateway(desk) as g:
            result = await place(g, WaitFor("audio"), Wait(0.2), Hangup())
            await desk.ended.wait()
            assert result.violations == []
            assert desk.events[-1] == Ended("disconnected")  # it drops the line without a `stop`

    run(test)
