"""What the model is shown when it is to judge one of the owner's lines by itself: tokens alone, the same in training and in a call.

    Corner Bakery. A sourdough loaf costs 4 pounds 50.
    Caller: what's a loaf
    Answer:

Behind the last token it is due how an answer from this line begins: Yes, No, neither, or that the line does not answer. One pass, no token is sampled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.reading import without_end
from pipeline.statements import UNNAMED, Statement

BEGINNINGS = (" Yes", " No", " It", " Nothing")
"""Yes, no, neither, and that this line does not answer."""
UNANSWERED = 3
MAX_SAID, MAX_BEFORE = 160, 90
"""Characters of the question and of the one before it that count, from their ends: so that both fit a step of the model."""


class PairLayout:
    """`tokens` makes token ids of a text, without special tokens."""

    def __init__(self, tokens: Callable[[str], list[int]]) -> None:
        self._tokens = tokens
        self.beginnings = [tokens(word)[0] for word in BEGINNINGS]

    def line(self, name: str, statement: Statement) -> list[int]:
        """Tokens of one of the owner's lines, which every question to it begins with."""
        return self._tokens(f"{name}. {statement.full.replace(UNNAMED, '')}\nCaller:")

    def question(self, said: str, before: str | None) -> list[int]:
        """Tokens of what the caller asks; behind the last one the answer's beginning is due. `before`: the question that it leans on."""
        led = "" if before is None else f" {without_end(before)[-MAX_BEFORE:]}\nThen:"
        return self._tokens(f"{led} {without_end(said)[-MAX_SAID:]}\nAnswer:")


@dataclass(frozen=True, slots=True)
class RerankRequest:
    """A question, the one before it where it leans on that, and the numbers of the lines in doubt."""

    said: str
    before: str | None
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """Of some of the owner's lines: `lines` (n,) their numbers, `bears` (n,) log odds that this one answers, `verdict` (n, 3) P(yes), P(no) and P(neither) of an
    answer from it."""

    lines: tuple[int, ...]
    bears: NDArray[np.float32]
    verdict: NDArray[np.float32]

    @classmethod
    def of(cls, lines: Sequence[int], logits: NDArray[np.float32]) -> Judged:
        """`logits`: (n, 4), of `BEGINNINGS`."""
        told = logits[:, :UNANSWERED]
        most = told.max(1, keepdims=True)
        shares = np.exp(told - most)
        whole = shares.sum(1, keepdims=True)
        bears = (most + np.log(whole))[:, 0] - logits[:, UNANSWERED]
        return cls(tuple(lines), bears.astype(np.float32), (shares / whole).astype(np.float32))
