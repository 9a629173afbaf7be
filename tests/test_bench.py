"""The latency report's pure parts: figures from calls, the page, the picture. What it measures is measured by `make bench`."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest

from config.tracing import TracingSettings
from pipeline.trace import CallTrace
from telephony.bench.figures import end_to_end_ms, figures, percentiles
from telephony.bench.machine import environment, stolen
from telephony.bench.plan import ABLATIONS, LOAD, MIX, runs_named
from telephony.bench.report import markdown
from telephony.bench.runner import _collecting
from telephony.caller.fixture import bot_file, load_fixture
from telephony.gantt import gantt
from telephony.metrics import Metrics
from telephony.tracing import open_tracing


def turn(first_word_ms: int | None = 400, **more: Any) -> dict[str, Any]:
    usual = {
        "first_word_ms": first_word_ms,
        "pauses": 0,
        "cut_ins": 0,
        "barge_in_ms": None,
        "resumed_ms": None,
        "hum": False,
        "failures": [],
    }
    return {**usual, **more}


def traced(**more: Any) -> dict[str, Any]:
    stages = [
        {"name": "vad", "start_ms": 0.0, "end_ms": 40.0},
        {"name": "asr", "start_ms": 40.0, "end_ms": 340.0, "note": "final"},
        {"name": "turn", "start_ms": 340.0, "end_ms": 400.0, "note": "words P=0.60"},
        {"name": "tts", "start_ms": 420.0, "end_ms": 520.0, "note": "first phrase"},
    ]
    job = {"engine": "asr", "call": "CA1", "priority": "bet", "threads": 2, "queued_ms": 40.0, "start_ms": 100.0, "end_ms": 340.0}
    usual = {
        "caller": "How much is it?",
        "reply": "It costs 4.50 pounds.",
        "fact": "It costs 4.50 pounds.",
        "outcome": "answered",
        "committed_ms": 410.0,
        "first_audio_ms": 530.0,
        "prefilled_tokens": 12,
        "awaited_tokens": 4,
        "stages": stages,
        "jobs": [job],
    }
    return {**usual, **more}


def call(*turns: dict[str, Any], **counters: int) -> dict[str, Any]:
    return {"turns": list(turns), "greeting_ms": 20, "worst_tick_ms": 5.0, "trace": {"counters": counters, "turns": [traced()]}}


def test_percentiles() -> None:
    assert percentiles(list(range(1, 102))) == {"n": 101, "p50": 51, "p95": 96, "p99": 100}
    assert percentiles([]) == {"n": 0}


def test_figures_of_calls() -> None:
    calls = [
        call(turn(300), turn(500, pauses=2, cut_ins=1), bet_won=2, bet_lost=3),
        call(
            turn(None),
            turn(None, hum=True, barge_in_ms=120, resumed_ms=900),
            turn(None, hum=True, barge_in_ms=5200),
            turn(700, failures=["expected /4/"]),
            bet_won=1,
        ),
    ]
    found = figures(calls)
    assert found["first_word"]["n"] == 3
    assert found["first_word"]["p50"] == 500
    assert found["first_word_no_pauses"]["p50"] == 500
    assert found["first_word_no_pauses"]["n"] == 2
    assert (found["cut_ins"], found["pauses"], found["unanswered"], found["failed_expectations"]) == (1, 2, 1, 1)
    assert found["barge_in"]["p50"] == 120
    assert found["bets"] == {"bet_won": 3, "bet_lost": 3, "commit_undone": 0, "partials_dropped": 0}
    assert found["stages"]["asr final"]["p50"] == 300
    assert found["stages"]["asr, one job"]["p50"] == 240
    assert found["stages"]["turn words"]["p50"] == 60
    assert found["prefilled_tokens"]["p50"] == 12
    assert found["awaited_tokens"]["p50"] == 4


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, 530.0),
        ({"first_audio_ms": 500.0}, 520.0),
        ({"reply": "It costs 4.50 pounds. Anything else?"}, None),
        ({"outcome": "interrupted"}, None),
        ({"first_audio_ms": None}, None),
    ],
    ids=["to the first word", "to the last phrase", "two sentences", "interrupted", "never heard"],
)
def test_end_to_end_is_of_whole_one_sentence_replies(more: dict[str, Any], expected: float | None) -> None:
    assert end_to_end_ms(traced(**more)) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"user": 10.0, "nice": 0.0, "steal": 4.0}, {"user": 20.0, "nice": 2.0, "steal": 7.0}, "20 %"),
        ({"user": 10.0, "nice": 0.0, "steal": 4.0}, {"user": 20.0, "nice": 2.0, "steal": 4.0}, "0 %"),
        ({"user": 10.0}, {"user": 20.0}, "0 %"),
        ({"user": 10.0, "steal": 4.0}, {"user": 10.0, "steal": 4.0}, "0 %"),
    ],
    ids=["a fifth", "none", "a system that does not say", "nothing done"],
)
def test_what_others_took_is_a_share_of_what_was_asked_for(
    before: dict[str, float], after: dict[str, float], expected: str
) -> None:
    assert stolen(before, after) == expected


def test_the_page_has_a_row_for_each_run_there_is() -> None:
    where = {**environment(), "stolen": "18 %"}
    runs = {run.name: {**figures([call(turn(444))]), "environment": where} for run in (LOAD[0], ABLATIONS[0])}
    page = markdown(runs, "latency.svg")
    assert ", 18 % stolen |" in page
    assert "| 1 caller | 1 | 444 |" in page
    assert "450 / 750" in page
    assert f"| {ABLATIONS[0].name} | 444 |" in page
    assert "4 callers" not in page
    assert "| 1 caller | 1 | 4 / 4 | 12 / 12 |" in page
    assert "(latency.svg)" in page


def test_the_picture_is_svg_and_shows_stages_budget_and_first_word() -> None:
    picture = ET.fromstring(gantt(traced(), "<a> & b"))
    texts = [element.text or "" for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert "<a> & b" in texts
    assert {"vad", "asr", "turn", "tts", "asr job", "first word", "turn over"} <= set(texts)
    assert any("budget llm 400" in text for text in texts)


def test_runs_are_chosen_by_name() -> None:
    assert [run.name for run in runs_named(["4 callers"])] == ["4 callers"]
    assert len(runs_named([])) == len(LOAD) + len(ABLATIONS)
    with pytest.raises(ValueError, match="no run '5 callers': there are 1 caller, 2 callers"):
        runs_named(["5 callers"])


def test_the_mix_is_whole_and_each_group_has_one_bot() -> None:
    assert sum(group.share for group in MIX) == pytest.approx(1.0)
    for group in MIX:
        assert len({bot_file(load_fixture(name)) for name in group.fixtures}) == 1


def test_a_caller_of_many_turns_calls_several_times() -> None:
    whole = load_fixture("hesitant-tune-a")
    parts = whole.parts(6)
    assert max(len(part.steps) for part in parts) == 6
    assert tuple(step for part in parts for step in part.steps) == whole.steps
    interrupting = load_fixture("interrupt")
    assert interrupting.parts(1) == (interrupting,)


def test_what_is_traced_is_sent_to_a_collector_that_takes_it() -> None:
    plan = runs_named(["traced"])[0]
    metrics = Metrics()
    with _collecting(plan) as variables:
        endpoint = variables["FIRSTWORD_TRACING__ENDPOINT"]
        tracing = open_tracing(TracingSettings(endpoint=endpoint, delay_ms=10), metrics)
        tracing.call_over(CallTrace("CA1", "test", 1, 2))
        tracing.close()
    assert metrics.registry.get_sample_value("firstword_spans_total", {"outcome": "exported"}) == 1
    with _collecting(LOAD[0]) as variables:
        assert variables == {}
