"""A real Prometheus scrapes the product during a call with its real models; what the gateway measured is what the caller's ear measured."""

from __future__ import annotations

import asyncio
import json
import statistics
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import stalls
from otlp_receiver import receiving
from prometheus_tools import Prometheus, metrics_used, scraping
from test_metrics import CONTRACT

from config.settings import BOTS
from telephony.caller.fixture import load_fixture
from telephony.caller.network import Network
from telephony.caller.own_server import own_server
from telephony.caller.place import place_call
from telephony.caller.result import CallResult, TurnResult

pytestmark = pytest.mark.models

AGREE_MS = 40
SCRAPED_WITHIN_S = 20
SAME_MOMENT_MS = 150
"""An event of the gateway that is so near to one at the ear is the same one."""


@dataclass(frozen=True)
class Observed:
    """One call: as the caller heard it, as the gateway traced it, and as Prometheus scraped it, during the call and after it."""

    call: CallResult
    stalled_ms: float
    during: set[str]
    active: float
    figures: dict[str, float]
    spans: list[Any] = field(default_factory=list)
    log: str = ""

    @property
    def turns(self) -> list[dict[str, Any]]:
        assert self.call.trace is not None
        return list(self.call.trace["turns"])

    def answer_to(self, turn: TurnResult) -> dict[str, Any] | None:
        """The gateway's turn whose caller fell silent when this one did."""
        at_ms = [(abs(t["speech_end_sample"] / 8 - turn.said_until_ms), t["turn_id"]) for t in self.turns if t["speech_end_sample"]]
        nearest = min(at_ms, default=(SAME_MOMENT_MS, 0))
        return next(t for t in self.turns if t["turn_id"] == nearest[1]) if nearest[0] < SAME_MOMENT_MS else None


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Observed:
    folder = tmp_path_factory.mktemp("scraped")
    log = folder / "gateway.log"
    with receiving() as collector, pytest.MonkeyPatch.context() as environment:
        environment.setenv("FIRSTWORD_TRACING__ENDPOINT", collector.url)
        with (
            own_server(BOTS / "bicycle-workshop.toml", None, log) as url,
            scraping(url.removeprefix("http://"), folder) as prometheus,
        ):
            found = asyncio.run(_observe(url, prometheus))
        return replace(found, spans=list(collector.spans), log=log.read_text("utf-8"))  # the last are sent when the gateway ends


async def _observe(url: str, prometheus: Prometheus) -> Observed:
    """A call with interruptions through a network of 60 ms and some jitter, which neither side's measure may notice."""
    async with stalls.watched() as seen:
        calling = asyncio.create_task(place_call(url, load_fixture("interrupt"), network=Network(60.0, 10.0, 1)))
        during, active = await _scraped_during(prometheus, calling)
        call = await calling
    wanted = [(name, part) for name in ("ttfw", "e2e", "greeting", "barge_in") for part in ("count", "sum")]
    values = await asyncio.gather(*(_settled(prometheus, f"firstword_{name}_latency_ms_{part}") for name, part in wanted))
    figures = {f"{name}_{part}": value for (name, part), value in zip(wanted, values, strict=True)}
    return Observed(call, seen.ms, during, active, figures)


async def _scraped_during(prometheus: Prometheus, calling: asyncio.Task[CallResult]) -> tuple[set[str], float]:
    """(names, active calls) of the first scrape that has seen the call."""
    while not calling.done():
        await asyncio.sleep(0.5)
        active = await asyncio.to_thread(prometheus.value, "firstword_active_calls")
        if active:
            return await asyncio.to_thread(prometheus.names), active
    return set(), 0.0


async def _settled(prometheus: Prometheus, name: str) -> float:
    """The value once it has been scraped after the call: twice the same, a scrape and more apart."""
    before: float | None = None
    async with asyncio.timeout(SCRAPED_WITHIN_S):
        while True:
            await asyncio.sleep(1.2)
            now = await asyncio.to_thread(prometheus.value, name)
            if now is not None and now == before:
                return now
            before = now


def test_every_metric_of_the_contract_is_scraped_during_the_call(observed: Observed) -> None:
    assert observed.active == 1
    assert {name for name in CONTRACT if name not in observed.during} == set()


def test_every_metric_of_the_alerts_and_the_dashboard_is_scraped(observed: Observed) -> None:
    late = {
        "firstword_refused_requests_total",
        "firstword_ignored_messages_total",
        "firstword_calls_ended_total",
        "firstword_spans_total",
    }
    assert {name for name in metrics_used() if name not in observed.during} <= late, "these have no series before the first"


def test_the_histograms_hold_what_the_calls_trace_holds(observed: Observed) -> None:
    turns = observed.turns
    first = [t["first_heard_ms"] for t in turns if t["outcome"] in ("answered", "interrupted")]
    whole = [t["last_heard_ms"] for t in turns if t["outcome"] == "answered"]
    silenced = [b["latency_ms"] for t in turns for b in t["barge_ins"] if b["latency_ms"] is not None and b["outcome"]]
    greeting = [t["first_heard_ms"] for t in turns if t["outcome"] == "greeting"]
    for name, values in {"ttfw": first, "e2e": whole, "barge_in": silenced, "greeting": greeting}.items():
        assert observed.figures[f"{name}_count"] == len(values), name
        assert observed.figures[f"{name}_sum"] == pytest.approx(sum(values), abs=0.1 * len(values) + 0.01), name


def differences(observed: Observed) -> dict[str, list[float]]:
    """Gateway less ear, in ms."""
    found: dict[str, list[float]] = {"first word": [], "end to end": [], "greeting": [], "barge-in": []}
    greeting_ms = observed.call.greeting_ms
    assert greeting_ms is not None
    found["greeting"].append(observed.turns[0]["first_heard_ms"] - greeting_ms)
    barge_ins = [(t["speech_end_sample"] / 8 + b["at_ms"], b["latency_ms"]) for t in observed.turns[1:] for b in t["barge_ins"]]
    for turn in observed.call.turns:
        mine = observed.answer_to(turn)
        if mine is not None and turn.first_word_ms is not None:
            found["first word"].append(mine["first_heard_ms"] - turn.first_word_ms)
        if mine is not None and turn.reply_end_ms is not None and mine["outcome"] == "answered":
            found["end to end"].append(mine["last_heard_ms"] - turn.reply_end_ms)
        if turn.barge_in_ms is not None:
            near = [ms for at_ms, ms in barge_ins if ms is not None and abs(at_ms - turn.said_from_ms) < SAME_MOMENT_MS]
            # Cut in a gap between two words, the bot is silent from the first of them on, and any moment up to the cut is as right:
            # 20 ms of doubt about the cut are the whole gap where they reach the next word.
            cut_ms = min(
                sample / 8 - turn.said_from_ms
                for sample in observed.call.cut_at
                if sample / 8 + 20 >= turn.said_from_ms + turn.barge_in_ms
            )
            found["barge-in"] += [ms - min(max(ms, turn.barge_in_ms), max(cut_ms, turn.barge_in_ms)) for ms in near[:1]]
    return found


@pytest.mark.parametrize(("what", "at_least"), [("first word", 4), ("end to end", 1), ("greeting", 1), ("barge-in", 2)])
def test_the_gateway_measures_what_the_ear_measures(observed: Observed, what: str, at_least: int) -> None:
    found = differences(observed)[what]
    assert len(found) >= at_least, differences(observed)
    # One stall spoils one measurement: the middle of them has no excuse, and none is further off than the machine stood still.
    assert abs(statistics.median(found)) <= AGREE_MS + (observed.stalled_ms if len(found) < 3 else 0), found
    assert max(abs(ms) for ms in found) <= AGREE_MS + observed.stalled_ms, (found, observed.stalled_ms)


def test_the_calls_spans_are_at_the_collector(observed: Observed) -> None:
    trace = observed.call.trace
    assert trace is not None
    assert {span.trace_id.hex() for span in observed.spans} == {trace["trace_id"]}
    turns = [span for span in observed.spans if span.name == "turn"]
    assert len(turns) == len(trace["turns"])
    assert [span.name for span in observed.spans].count("call") == 1
    bets = [b["outcome"] for t in trace["turns"] for b in t["bets"]]
    told = [a.value.string_value for s in observed.spans if s.name == "bet" for a in s.attributes if a.key == "firstword.outcome"]
    assert sorted(told) == sorted(bets)
    assert "lost" in bets
    ids = {span.span_id for span in observed.spans}
    assert all(span.parent_span_id in ids for span in observed.spans if span.name != "call")


def test_its_log_names_the_call_and_holds_no_word_of_it(observed: Observed) -> None:
    trace = observed.call.trace
    assert trace is not None
    lines = [json.loads(line) for line in observed.log.splitlines() if line.startswith("{")]
    turns = [line for line in lines if line["event"] == "turn"]
    assert [line["turn"] for line in turns] == [turn["turn_id"] for turn in trace["turns"]]
    assert {(line["call"], line["trace_id"]) for line in turns} == {(trace["call_sid"], trace["trace_id"])}
    said = [text for turn in trace["turns"] for text in (turn["caller"], turn["reply"]) if text]
    assert [text for text in said if text in observed.log] == []
    assert said
