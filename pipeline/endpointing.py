"""How long a silence ends the caller's turn: from the sound of it, from the words, and from what kind of words they are."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipeline.smalltalk import Talk, talk

# P(complete) = logistic(BIAS + AUDIO * logit(P by the sound) + WORDS * log(P by the words)): fitted to 41 thinking pauses and 75 ends of turns of
# fixtures/calls (docs/turn-taking.md); the sound alone ranks 0.84 of pairs right, the words alone 0.94, both 0.96.
BIAS, AUDIO, WORDS = 2.3, 0.4, 1.0
# What no fact answers: the rest of the sentence may. What the recogniser itself took for broken off ("a tent-", "to..."): 11 of the 41, none of the 75.
UNANSWERED, BROKEN_OFF = -1.0, -2.0
# A goodbye is the end however it sounds.
GOODBYE = 2.5

# A way in or out: "okay, thank you" is often followed by "goodbye", "hello" by the question.
_LINGERING = frozenset({Talk.NOTHING, Talk.GREETING, Talk.THANKS, Talk.YES, Talk.NO, Talk.PREAMBLE})


@dataclass(frozen=True, slots=True)
class Waits:
    """Thresholds (config.TurnThresholds): silence in milliseconds for what P(complete) says."""

    pause_ms: int = 40
    sure: float = 0.8
    sure_ms: int = 160
    unsure_ms: int = 700
    unlikely_ms: int = 1500
    max_ms: int = 1800

    def silence_ms(self, probability: float) -> int:
        """Silence after which a turn with this P(complete) is taken as over."""
        if probability >= self.sure:
            return self.sure_ms
        rest = 1.0 - probability / self.sure
        return round(self.unsure_ms + rest * (self.unlikely_ms - self.unsure_ms))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a pause. `audio`: P(complete) by the sound; `words`: P(sentence over) by the words; `answered`: a fact bears on it.

    None: not known, or nobody is there to say.
    """

    text: str
    audio: float
    words: float | None = None
    answered: bool | None = None

    @property
    def lingering(self) -> bool:
        """Whether the words, whole as they may be, are often followed by more."""
        return talk(self.text) in _LINGERING

    def complete(self) -> float:
        """P(complete)."""
        if self.words is None:
            return self.audio
        sound = min(max(self.audio, 1e-3), 1 - 1e-3)
        z = BIAS + AUDIO * math.log(sound / (1 - sound)) + WORDS * math.log(max(self.words, 1e-4))
        z += GOODBYE if talk(self.text) is Talk.GOODBYE else UNANSWERED if self.answered is False else 0.0
        z += BROKEN_OFF if self.text.rstrip().endswith(("-", "–", ",", "...", "…")) else 0.0
        return 1 / (1 + math.exp(-z))
