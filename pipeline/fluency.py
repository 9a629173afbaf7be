"""Does this caller stop to think? What the call so far says about the next silence. Pure.

Some callers ask in one breath, others stop in the middle of nearly every turn, and one call is one caller. Of the features of a dialogue that tell an end from a pause,
the speaker's own pauses before are one: A. Raux and M. Eskenazi, "Optimizing Endpointing Thresholds using Dialogue Features in a Spoken Dialogue System",
SIGdial 2008. Here they move the odds of a silence being the end. docs/turn-taking.md has what it is worth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

USUAL = 0.4
"""The share of turns with a pause to think, of a caller of whom nothing is known."""
DOUBT = 2.0
"""How many turns that is believed like."""
KEPT = 0.8
"""What a turn still counts when the next one has ended: a noise that was taken for a voice is forgotten, and people get used to a bot."""
LEAST, MOST = -0.7, 1.2
"""Log odds beyond which one call is no evidence: even who always stops ends at some time, and the quickest stops once."""
THINKING_MS, GONE_MS = 450, 2000
"""A shorter silence is a breath at a comma, which those have too who ask in one breath; after a longer one it is "hello?", because nobody answered."""
CUT_IN_MS = 600
"""Who has heard less of a reply than this and talks goes on with their own words: nobody takes an answer in so soon."""


@dataclass(slots=True)
class Fluency:
    """One caller's. `turns` that ended, the older ones less; `stopped`: of these, those with a pause to think in them; `stops`: there is one in the turn that goes on."""

    turns: float = 0.0
    stopped: float = 0.0
    stops: bool = False
    _words: int = 0  # of the running turn
    _doubt: int | None = None  # how many there were at a silence that may have been a pause to think: words must follow
    _before: tuple[float, float] = (0.0, 0.0)  # the last turn ended

    @property
    def log_odds(self) -> float:
        """What is added to those of a silence being the end of the turn; 0 where nothing is known.

        The share of turns with a pause in them by a beta distribution that every turn moves: as it rises, the odds fall.
        """
        share = (self.stopped + self.stops + DOUBT * USUAL) / (self.turns + self.stops + DOUBT)
        return max(LEAST, min(MOST, math.log(USUAL / share)))

    def heard(self, words: int) -> None:
        """The running turn has so many words by now."""
        if self._doubt is not None and words > self._doubt:
            self.stops = True
        self._words, self._doubt = words, None

    def went_on(self, silence_ms: float) -> None:
        """Something was heard again in the same turn, before the bot spoke; a noise is followed by no words."""
        if self._doubt is None and THINKING_MS <= silence_ms < GONE_MS:
            self._doubt = self._words

    def ended(self, *, telling: bool = True) -> None:
        """The turn was taken as over. `telling`: it says something of the caller's manner; "hello" and "yes" say nothing."""
        self._before = self.turns, self.stopped
        if telling:
            self.turns, self.stopped = KEPT * self.turns + 1, KEPT * self.stopped + self.stops
        self.stops, self._words, self._doubt = False, 0, None

    def cut_in(self) -> None:
        """The turn that ended last had not ended: the bot spoke into a pause."""
        self.turns, self.stopped = self._before
        self.stops = True
