"""How many calls a machine carries: the search over made-up machines, the figures of a step, the curve, and callers held in a real gateway."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from gateway_bench import Desk, gateway, run
from hypothesis import given
from hypothesis import strategies as st

from pipeline.leg import Audio, CallLeg, LegEvent, Segment, Started
from telephony.bench import hold as hold_module
from telephony.bench.capacity import PATIENCE_MS, Search, Step, step_of
from telephony.bench.curve import curve
from telephony.bench.hold import Held, hold, ramp_s
from telephony.caller.result import CallResult, TurnResult
from telephony.caller.script import AfterBot, CallerScript, Say
from telephony.caller.webhook import GatewayRefusedError

TONE = (np.sin(np.arange(8000) * np.pi / 4) * 8000).astype(np.int16)


def step(callers: int, p95: int | None, refused: int = 0) -> Step:
    return Step(callers, 40, p95, p95, p95, unanswered=0, refused=refused, worst_tick_ms=1.0)


def searched(search: Search, carries: int) -> list[Step]:
    """A machine that carries so many calls."""
    steps: list[Step] = []
    while (callers := search.next(steps)) is not None:
        assert len(steps) < 20
        steps.append(step(callers, 400 if callers <= carries else 3000))
    return steps


@given(st.integers(0, 70), st.integers(1, 64))
def test_the_search_finds_what_the_machine_carries(carries: int, most: int) -> None:
    search = Search(1000, most)
    steps = searched(search, carries)
    assert search.calls(steps) == min(carries, most)
    tried = [one.callers for one in steps]
    assert len(set(tried)) == len(tried)
    assert max(tried) <= most


def test_the_callers_are_raised_until_it_is_too_much_and_the_gap_is_halved() -> None:
    assert [one.callers for one in searched(Search(1000, 32), 6)] == [1, 2, 4, 8, 6, 7]


@pytest.mark.parametrize(
    ("steps", "verdict"),
    [
        ([step(1, 400), step(2, 900), step(4, 1500), step(3, 1001)], "2 calls on this machine at p95 ≤ 1000 ms"),
        ([step(1, 1000), step(2, 1200)], "1 call on this machine at p95 ≤ 1000 ms"),
        ([step(1, 1300)], "0 calls on this machine at p95 ≤ 1000 ms"),
        ([step(1, None)], "0 calls on this machine at p95 ≤ 1000 ms"),
        ([step(1, 400), step(2, 400, refused=1)], "1 call on this machine at p95 ≤ 1000 ms"),
        (
            [step(1, 400), step(2, 400), step(4, 400)],
            "at least 4 calls on this machine at p95 ≤ 1000 ms: more than 4 were not tried",
        ),
    ],
    ids=["between", "one", "none", "never answered", "not let in", "enough"],
)
def test_the_verdict(steps: list[Step], verdict: str) -> None:
    assert Search(1000, 4).verdict(steps) == verdict


def turn(first_word_ms: int | None, until_ms: int = 1000, *, hum: bool = False) -> TurnResult:
    return TurnResult(0, "words", 0, until_ms, hum=hum, first_word_ms=first_word_ms)


def call(*turns: TurnResult, worst_tick_ms: float = 2.0) -> CallResult:
    silence = np.zeros(0, np.int16)
    return CallResult("t", "CA1", "caller", 0, 20, turns, 0, 0, 0, 0, worst_tick_ms, "", (), None, silence, silence)


def test_who_was_not_answered_waited_for_long_and_a_hum_asks_nothing() -> None:
    found = step_of(2, [call(turn(400), turn(None)), call(turn(None, hum=True), worst_tick_ms=9.0)], refused=1, partials_dropped=3)
    assert (found.turns, found.unanswered, found.refused, found.partials_dropped, found.worst_tick_ms) == (2, 1, 1, 3, 9.0)
    assert found.p99 is not None
    assert found.p99 > PATIENCE_MS / 2
    assert not replace(found, p95=10).passes(1000), "somebody was not let in"
    assert step_of(1, [], refused=0, partials_dropped=0).p95 is None


def test_turns_before_everybody_had_begun_do_not_count() -> None:
    held = Held([(0.0, call(turn(1, 1000), turn(2, 4000))), (3.0, call(turn(3, 500)))])
    assert [[t.first_word_ms for t in one.turns] for one in held.since(3.4)] == [[2], [3]]
    assert held.answered == 3
    assert ramp_s(1) == 0


def test_the_curve_has_a_point_for_each_step_and_the_target() -> None:
    steps = [step(4, 1500), step(1, 400), step(2, 500), step(8, None)]
    picture = ET.fromstring(curve(steps, 1000, "<2> calls"))
    space = "{http://www.w3.org/2000/svg}"
    texts = [element.text for element in picture.iter(f"{space}text")]
    assert {"<2> calls", "p50", "p95", "p99", "target 1000 ms", "1", "2", "4"} <= set(texts)
    p95 = [points.attrib["points"].split() for points in picture.iter(f"{space}polyline")][1]
    xs, ys = zip(*((float(x), float(y)) for x, y in (point.split(",") for point in p95)), strict=True)
    assert list(xs) == sorted(xs), "callers go to the right"
    assert list(ys) == sorted(ys, reverse=True), "later is higher"
    assert len(xs) == 3


def test_the_curve_of_one_step() -> None:
    assert ET.fromstring(curve([step(1, 400)], 1000, "one")).tag.endswith("svg")


SCRIPT = CallerScript("t", (Say("words", TONE[:2400], AfterBot(100)),) * 50, limit_s=30)


def test_held_callers_are_cut_when_it_is_enough_and_keep_what_they_measured() -> None:
    quiet: dict[str, int] = {}

    def react(leg: CallLeg, event: LegEvent) -> None:
        if isinstance(event, Started):
            quiet[leg.call] = 99
        if isinstance(event, Audio):
            quiet[leg.call] = 0 if np.abs(event.pcm).max() > 4000 else quiet[leg.call] + 1
        if isinstance(event, Started) or quiet[leg.call] == 10:
            leg.play(Segment(0, 800, leg.encode(TONE[:800])))

    async def test() -> None:
        looks: list[int] = []

        def enough(held: Held) -> bool:
            looks.append(len(held.calls))
            return len(looks) > 17  # 3.4 s

        async with gateway(Desk(react)) as g:
            held = await hold(f"http://127.0.0.1:{g.port}", [SCRIPT], 2, enough, cut=True)
        assert held.refused == 0
        assert [call.ended_by for call in held.results] == ["caller"] * 2
        assert all(call.passed for call in held.results), "nobody is blamed for what was still to come"
        assert all(turn.first_word_ms is not None for call in held.results for turn in call.turns)
        assert held.answered >= 1
        assert set(looks) == {0}, "both calls were cut, neither came to its end"

    run(test, timeout_s=15)


def test_a_gateway_that_takes_no_call_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hold_module, "REFUSED_PAUSE_S", 0.01)

    async def test() -> None:
        with pytest.raises(ExceptionGroup) as found:
            await hold("http://127.0.0.1:9", [SCRIPT], 1, lambda _held: False)
        assert found.group_contains(GatewayRefusedError, match="cannot be reached")

    run(test, timeout_s=15)
