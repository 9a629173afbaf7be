"""Is the sentence over? What Whisper would put after its last word: a full stop, a question mark, a comma or a dash, another word, and which.

Its decoder has heard the voice fall or stay up, and knows the words: what it was taught to write there is the best single sign of the end of a turn,
and comes with the transcript for nothing. The punctuation alone says most of it; for the English models a line was taught that reads the likely
next words too (`fixtures/endings`). docs/turn-taking.md has the measurements.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
from faster_whisper.tokenizer import Tokenizer
from numpy.typing import NDArray

import config
from pipeline.melody import Melody

FILE = Path(config.__file__).parent / "endings.npz"

Scores = NDArray[np.float32]
"""What the decoder gives each token of its vocabulary: natural logarithms, up to a constant."""

_STOPS = (".", "!", "!!")
_ASKS = ("?", "?!")
_OTHERS = (",", "-", "--", "...", "…", ";", ":", "–", "—")

# Logistic regression, with the sound, the words and whether a fact bears on it beside them (pipeline/endpointing.py). A question mark counts less than a
# full stop: it is written in the middle of a question too, because it is one.
STOP, GOES_ON, LAST_WORD, _BIAS = 0.36, -1.33, 0.49, -1.15
_LEAST_STOP, _LEAST = 1e-3, 1e-2
_LEAST_LOG = -30.0
MOST = 15.0
"""No ending is surer than these log odds."""
UNCALIBRATED = 1.0, 1.0, 0.0, 0.0, 0.0, 0.0
"""What each of a line's signs counts where nobody has fitted it."""
USUAL, LONGER = 8, 1.0
"""Words of a usual turn, and the most by which another's logarithm counts as longer or shorter."""


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


@dataclass(frozen=True, slots=True)
class Ending:
    """Probabilities after a transcript's last word: `then` of every token, shape (vocabulary,); `last_word` of that word itself. `words`: of the transcript.

    `heard`: what the encoder made of the audio, (frames, size) up to its end (`pipeline.melody`); None: not known.
    """

    then: Scores
    last_word: float
    stop: float
    ask: float
    goes_on: float
    words: int
    heard: Scores | None = None

    def by_marks(self) -> float:
        """Log odds that the punctuation adds to those of the turn being over."""
        return (
            STOP * _logit(self.stop, _LEAST_STOP)
            + GOES_ON * _logit(self.goes_on, _LEAST)
            + LAST_WORD * _logit(self.last_word, _LEAST)
            + _BIAS
        )


class Judge(Protocol):
    """Says of an ending how likely the turn is over."""

    def over(self, ending: Ending) -> float:
        """Log odds."""
        ...


@dataclass(frozen=True, slots=True)
class Line:
    """A logistic regression over the log probabilities of `tokens` (n) and four sums of the punctuation, and what the voice adds to it.

    `weights`: (2, n + 5), the last one of each row alone. The first row is for a turn of eight words, the second is what being e times as long adds: after few
    words a question mark says most, after many what else might have come. `calibration`: what each of the `signs` counts, fitted to the recorded callers
    (`fixtures/pauses/fit.py`): the turns that the rest was taught with are longer than those of a phone line, and its voices few.
    """

    tokens: NDArray[np.int_]
    weights: Scores
    melody: Melody | None = None
    calibration: Scores = field(default_factory=lambda: np.array(UNCALIBRATED, np.float32))

    def features(self, ending: Ending) -> Scores:
        """What the line reads, shape (n + 5,)."""
        likely = np.maximum(np.log(np.maximum(ending.then[self.tokens], 1e-30)), _LEAST_LOG)
        sums = (
            _logit(ending.stop, _LEAST_STOP),
            _logit(ending.ask, _LEAST_STOP),
            _logit(ending.goes_on, _LEAST),
            _logit(ending.last_word, _LEAST),
        )
        return np.concatenate((likely, np.array((*sums, 1.0)))).astype(np.float32)

    def signs(self, ending: Ending) -> Scores:
        """Log odds by the line, the voice and the punctuation, line and punctuation times how much longer the turn is than a usual one, and that itself; shape (6,)."""
        usual, longer = self.weights @ self.features(ending)
        by = max(-LONGER, min(LONGER, math.log(max(1, ending.words) / USUAL)))
        sung = 0.0 if self.melody is None or ending.heard is None else self.melody.over(ending.heard)
        line, marks = float(usual + by * longer), ending.by_marks()
        return np.array((line, sung, marks, by * line, by * marks, by), np.float32)

    def over(self, ending: Ending) -> float:
        """Log odds of the turn being over."""
        return max(-MOST, min(MOST, float(self.calibration @ self.signs(ending))))


@cache
def taught(path: Path = FILE) -> Line:
    """The file's, read once: it comes with the package, for the vocabulary of the English Whisper models."""
    with np.load(path) as file:
        return Line(
            file["tokens"].astype(np.int_), file["line"].astype(np.float32), Melody.of(file), file["calibration"].astype(np.float32)
        )


def probabilities(scores: Scores) -> Scores:
    """Softmax."""
    raised = np.exp(scores - scores.max())
    shares: Scores = raised / raised.sum()
    return shares


def read(tokens: list[int], scores: list[Scores], marks: Marks, words: int, heard: Scores | None = None) -> Ending | None:
    """The end of a transcript; None where there is no word or nothing after it.

    `tokens`: the transcript, of so many `words`. `scores`: the decoder's for each of them, and for what would have come next. `heard`: as of `Ending`.
    """
    at = len(tokens)
    while at and tokens[at - 1] in marks.all:
        at -= 1
    if not at or at >= len(scores):
        return None
    then = probabilities(scores[at])
    stop, ask = float(then[marks.stops].sum()), float(then[marks.asks].sum())
    last_word = float(probabilities(scores[at - 1])[tokens[at - 1]])
    return Ending(then, last_word, stop, ask, 1.0 - stop - ask - float(then[marks.end]), words, heard)


def over(
    tokens: list[int], scores: list[Scores], marks: Marks, words: int, line: Judge | None = None, heard: Scores | None = None
) -> float:
    """Log odds that the end of the transcript adds to those of the turn being over; 0 where nothing is known. Arguments as of `read`."""
    ending = read(tokens, scores, marks, words, heard)
    if ending is None:
        return 0.0
    return ending.by_marks() if line is None else line.over(ending)


def _logit(p: float, least: float) -> float:
    p = min(max(p, least), 1 - least)
    return math.log(p / (1 - p))
