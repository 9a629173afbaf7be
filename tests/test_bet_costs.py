"""Whose core seconds a bet's are: those of jobs that began before it was decided."""

from __future__ import annotations

from pipeline.bet_costs import BetCosts
from pipeline.jobs import PastJob, Priority

S = 1_000_000_000


def job(start_s: float, end_s: float, *, call: str = "CA1", priority: Priority = Priority.BET, threads: int = 2) -> PastJob:
    return PastJob("asr", (call, 1), priority, threads, 0, round(start_s * S), round(end_s * S))


def test_a_bets_jobs_are_counted_with_what_came_of_it() -> None:
    costs = BetCosts()
    costs.ran(job(1.0, 1.5))
    costs.decided("CA1", "lost", 2 * S)
    costs.ran(job(3.0, 3.25))
    costs.ran(job(3.25, 3.5, priority=Priority.PARTIAL))
    costs.decided("CA1", "won", 4 * S)
    assert costs.core_s == {"won": 0.5, "lost": 1.0}


def test_a_job_that_still_runs_when_its_bet_is_lost_is_a_lost_one() -> None:
    costs = BetCosts()
    costs.decided("CA1", "lost", 2 * S)
    costs.ran(job(1.9, 2.4))
    costs.ran(job(2.5, 3.0))
    costs.decided("CA1", "won", 4 * S)
    assert costs.core_s == {"won": 1.0, "lost": 1.0}


def test_calls_have_their_own_bets() -> None:
    costs = BetCosts()
    costs.ran(job(1.0, 2.0, call="CA1", threads=1))
    costs.ran(job(1.0, 3.0, call="CA2", threads=1))
    costs.decided("CA2", "lost", 4 * S)
    assert costs.core_s == {"won": 0.0, "lost": 2.0}


def test_calls_that_end_in_a_bet_fill_no_memory() -> None:
    costs = BetCosts()
    for number in range(5000):
        costs.ran(job(1.0, 2.0, call=f"CA{number}"))
        costs.decided(f"CB{number}", "won", S)
    assert len(costs._open) <= 1024
    assert len(costs._decided) <= 1024
