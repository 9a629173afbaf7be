"""Which bets a turn's trace is told of; their jobs are in test_call.py."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.bets import KEPT, Bets
from pipeline.trace import MS, BetTrace, Span, TurnTrace


@pytest.fixture
def bets() -> Bets:
    nothing: Any = None
    return Bets("CA1", 8000, nothing, nothing, "", lambda _event: None, nothing, None)


def begin(bets: Bets, number: int) -> None:
    bets.begin(number, Span("vad", (100 * number - 40) * MS, 100 * number * MS))


def told(found: list[BetTrace]) -> list[tuple[int, str, float, float]]:
    return [(bet.number, bet.outcome, bet.start_ns / MS, bet.end_ns / MS) for bet in found]


def test_decided_bets_are_told_once(bets: Bets) -> None:
    begin(bets, 1)
    bets.over("lost", 130 * MS)
    begin(bets, 2)
    bets.over("won", 390 * MS)
    assert told(bets.taken()) == [(1, "lost", 100, 130), (2, "won", 200, 390)]
    assert bets.taken() == []


def test_what_was_made_of_a_reply_that_was_dropped_is_the_lost_bets(bets: Bets) -> None:
    begin(bets, 1)
    trace = TurnTrace(5, 0)
    trace.span("llm", 110 * MS, 120 * MS)
    bets.abandon(trace)
    bets.over("lost", 130 * MS)
    begin(bets, 2)
    bets.over("lost", 230 * MS)
    assert [[span.name for span in bet.spans] for bet in bets.taken()] == [["vad", "llm"], ["vad"]]


def test_a_bet_that_seemed_won_is_undone_and_goes_to_the_next_turn(bets: Bets) -> None:
    begin(bets, 1)
    bets.over("lost", 130 * MS)
    begin(bets, 2)
    bets.over("won", 390 * MS)
    trace = TurnTrace(5, 0, bets=bets.taken())
    trace.span("tts", 400 * MS, 450 * MS)
    bets.abandon(trace)
    bets.over("undone", 460 * MS)
    assert trace.bets == []
    found = bets.taken()
    assert told(found) == [(1, "lost", 100, 130), (2, "undone", 200, 460)]
    assert [span.name for span in found[1].spans] == ["vad", "tts"]


def test_a_caller_who_hesitates_for_ever_fills_no_memory(bets: Bets) -> None:
    for number in range(1, 100):
        begin(bets, number)
        bets.over("lost", 100 * number * MS)
    assert [bet.number for bet in bets.taken()] == list(range(100 - KEPT, 100))
