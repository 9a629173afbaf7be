"""A call's trace as spans: one tree, bets and rollbacks in it, no words unless asked for."""

from __future__ import annotations

import json

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan

from pipeline.trace import MS, BargeIn, BetTrace, CallTrace, Span, TurnTrace, trace_id_of
from telephony.spans import SpanMaker, root_of

EPOCH = 1_700_000_000_000_000_000
SPEECH_END = 2000 * MS


def turn() -> TurnTrace:
    """A bet lost to a pause, one won, a reply that was cut in on."""
    vad = Span("vad", 2000 * MS, 2040 * MS)
    asr = Span("asr", 2040 * MS, 2300 * MS, "final", 2050 * MS)
    llm, tts = Span("llm", 2310 * MS, 2400 * MS, "first phrase"), Span("tts", 2400 * MS, 2480 * MS, "", 2410 * MS, 900.0)
    lost = BetTrace(7, 1500 * MS, 1600 * MS, "lost", [Span("vad", 1460 * MS, 1500 * MS)])
    won = BetTrace(8, 2040 * MS, 2320 * MS, "won", [vad, asr])
    trace = TurnTrace(3, SPEECH_END, caller="secret question", reply="secret reply", heard="secret", outcome="interrupted")
    trace.committed_ns, trace.first_audio_ns, trace.first_heard_ns, trace.last_heard_ns = (
        at * MS for at in (2320, 2480, 2500, 3300)
    )
    trace.spans = [vad, asr, llm, tts]
    trace.bets, trace.rolled_back_tokens = [lost, won], 12
    trace.barge_ins = [BargeIn(3200 * MS, 3300 * MS, "cancelled")]
    return trace


def spans(*, words: bool = False) -> list[ReadableSpan]:
    return SpanMaker(Resource.get_empty(), EPOCH, words).turn("CA1", turn())


def named(name: str) -> list[ReadableSpan]:
    return [span for span in spans() if span.name == name]


def ms(at_ns: int | None) -> float:
    assert at_ns is not None
    return (at_ns - EPOCH - SPEECH_END) / MS


def test_one_tree_under_the_call() -> None:
    found = spans()
    ids = {span.context.span_id for span in found}
    assert len(ids) == len(found)
    assert {span.context.trace_id for span in found} == {int(trace_id_of("CA1"), 16)}
    (root,) = [span for span in found if span.name == "turn"]
    assert root.parent == root_of("CA1")
    assert all(span.parent.span_id in ids for span in found if span is not root)
    assert all(span.context.trace_flags.sampled for span in found)
    assert root.start_time == min(span.start_time for span in found)
    assert root.end_time == max(span.end_time for span in found)


def test_each_stage_is_there_once_and_under_the_bet_that_began_it() -> None:
    found = spans()
    lost, won = [span for span in found if span.name == "bet"]
    assert [span.attributes["firstword.outcome"] for span in (lost, won)] == ["lost", "won"]
    (asr,) = [span for span in found if span.name == "asr"]
    assert asr.parent == won.context
    assert [span.parent == bet.context for span, bet in zip(named("vad"), (lost, won), strict=True)] == [False, False]  # made anew
    assert sorted(span.name for span in found) == sorted("turn bet vad bet vad asr llm tts playout".split())
    assert (ms(asr.start_time), ms(asr.end_time)) == (40, 300)
    assert asr.attributes["firstword.waited_ms"] == 10


def test_bets_that_were_lost_end_in_a_rollback_and_the_cache_says_how_much() -> None:
    lost, won = named("bet")
    assert [event.name for event in lost.events] == ["rollback"]
    assert ms(lost.events[0].timestamp) == -400
    assert won.events == ()
    (llm,) = named("llm")
    assert [(event.name, dict(event.attributes or {})) for event in llm.events] == [("kv rollback", {"firstword.tokens": 12})]


def test_moments_of_the_turn_and_who_spoke_over_it() -> None:
    (root,) = named("turn")
    moments = {event.name: ms(event.timestamp) for event in root.events}
    assert moments == {
        "caller silent": 0,
        "turn over": 320,
        "first phrase to the leg": 480,
        "first word heard": 500,
        "last word heard": 1300,
        "barge-in": 1200,
    }
    assert root.attributes["firstword.first_word_ms"] == 500
    barge_in = root.events[-1]
    assert dict(barge_in.attributes or {}) == {"firstword.outcome": "cancelled", "firstword.barge_in_ms": 100.0}
    (playout,) = named("playout")
    assert (ms(playout.start_time), ms(playout.end_time)) == (500, 1300)


def test_words_only_when_asked_for() -> None:
    assert "secret" not in json.dumps([span.to_json() for span in spans()])
    (root,) = [span for span in spans(words=True) if span.name == "turn"]
    assert root.attributes["firstword.caller"] == "secret question"


def test_a_turn_that_was_never_heard_has_no_playout() -> None:
    silent = TurnTrace(1, SPEECH_END)
    assert [span.name for span in SpanMaker(Resource.get_empty(), EPOCH).turn("CA1", silent)] == ["turn"]


def test_the_call_is_the_root() -> None:
    call = CallTrace("CA1", "Spoke and Chain", 1000 * MS, 9000 * MS, "hung_up")
    call.count("bet_won", 2)
    root = SpanMaker(Resource.get_empty(), EPOCH).call(call)
    assert (root.context, root.parent) == (root_of("CA1"), None)
    assert root.end_time - root.start_time == 8000 * MS
    assert root.attributes["firstword.count.bet_won"] == 2
