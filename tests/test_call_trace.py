"""What a call leaves on record beside its words: times at the ear, bets, interruptions, rollbacks; and that tracing it changes nothing."""

from __future__ import annotations

import pytest
from fake_leg import Line, noise
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from test_call import HUM, MORE, SERVICE, THANKS, Counts, Phone, ask, greeted

from config.tracing import TracingSettings
from pipeline.trace import MS, CallTrace, TurnTrace
from telephony.metrics import Metrics
from telephony.tracing import Tracing

FRAME_MS = 20


async def interrupted(line: Line) -> None:
    """A question after a lost bet, a hum over its answer, words over it."""
    await greeted(line)
    await line.hear(noise(SERVICE, 700))
    await line.silence(80)
    await line.hear(noise(MORE, 500))
    await line.silence(300)
    await line.hear(noise(HUM, 260))
    await line.silence(900)
    await line.hear(noise(THANKS, 700))
    await line.silence(400)
    await line.until_quiet()


@pytest.fixture(scope="module")
def call() -> CallTrace:
    return Phone().hold(interrupted).trace


def test_when_a_reply_was_heard_is_what_the_leg_played() -> None:
    phone, at_ear = Phone(), {}

    async def script(line: Line) -> None:
        heard_before = phone.leg.heard
        tick = line.leg.tick

        def watched() -> None:
            nonlocal heard_before
            tick()
            if phone.leg.heard > heard_before:
                turn = phone.leg.segments[-1].turn_id
                begin_ns = round((line.loop.now - (phone.leg.heard - heard_before) / 8000) * 1e9)
                at_ear.setdefault(turn, [begin_ns, 0])[1] = round(line.loop.now * 1e9)
            heard_before = phone.leg.heard

        line.leg.tick = watched  # type: ignore[method-assign]
        await greeted(line)
        await ask(line)
        await line.until_quiet()

    turns = phone.hold(script).trace.turns
    assert [turn.outcome for turn in turns] == ["greeting", "answered"]
    for turn in turns:
        first_ns, last_ns = at_ear[turn.turn_id]
        assert abs(turn.first_heard_ns - first_ns) <= FRAME_MS * MS
        assert abs(turn.last_heard_ns - last_ns) <= (FRAME_MS + 200) * MS, "a phrase ends in a pause that nobody can hear"
        assert turn.first_audio_ns <= turn.first_heard_ns < turn.last_heard_ns
        assert turn.first_word_ms == (turn.first_heard_ns - turn.speech_end_ns) / MS


def test_the_bets_that_led_to_a_turn_are_in_its_trace(call: CallTrace) -> None:
    turn = next(turn for turn in call.turns if "service" in turn.caller)
    assert [bet.outcome for bet in turn.bets] == ["lost", "won"]
    lost, won = turn.bets
    assert lost.number < won.number
    assert lost.start_ns < lost.end_ns < won.start_ns < won.end_ns <= turn.committed_ns
    assert {"vad", "asr", "turn"} <= {span.name for span in lost.spans}
    assert {"llm", "tts"} & {span.name for span in lost.spans}, "what was made of the reply that nobody heard"
    assert [span for span in won.spans if not any(span is mine for mine in turn.spans)] == []
    assert not any(span is mine for span in lost.spans for mine in turn.spans)


def test_counts_and_traces_of_bets_agree(call: CallTrace) -> None:
    bets = [bet.outcome for turn in call.turns for bet in turn.bets]
    assert bets.count("won") == call.counters["bet_won"]
    assert bets.count("lost") == call.counters["bet_lost"]


def test_who_spoke_over_the_bot_is_on_record_with_what_came_of_it(call: CallTrace) -> None:
    barge_ins = [one for turn in call.turns for one in turn.barge_ins]
    assert [one.outcome for one in barge_ins] == ["resumed", "cancelled"]
    for one in barge_ins:
        assert 0 < (one.silenced_ns - one.start_ns) / MS < 250
    told = next(turn for turn in call.turns if turn.barge_ins).as_json()["barge_ins"]
    assert told[0]["latency_ms"] == (barge_ins[0].silenced_ns - barge_ins[0].start_ns) / MS


def test_the_cache_tells_what_it_dropped(call: CallTrace) -> None:
    """The second fact differs from the first."""
    worded = [turn for turn in call.turns if turn.fact]
    assert sum(turn.rolled_back_tokens for turn in worded) > 0
    assert all(turn.as_json()["rolled_back_tokens"] == turn.rolled_back_tokens for turn in call.turns)


class Traced(Counts):
    """The observer with tracing in it."""

    def __init__(self) -> None:
        super().__init__()
        self.exporter = InMemorySpanExporter()
        self.tracing = Tracing(TracingSettings(delay_ms=10), Metrics(), self.exporter)

    def turn_over(self, trace: TurnTrace) -> None:
        super().turn_over(trace)
        self.tracing.turn_over("CA1", trace)


def test_with_tracing_every_word_comes_at_the_same_moment(call: CallTrace) -> None:
    """On the virtual clock to the nanosecond: nothing of tracing happens before a turn is over."""
    counts = Traced()
    traced = Phone(counts=counts).hold(interrupted).trace
    counts.tracing.close()
    assert [(t.turn_id, t.outcome, t.first_heard_ns, t.last_heard_ns) for t in traced.turns] == [
        (t.turn_id, t.outcome, t.first_heard_ns, t.last_heard_ns) for t in call.turns
    ]
    spans = counts.exporter.get_finished_spans()
    assert [span.name for span in spans].count("turn") == len(call.turns)
    assert [span.attributes["firstword.outcome"] for span in spans if span.name == "bet"] == [
        bet.outcome for turn in call.turns for bet in turn.bets
    ]
