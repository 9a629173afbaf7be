"""How many calls a machine carries: which number of callers to try next, and what the tries say. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from telephony.caller.result import CallResult

from .figures import percentiles

PATIENCE_MS = 12_000
"""A turn that got no answer counts as one that was answered after the recorded caller's patience."""
FEW_TURNS = 20
"""Of fewer turns, the 95th percentile is the worst of them."""


@dataclass(frozen=True, slots=True)
class Step:
    """One number of callers, held for a while. First words in ms at the ear, unanswered turns among them as `PATIENCE_MS`.

    `refused`: calls that were not taken. `worst_tick_ms`: the latest that a caller's own frame went out; where it is large, the callers
    themselves lacked the CPU.
    """

    callers: int
    turns: int
    p50: int | None
    p95: int | None
    p99: int | None
    unanswered: int
    refused: int
    worst_tick_ms: float
    partials_dropped: int = 0

    def passes(self, target_ms: int) -> bool:
        """Everybody was let in, and p95 is within the target."""
        return self.refused == 0 and self.p95 is not None and self.p95 <= target_ms


def step_of(callers: int, calls: Sequence[CallResult], *, refused: int, partials_dropped: int) -> Step:
    """What one number of callers came to."""
    asked = [turn for call in calls for turn in call.turns if not turn.hum]
    waited = [PATIENCE_MS if turn.first_word_ms is None else turn.first_word_ms for turn in asked]
    found: Mapping[str, Any] = percentiles(waited)
    return Step(
        callers=callers,
        turns=len(asked),
        p50=found.get("p50"),
        p95=found.get("p95"),
        p99=found.get("p99"),
        unanswered=sum(turn.first_word_ms is None for turn in asked),
        refused=refused,
        worst_tick_ms=max((call.worst_tick_ms for call in calls), default=0.0),
        partials_dropped=partials_dropped,
    )


@dataclass(frozen=True, slots=True)
class Search:
    """Doubles the callers until a step misses the target, then halves the gap. Never more than `most` callers."""

    target_ms: int
    most: int

    def next(self, steps: Sequence[Step]) -> int | None:
        """How many callers to hold next; None when the answer is known."""
        if not steps:
            return 1
        good, bad = self._bounds(steps)
        if bad is None:
            return min(2 * good, self.most) if good < self.most else None
        return (good + bad) // 2 if bad - good > 1 else None

    def calls(self, steps: Sequence[Step]) -> int:
        """The most callers that passed, with nothing that failed below; 0 if one was too many."""
        return self._bounds(steps)[0]

    def verdict(self, steps: Sequence[Step]) -> str:
        """One line: the answer, and how far it can be relied on."""
        good, bad = self._bounds(steps)
        words = f"{good} call{'s' * (good != 1)} on this machine at p95 ≤ {self.target_ms} ms"
        if bad is None:
            return f"at least {words}: more than {self.most} were not tried"
        return words

    def _bounds(self, steps: Sequence[Step]) -> tuple[int, int | None]:
        bad = min((step.callers for step in steps if not step.passes(self.target_ms)), default=None)
        good = max(
            (step.callers for step in steps if step.passes(self.target_ms) and (bad is None or step.callers < bad)), default=0
        )
        return good, bad
