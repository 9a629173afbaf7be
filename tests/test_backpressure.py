"""Congestion on a real WebSocket: a peer who stops reading, and engines that cannot keep up. Queues stay bounded, partial transcripts are
given up and counted, and the callers' audio is never late.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import time
from collections import defaultdict
from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any

import pytest
import stalls
from fake_leg import LEVELS, Ears, Grammar, Judge, Loudness, Meaning, Mind, Tone, noise
from gateway_bench import Desk, connected, gateway, media, run, start, tone
from websockets.exceptions import ConnectionClosed

from config.tracing import TracingSettings
from pipeline import listen_ahead
from pipeline.call import Call, CallSettings
from pipeline.dialogue import Dialogue
from pipeline.endpointing import Waits
from pipeline.engines import Engines
from pipeline.jobs import Priority
from pipeline.leg import Audio, CallLeg, Ended, LegEvent, Started
from pipeline.llm import LlamaLlm
from pipeline.scheduler import Scheduler
from pipeline.speaker import PhraseCache, PhraseSpeaker
from pipeline.tts import TtsEngine
from pipeline.turn import TurnTaking
from telephony import twilio_leg
from telephony.caller.place import place_call
from telephony.caller.result import CallResult
from telephony.caller.script import AfterBot, CallerScript, Say
from telephony.metrics import Metrics
from telephony.switchboard import Observer
from telephony.tracing import Tracing

MS = 1_000_000
LATE_MS = 40
"""A frame may lie so long between the socket and the call: two frames' time, on a machine that does not stand still."""
SMALL = 4096
QUESTION = LEVELS[0]
FACTS = "A full service costs 90 pounds. We are closed on Sunday."


# a peer that stops reading


async def talk(ws: Any, call_sid: str, token: str, sent_ns: dict[int, int], over: Container[str]) -> None:
    """The caller's audio at real pace, whatever becomes of the other direction. Notes when each frame went out, by its first sample."""
    await ws.send(connected())
    await ws.send(start(call_sid, token))
    zero = time.monotonic_ns()
    try:
        for i in itertools.takewhile(lambda _: call_sid not in over, itertools.count()):
            await asyncio.sleep(max(0.0, (zero + i * 20 * MS - time.monotonic_ns()) / 1e9))
            sent_ns[i * 160] = time.monotonic_ns()
            await ws.send(media(i + 1, i * 20, b"\xff" * 160))
    except ConnectionClosed:
        return


def test_a_peer_that_stops_reading_is_given_up_and_nobodys_audio_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twilio_leg, "SEND_TIMEOUT_S", 0.5)
    came_ns: dict[str, dict[int, int]] = defaultdict(dict)
    ended: dict[str, tuple[str, int]] = {}
    outbox: list[int] = []

    def react(leg: CallLeg, event: LegEvent) -> None:
        match event:
            case Started():
                leg.play(tone(8000 * 60))
            case Audio():
                came_ns[leg.call][event.first_sample] = time.monotonic_ns()
                assert isinstance(leg, twilio_leg.TwilioLeg)
                outbox.append(len(leg._outbox))
            case Ended():
                ended[leg.call] = (event.reason, time.monotonic_ns())
            case _:
                pass

    async def test() -> None:
        # Twilio's own rate, but with a longer lead, so that the buffers are full after three seconds.
        async with gateway(Desk(react), send_buffer=SMALL, playout={"lead_ms": 2000}) as g, stalls.watched() as stalled:
            deaf = socket.socket()
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
            deaf.connect(("127.0.0.1", g.port))
            sent: dict[str, dict[int, int]] = {"CAdeaf": {}, "CAgood": {}}
            async with (
                g.connect(sock=deaf, max_queue=1, ping_interval=None, close_timeout=0.1) as slow,
                g.connect(close_timeout=0.1) as good,
                asyncio.TaskGroup() as group,
            ):
                deaf_talks = group.create_task(talk(slow, "CAdeaf", await g.token("CAdeaf"), sent["CAdeaf"], ended))
                good_talks = group.create_task(talk(good, "CAgood", await g.token("CAgood"), sent["CAgood"], ended))
                reads = group.create_task(read(good))
                await deaf_talks
                await asyncio.sleep(0.2)
                assert g.intake.active == 1, "the other call goes on"
                for task in (good_talks, reads):
                    task.cancel()
            assert ended["CAdeaf"][0] == "slow_reader"
            for call, frames in came_ns.items():
                lag_ms = [(at - sent[call][sample]) / MS for sample, at in frames.items()]
                assert max(lag_ms) <= LATE_MS + stalled.ms, call
                assert sorted(frames) == list(range(0, 160 * len(frames), 160)), "not one frame is missing"
            given_up_ns = (
                ended["CAdeaf"][1] - (twilio_leg.CLOSE_TIMEOUT_S * 1000 + LATE_MS + stalled.ms) * MS
            )  # it reads no close either
            assert len(came_ns["CAdeaf"]) >= sum(at < given_up_ns for at in sent["CAdeaf"].values()), "heard until it was given up"
            assert max(outbox) <= twilio_leg.MAX_OUTBOX
            assert g.metric("calls_ended_total", reason="slow_reader") == 1

    run(test, timeout_s=25)


async def read(ws: Any) -> None:
    async for _ in ws:
        pass


# engines that cannot keep up


@dataclass
class SlowEars(Ears):
    """A recogniser that takes its time."""

    takes_s: float = 0.25

    def run(self, request: Any) -> Any:
        time.sleep(self.takes_s)
        return super().run(request)


@dataclass
class Overload:
    """A reception whose calls are real and whose recogniser is shared by more callers than it can serve."""

    scheduler: Scheduler
    engines: Engines
    dialogue: Dialogue
    metrics: Metrics
    desk: Desk = field(default_factory=Desk)
    late_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    most_waiting: int = 0

    @property
    def calls(self) -> Any:
        return self.desk.calls

    def ready(self) -> str | None:
        return None

    def admit(self) -> bool:
        return True

    def after_call(self, call_sid: str) -> Any:
        return self.desk.after_call(call_sid)

    def observer(self, leg: CallLeg) -> Observer:
        tracing = Tracing(TracingSettings(enabled=False), self.metrics, None)
        return Observer(self.metrics, leg.call, self.scheduler.usage, tracing)

    async def converse(self, leg: CallLeg) -> None:
        settings = CallSettings(
            "test", "Hello.", "Goodbye.", ("Still there?",), TurnTaking(waits=Waits(), silence_s=20.0, reprompts=1)
        )
        call = Call(leg, self.engines, self.dialogue.fork(), settings, self.observer(leg), time.monotonic_ns)
        self.calls.begin(call.trace)
        zero_ns: list[int] = []

        def sink(event: LegEvent) -> None:
            if isinstance(event, Audio):
                now = time.monotonic_ns()
                zero_ns.append(now - event.first_sample * 125_000)
                self.late_ms[leg.call].append((zero_ns[-1] - min(zero_ns)) / MS)
            self.most_waiting = max(self.most_waiting, len(self.scheduler.jobs))
            call.receive(event)

        leg.subscribe(sink)
        await call.run()
        self.calls.end(leg.call)


CALLERS = 6
SCRIPT = CallerScript(
    "busy",
    (Say("question", noise(QUESTION, 1900), AfterBot(100)),),
    patience_ms=5000,
    limit_s=6,
)


def test_with_more_callers_than_the_recogniser_can_serve_partials_go_first_and_nobodys_audio_is_late() -> None:
    asr = SlowEars(words={QUESTION: "How much is a full service?"})
    turn, reader, embed, llm, voice = Judge(), Grammar(), Meaning(), Mind(max_sequences=16), TtsEngine(Tone(), threads=1)
    metrics = Metrics()
    results: list[CallResult] = []

    async def test() -> None:
        async with Scheduler(2, [asr, turn, reader, embed, llm, voice], time.monotonic_ns) as scheduler:
            planner = LlamaLlm(llm, scheduler, 16)
            dialogue = Dialogue("Spoke and Chain", "Hello.", FACTS, "I don't know that.", "Goodbye.", embed.embed)
            reader.learn("", dialogue.statements)
            await planner.share(dialogue.prefix)
            speaker = PhraseSpeaker(voice, scheduler, PhraseCache())
            parts = Engines(scheduler, asr, asr, turn, reader, embed, planner, Loudness(), speaker)  # type: ignore[arg-type]
            desk = Overload(scheduler, parts, dialogue, metrics)
            async with gateway(desk, metrics=metrics) as g, stalls.watched() as stalled:
                url = f"http://127.0.0.1:{g.port}"
                async with asyncio.TaskGroup() as group:
                    placed = [group.create_task(place_call(url, SCRIPT)) for _ in range(CALLERS)]
                results.extend(task.result() for task in placed)
                assert g.metric("partials_dropped_total") >= CALLERS, "1.9 s of speech each, and hardly a partial to be had"
                assert len(desk.late_ms) == CALLERS
                assert max(map(max, desk.late_ms.values())) <= LATE_MS + stalled.ms
            assert desk.most_waiting <= 4 * CALLERS, "a call asks for a few things at a time"
            assert desk.most_waiting <= scheduler.jobs.bound
            assert scheduler.jobs.waiting(Priority.PARTIAL) == 0
            counted = sum((result.trace or {})["counters"].get("partials_dropped", 0) for result in results)
            assert counted == metrics.registry.get_sample_value("firstword_partials_dropped_total")

    run(test, timeout_s=30)
    answered = [turn for result in results for turn in result.turns if turn.first_word_ms is not None]
    assert len(answered) >= CALLERS, "late, but answered"


def test_a_partial_is_lost_when_the_next_one_is_due_too() -> None:
    ahead = listen_ahead.ListenAhead(8000)
    first, following = listen_ahead.FIRST_MS * 8, listen_ahead.NEXT_MS * 8
    assert ahead.due(0, first)
    assert not ahead.passed_over(0, first), "it may still be had"
    assert ahead.passed_over(0, first + following)
    assert not ahead.passed_over(0, first + following + 160), "counted once"
    assert ahead.passed_over(0, first + 2 * following)
    ahead.stable("how much is", first + 2 * following)
    assert not ahead.passed_over(0, first + 3 * following), "the one that was had counts for all before it"
    ahead.reset()
    assert not ahead.due(100_000, 100_000 + first - 1)
    assert ahead.passed_over(100_000, 100_000 + first + following)
