"""A real Prometheus scrapes the product during a call with its real models; what the gateway measured is what the caller's ear measured."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import stalls
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
def observed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    folder = tmp_path_factory.mktemp("scraped")
    with (
        own_server(BOTS / "bicycle-workshop.toml", None, folder / "gateway.log") as url,
        scraping(url.removeprefix("http://"), folder) as prometheus,
    ):
        yield asyncio.run(_observe(url, prometheus))


async def _observe(url: str, prometheus: Prometheus) -> Observed:
    """A call with interruptions through a network of 60 ms and some jitter, which neither side's measure may notice."""
    async with stalls.watched() as seen:
        calling = asyncio.create_task(place_call(url, load_fixture("interrupt"), network=Network(60.0, 10.0, 1)))
        during, active = await _scraped_during(prometheus, calling)
        call = await calling
    figures = {}
    for name in ("ttfw", "e2e", "greeting", "barge_in"):
        for part in ("count", "sum"):
            figures[f"{name}_{part}"] = await _settled(prometheus, f"firstword_{name}_latency_ms_{part}")
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
            found["barge-in"] += [ms - turn.barge_in_ms for ms in near[:1]]
    return found


@pytest.mark.parametrize(("what", "at_least"), [("first word", 4), ("end to end", 1), ("greeting", 1), ("barge-in", 2)])
def test_the_gateway_measures_what_the_ear_measures(observed: Observed, what: str, at_least: int) -> None:
    found = differences(observed)[what]
    assert len(found) >= at_least, differences(observed)
    # One stall spoils one measurement: the middle of them has no excuse, and none is further off than the machine stood still.
    assert abs(statistics.median(found)) <= AGREE_MS + (observed.stalled_ms if len(found) < 3 else 0), found
    assert max(abs(ms) for ms in found) <= AGREE_MS + observed.stalled_ms, (found, observed.stalled_ms)
