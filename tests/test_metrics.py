"""Every metric of the contract, and what a turn adds to them."""

from __future__ import annotations

import asyncio

import pytest

from pipeline.trace import MS, Span, TurnTrace
from telephony.metrics import BUDGET_MS, Metrics

CONTRACT = [
    *(
        f"firstword_{stage}_latency_ms_bucket"
        for stage in ("vad", "turn", "asr", "llm", "tts", "ttfw", "e2e", "greeting", "barge_in", "asr_partial")
    ),
    "firstword_llm_tokens_per_second_bucket",
    "firstword_tts_rtf_bucket",
    "firstword_active_calls",
    "firstword_barge_ins_total",
    "firstword_bets_total",
    "firstword_partials_dropped_total",
    "firstword_event_loop_lag_ms_bucket",
]


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"firstword_{name}", labels)


@pytest.mark.parametrize("name", CONTRACT)
def test_contract(name: str) -> None:
    metrics = Metrics()
    metrics.observe_barge_in("resumed", 120)
    metrics.count_bet("won")
    assert f"\n{name}" in metrics.exposition().decode()


def test_an_answered_turn() -> None:
    metrics = Metrics()
    turn = TurnTrace(1, speech_end_ns=1000 * MS, outcome="answered", reply="It is 4.50.", first_audio_ns=1640 * MS)
    turn.first_heard_ns, turn.last_heard_ns, turn.tokens_per_second = 1650 * MS, 3000 * MS, 40.0
    turn.span("asr", 900 * MS, 1100 * MS)
    turn.span("asr", 500 * MS, 600 * MS, "partial")
    turn.span("playout", 0, 1)
    turn.spans.append(Span("tts", 1600 * MS, 1700 * MS, "first phrase", 1650 * MS, audio_ms=1000.0))
    metrics.observe_turn(turn)
    assert value(metrics, "ttfw_latency_ms_sum") == 650
    assert value(metrics, "e2e_latency_ms_sum") == 2000
    assert value(metrics, "asr_latency_ms_sum") == 200
    assert value(metrics, "asr_partial_latency_ms_sum") == 100
    assert value(metrics, "greeting_latency_ms_count") == 0
    assert value(metrics, "reply_made_latency_ms_sum") == 700
    assert value(metrics, "llm_tokens_per_second_sum") == 40
    assert value(metrics, "tts_rtf_sum") == 0.05


def test_a_reply_of_two_sentences_has_no_made_time_and_one_that_was_cut_no_end() -> None:
    metrics = Metrics()
    times = {"speech_end_ns": 10 * MS, "first_audio_ns": 20 * MS, "first_heard_ns": 30 * MS, "last_heard_ns": 90 * MS}
    metrics.observe_turn(TurnTrace(1, outcome="answered", reply="Yes. We are.", **times))
    metrics.observe_turn(TurnTrace(2, outcome="interrupted", reply="Yes.", **times))
    counts = [value(metrics, f"{name}_latency_ms_count") for name in ("ttfw", "e2e", "reply_made")]
    assert counts == [2, 1, 0]


@pytest.mark.parametrize("stage", BUDGET_MS)
def test_a_bucket_ends_at_each_budget(stage: str) -> None:
    edge = str(float(BUDGET_MS[stage]))
    assert value(Metrics(), f"{stage}_latency_ms_bucket", le=edge) == 0


def test_greetings_and_silent_turns() -> None:
    metrics = Metrics()
    metrics.observe_turn(TurnTrace(0, speech_end_ns=0, outcome="greeting", first_audio_ns=180 * MS))
    metrics.observe_turn(TurnTrace(1, speech_end_ns=10 * MS, outcome="answered"))
    metrics.observe_turn(TurnTrace(2, speech_end_ns=10 * MS, outcome="reprompt", first_audio_ns=20 * MS))
    assert value(metrics, "greeting_latency_ms_sum") == 180
    assert value(metrics, "ttfw_latency_ms_count") == 0


def test_rates_and_counts() -> None:
    metrics = Metrics()
    metrics.count_partial_dropped(3)
    metrics.count_refused("token")
    metrics.count_ignored("bad_media")
    assert value(metrics, "partials_dropped_total") == 3
    assert value(metrics, "refused_requests_total", reason="token") == 1
    assert value(metrics, "ignored_messages_total", reason="bad_media") == 1


def test_loop_lag_is_sampled_until_cancelled() -> None:
    metrics = Metrics()

    async def run() -> None:
        async with asyncio.timeout(0.05):
            await metrics.sample_loop_lag(0.001)

    with pytest.raises(TimeoutError):
        asyncio.run(run())
    assert value(metrics, "event_loop_lag_ms_count")
