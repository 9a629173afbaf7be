"""How often this caller stops to think: what the call so far says about the next silence. Pure.

Some callers ask in one breath, others stop in the middle of nearly every turn, and one call is one caller. Of the features of a dialogue that tell an end from a pause,
the speaker's own pauses before are one: A. Raux and M. Eskenazi, "Optimizing Endpointing Thresholds using Dialogue Features in a Spoken Dialogue System",
SIGdial 2008. Here it moves the odds of a silence being the end. docs/turn-taking.md has what it is worth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

PER_TURN = 0.5
"""Pauses to think in a turn of a caller of whom nothing is known."""
TURNS_OF_DOUBT = 2.0
"""How many turns that is believed like."""
LEAST, MOST = -0.7, 1.2
"""Log odds beyond which one call's manner is no evidence: even somebody who always stops ends at some time, and the quickest stops once."""
THINKING_MS = 450
"""A shorter silence is a breath at a comma: those who ask in one breath have them too."""
CUT_IN_MS = 1000
"""Who speaks again so soon after the end of a turn, over the bot's first words, had not ended."""


@dataclass(slots=True)
class Tempo:
    """One caller's. `turns` that ended, `pauses` to think inside them and in the one that goes on."""

    turns: int = 0
    pauses: int = 0

    @property
    def log_odds(self) -> float:
        """What is added to those of a silence being the end of the turn; 0 where nothing is known.

        Pauses a turn by a gamma distribution that every turn moves; the odds fall as they rise.
        """
        seen = max(self.turns, int(self.pauses > 0))
        per_turn = (self.pauses + TURNS_OF_DOUBT * PER_TURN) / (seen + TURNS_OF_DOUBT)
        return max(LEAST, min(MOST, math.log(PER_TURN / per_turn)))

    def ended(self) -> None:
        """The turn was taken as over."""
        self.turns += 1

    def went_on(self, silence_ms: float) -> None:
        """The caller spoke again in the same turn, before the bot did."""
        self.pauses += silence_ms >= THINKING_MS

    def spoke_over_the_bot(self, silence_ms: float) -> None:
        """The caller took the floor back, so long after the turn had been taken as over."""
        if THINKING_MS <= silence_ms < CUT_IN_MS:
            self.turns, self.pauses = max(0, self.turns - 1), self.pauses + 1
