"""Is the sentence over? What Whisper would put after its last word: a full stop, a question mark, a comma or a dash, another word.

Its decoder has heard the voice fall or stay up, and knows the words: what it was taught to write there is the best single sign of the end of a turn,
and comes with the transcript for nothing. docs/turn-taking.md has the measurements.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from faster_whisper.tokenizer import Tokenizer
from numpy.typing import NDArray

Scores = NDArray[np.float32]
"""What the decoder gives each token of its vocabulary: natural logarithms, up to a constant."""

_STOPS = (".", "!", "!!")
_ASKS = ("?", "?!")
_OTHERS = (",", "-", "--", "...", "…", ";", ":", "–", "—")

# Logistic regression, with the sound, the words and whether a fact bears on it beside them (pipeline/endpointing.py). A question mark counts less than a
# full stop: it is written in the middle of a question too, because it is one.
_STOP, _GOES_ON, _LAST_WORD = 0.26, -0.96, 0.35
_LEAST_STOP, _LEAST = 1e-3, 1e-2


@dataclass(frozen=True, slots=True)
class Marks:
    """The tokens of one vocabulary that are nothing but punctuation."""

    stops: NDArray[np.int_]
    asks: NDArray[np.int_]
    all: frozenset[int]  # commas and dashes too
    end: int  # of the transcript

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> Marks:
        """Those of a Whisper model."""

        def single(marks: tuple[str, ...]) -> list[int]:
            encoded = [tokenizer.encode(space + mark) for mark in marks for space in ("", " ")]
            return sorted({ids[0] for ids in encoded if len(ids) == 1})

        stops, asks = single(_STOPS), single(_ASKS)
        return cls(np.array(stops), np.array(asks), frozenset([*stops, *asks, *single(_OTHERS)]), tokenizer.eot)


def probabilities(scores: Scores) -> Scores:
    """Softmax."""
    raised = np.exp(scores - scores.max())
    shares: Scores = raised / raised.sum()
    return shares


def over(tokens: list[int], scores: list[Scores], marks: Marks) -> float:
    """Log odds that the end of the transcript adds to those of the turn being over; 0 where nothing is known.

    `tokens`: the transcript. `scores`: the decoder's for each of them, and for what would have come next.
    """
    at = len(tokens)
    while at and tokens[at - 1] in marks.all:
        at -= 1
    if not at or at >= len(scores):
        return 0.0
    then, last_word = probabilities(scores[at]), float(probabilities(scores[at - 1])[tokens[at - 1]])
    stop = float(then[marks.stops].sum())
    goes_on = 1.0 - stop - float(then[marks.asks].sum()) - float(then[marks.end])
    return _STOP * _logit(stop, _LEAST_STOP) + _GOES_ON * _logit(goes_on, _LEAST) + _LAST_WORD * _logit(last_word, _LEAST)


def _logit(p: float, least: float) -> float:
    p = min(max(p, least), 1 - least)
    return math.log(p / (1 - p))
