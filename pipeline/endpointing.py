"""How long a silence ends the caller's turn: from the sound of it, from the words, and from what the dialogue expects."""

from __future__ import annotations

import re
from dataclasses import dataclass

# A sentence that ends in one of these goes on: the caller is looking for the next word.
_DANGLING = frozenset(
    """a an the and or but so because if when while that which who whose to of for with from in on at by about into than as my your our their
    his her its this these those is are was were be been do does did have has had can could will would shall should may might must i'm
    i'd i we'd we you'd they it's there's what's um uh er erm hmm like well also just maybe actually basically how much many what where
    when why whether then not very really some any no every each between until till per or""".split()
)
_FINAL_ANYWAY = frozenset(
    (
        "how much",
        "how many",
        "and then",
        "or not",
        "how about that",
        "what",
        "where",
        "why",
        "when",
        "i do",
        "i can",
        "i will",
        "i have",
        "i did",
        "yes i am",
        "no i'm not",
    )
)

# What people say before they say what they want, or before they say goodbye.
_LINGERING = frozenset(
    """hi hello hey yes yeah yep no nope okay ok right so well great thanks thank you very much good perfect lovely fine alright all sure
    excellent cool brilliant super sorry please excuse me there morning afternoon evening a lot that's""".split()
)


@dataclass(frozen=True, slots=True)
class Waits:
    """Thresholds (config.TurnThresholds): silence in milliseconds for what P(complete) says."""

    pause_ms: int = 60
    sure: float = 0.8
    sure_ms: int = 160
    likely: float = 0.5
    likely_ms: int = 500
    unlikely_ms: int = 1500
    max_ms: int = 1800

    def silence_ms(self, probability: float) -> int:
        """Silence after which a turn with this P(complete) is taken as over."""
        if probability >= self.sure:
            return self.sure_ms
        if probability >= self.likely:
            return self.likely_ms
        rest = 1.0 - probability / self.likely
        return round(self.likely_ms + rest * (self.unlikely_ms - self.likely_ms))


def dangling(text: str) -> bool:
    """Whether the words alone say that more is to come: "do you have the", "I wanted to ask, um"."""
    words = re.findall(r"[a-z']+|\d+", text.lower().replace("\u2019", "'"))
    if not words:
        return False
    if " ".join(words) in _FINAL_ANYWAY or " ".join(words[-2:]) in _FINAL_ANYWAY:
        return False
    return words[-1] in _DANGLING or text.rstrip().endswith((",", "...", "…", "-", "–"))


def lingering(text: str) -> bool:
    """Whether the words are no more than a way in or out: "okay, thank you" is often followed by "goodbye", "hello" by the question."""
    words = re.findall(r"[a-z']+", text.lower().replace("\u2019", "'"))
    return bool(words) and all(word in _LINGERING for word in words)


def completeness(probability: float, text: str | None, likely: float) -> float:
    """P(complete) from the sound, lowered when the words are known and say that more may come. `likely`: as in `Waits`."""
    if text is None:
        return probability
    if dangling(text):
        return min(probability, likely / 2)
    return min(probability, likely) if lingering(text) else probability
