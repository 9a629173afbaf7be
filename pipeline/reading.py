"""What the model is shown when it is to read a caller's turn: tokens alone, the same in training and in a call.

    Corner Bakery. Lines:
    [AA] We are at 3 Mill Lane.
    [AB] A sourdough loaf costs 4 pounds 50.
    [AC] Nothing here says it.
    Before: Where are you? [AA]
    Caller: And what's a loaf
    []

After the caller's words three tokens are given: behind the line's end it is due whether the caller has finished, behind `[` the label of the line that answers,
behind `]` a yes, a no, or neither. All three are read from one pass: no token is sampled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from string import ascii_uppercase

import numpy as np
from numpy.typing import NDArray

from pipeline.statements import UNNAMED, Statement

LABELS = tuple("".join(pair) for pair in product(ascii_uppercase, repeat=2))
DONE = (" yes", " no")
VERDICTS = (" Yes", " No", " It")
"""Yes, no, and neither: what an answer begins with."""
NOTHING = "Nothing here says it."
MAX_QUESTION = 320
"""Characters of a turn that count, from its end."""
_ENDS = re.compile(r"[\s.,?!…–-]+$")


@dataclass(frozen=True, slots=True)
class TurnTokens:
    """`ids`, and where in them is read: the numbers of the tokens behind which it is due whether the turn is over, the label, the verdict."""

    ids: list[int]
    done_at: int
    label_at: int
    verdict_at: int


class Layout:
    """`tokens` makes token ids of a text, without special tokens."""

    def __init__(self, tokens: Callable[[str], list[int]]) -> None:
        self._tokens = tokens
        self._labels = [ids[0] for label in LABELS if len(ids := tokens(label)) == 1]
        self._line_open, self._open, self._close, self._end = tokens("\n["), tokens("["), tokens("]"), tokens("\n")
        self.done = [tokens(word)[0] for word in DONE]
        self.verdicts = [tokens(word)[0] for word in VERDICTS]

    @property
    def most(self) -> int:
        """How many labels there are: lines, and one for "nothing"."""
        return len(self._labels)

    def lines(self, name: str, statements: Sequence[Statement], first: int = 0) -> tuple[list[int], list[int]]:
        """Tokens of the owner's lines, and the label of each; the last label stands for "nothing". `first`: the number of the first label."""
        labels = [self._labels[(first + number) % len(self._labels)] for number in range(len(statements) + 1)]
        ids = list(self._tokens(f"{name}. Lines:"))
        texts = [statement.full.replace(UNNAMED, "") for statement in statements]
        for label, text in zip(labels, [*texts, NOTHING], strict=True):
            ids += [*self._line_open, label, *self._close, *self._tokens(f" {text}")]
        return ids, labels

    def before(self, asked: str, line: int | None, labels: Sequence[int]) -> list[int]:
        """Tokens of the question before, and of the line that answered it."""
        label = labels[-1 if line is None else line]
        return [*self._tokens(f"\nBefore: {shown(asked)} "), *self._open, label, *self._close]

    def turn(self, said: str) -> TurnTokens:
        """Tokens of what the caller has said so far. Its own last punctuation does not count: the recogniser writes one in the middle, too."""
        ids = [*self._tokens(f"\nCaller: {shown(said)}"), *self._end, *self._open, *self._close]
        return TurnTokens(ids, len(ids) - 3, len(ids) - 2, len(ids) - 1)


def shown(said: str) -> str:
    """A turn as the model is shown it: its end counts, but for its punctuation."""
    return _ENDS.sub("", said)[-MAX_QUESTION:]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader makes of a turn.

    `over`: log odds of the caller's having finished. `lines`: log probabilities, shape (statements + 1,): that this line answers, the last that nothing does.
    `verdict`: P(yes), P(no), P(neither) of the answer.
    """

    over: float
    lines: NDArray[np.float32]
    verdict: tuple[float, ...]

    @property
    def line(self) -> int:
        """The likeliest line; the number behind the last one stands for nothing."""
        return int(self.lines.argmax())
