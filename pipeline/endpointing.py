"""How long a silence ends the caller's turn: from the sound of it, from the words, and from what kind of words they are."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipeline.smalltalk import Talk, talk


@dataclass(frozen=True, slots=True)
class _Weights:
    """P(complete) = logistic(bias + sound * logit(P by the sound) + words * logit(P by the words) + ending + unanswered)."""

    bias: float
    sound: float
    words: float
    ending: float
    unanswered: float  # what no fact answers: the rest of the sentence may


# What was asked is in the sum, what was not is not: each sum has weights of its own.
# Fitted to 552 thinking pauses and 438 ends of turns of fixtures/calls, with their lines' noise (fixtures/pauses/fit.py); those of callers who do not
# hesitate count three times, the breaths at commas next to nothing (docs/turn-taking.md).
_ALL = _Weights(bias=-2.93, sound=0.18, words=0.61, ending=0.95, unanswered=-0.19)
_WITHOUT_WORDS = _Weights(bias=-2.97, sound=0.10, words=0.0, ending=1.33, unanswered=-0.36)
_WITHOUT_SOUND = _Weights(bias=-3.01, sound=0.0, words=0.57, ending=1.06, unanswered=-0.24)
_ENDING_ALONE = _Weights(bias=-3.03, sound=0.0, words=0.0, ending=1.39, unanswered=-0.37)
# For a recogniser that does not say how it ended.
_WITHOUT_ENDING = _Weights(bias=0.56, sound=0.31, words=0.60, ending=0.0, unanswered=-1.54)
# What such a recogniser itself took for broken off ("a tent-", "to..."): 11 of 41 pauses, none of 75 ends.
BROKEN_OFF = -2.0
# A goodbye is the end however it sounds.
GOODBYE = 2.5

# A way in or out: "okay, thank you" is often followed by "goodbye", "hello" by the question.
_LINGERING = frozenset({Talk.NOTHING, Talk.GREETING, Talk.THANKS, Talk.YES, Talk.NO, Talk.PREAMBLE})


@dataclass(frozen=True, slots=True)
class Waits:
    """Thresholds (config.TurnThresholds): silence in milliseconds for what P(complete) says; `fluency`: how much the caller's own counts."""

    pause_ms: int = 40
    certain: float = 0.98
    certain_ms: int = 160
    sure: float = 0.9
    sure_ms: int = 340
    unsure_ms: int = 660
    unlikely_ms: int = 1100
    max_ms: int = 1800
    fluency: float = 1.0

    @property
    def lingering_ms(self) -> int:
        """For what is a way in or out and often followed by more, however whole it is: "thank you … goodbye" with 700 ms between them."""
        return self.unsure_ms + 200

    def silence_ms(self, probability: float) -> int:
        """Silence after which a turn with this P(complete) is taken as over."""
        if probability >= self.certain:
            return self.certain_ms
        if probability >= self.sure:
            # A breath at a comma is 240 to 440 ms, and what goes before it often a whole sentence.
            doubt = (self.certain - probability) / (self.certain - self.sure)
            return round(self.certain_ms + doubt * (self.sure_ms - self.certain_ms))
        # Most ends that are not sure are nearly so, most pauses are far from it: the sixth power keeps the former short.
        rest = (1.0 - probability / self.sure) ** 6
        return round(self.unsure_ms + rest * (self.unlikely_ms - self.unsure_ms))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a pause. `audio`: P(complete) by the sound; `words`: P(sentence over) by the words; `answered`: a fact bears on it.

    `ending`: log odds by the end of the transcript (`pipeline.ending`); `fluency`: by how the caller has spoken so far (`pipeline.fluency`). None, or an ending of 0: not known, or nobody is there to say.
    """

    text: str
    audio: float | None = None
    words: float | None = None
    answered: bool | None = None
    ending: float = 0.0
    fluency: float = 0.0

    @property
    def lingering(self) -> bool:
        """Whether it is small talk that is often followed by more."""
        return talk(self.text) in _LINGERING

    def complete(self) -> float:
        """P(complete)."""
        if self.words is None and not self.ending:
            return _logistic(_logit(0.5 if self.audio is None else self.audio) + self.fluency)
        weights, goodbye = self._weights(), talk(self.text) is Talk.GOODBYE
        z = (
            weights.bias
            + (max(0.0, self.fluency) if goodbye else self.fluency)
            + weights.sound * _logit(0.5 if self.audio is None else self.audio)
            + weights.ending * self.ending
        )
        z += weights.words * _logit(0.5 if self.words is None else self.words)
        z += GOODBYE if goodbye else weights.unanswered if self.answered is False else 0.0
        z += BROKEN_OFF if not self.ending and self.text.rstrip().endswith(("-", "–", ",", "...", "…")) else 0.0
        return _logistic(z)

    def _weights(self) -> _Weights:
        if not self.ending:
            return _WITHOUT_ENDING
        if self.audio is None:
            return _ENDING_ALONE if self.words is None else _WITHOUT_SOUND
        return _WITHOUT_WORDS if self.words is None else _ALL


def _logistic(z: float) -> float:
    return 1 / (1 + math.exp(-z))


def _logit(p: float) -> float:
    """Log odds; nothing is surer than 999 to 1."""
    p = min(max(p, 1e-3), 1 - 1e-3)
    return math.log(p / (1 - p))
