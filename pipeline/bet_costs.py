"""What bets cost: core seconds of the work that began before a caller was known to be done, by what came of it. Pure."""

from __future__ import annotations

from pipeline.jobs import PastJob, Priority

_CALLS = 1024


class BetCosts:
    """Told of every job that ran and of every bet that was decided; a bet's job may still run when the bet is lost."""

    def __init__(self) -> None:
        self.core_s: dict[str, float] = {"won": 0.0, "lost": 0.0}
        self._open: dict[str, float] = {}  # core seconds of a call's undecided bet
        self._decided: dict[str, tuple[int, str]] = {}  # a call's newest decision: when (ns), and which

    def ran(self, job: PastJob) -> None:
        """A job has ended, of whatever priority."""
        if job.priority is not Priority.BET:
            return
        call, core_s = job.turn[0], job.core_s
        at_ns, outcome = self._decided.get(call, (0, ""))
        if outcome and job.started_ns < at_ns:
            self.core_s[outcome] += core_s
        else:
            self._open[call] = self._open.get(call, 0.0) + core_s
            _bound(self._open)

    def decided(self, call: str, outcome: str, now: int) -> None:
        """The call's bet is `won` or `lost`."""
        self.core_s[outcome] += self._open.pop(call, 0.0)
        self._decided.pop(call, None)
        self._decided[call] = (now, outcome)
        _bound(self._decided)


def _bound(table: dict[str, float] | dict[str, tuple[int, str]]) -> None:
    """Calls end without a word here: the oldest go."""
    while len(table) > _CALLS:
        del table[next(iter(table))]
