"""How like a question each of the owner's statements is: as wholes, and token by token.

Two sentences about two lakes are alike as wholes; which lake is meant only their tokens tell. So beside the cosine of both means each token of the question is
compared with the statement's nearest one (late interaction: Khattab and Zaharia 2020, ColBERT, https://arxiv.org/abs/2004.12832), and counts as much as
training has found such a token to tell (`fixtures/picking/train.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TextVectors:
    """A text's vectors, each of length one: `whole` (768,), `tokens` (n, 768) with n of 1 or more."""

    whole: Floats
    tokens: Floats


class Likeness:
    """Texts to compare with. `worth` (768,): the softmax over its products with a question's tokens says how much each counts."""

    def __init__(self, texts: Sequence[TextVectors], worth: Floats) -> None:
        self._wholes = np.stack([text.whole for text in texts])
        self._tokens = np.concatenate([text.tokens for text in texts])
        self._starts = np.cumsum([0, *(len(text.tokens) for text in texts[:-1])])
        self._worth = worth

    def to(self, question: TextVectors) -> tuple[Floats, Floats]:
        """Cosines of the wholes and of the nearest tokens, shape (texts,) each."""
        nearest = np.maximum.reduceat(question.tokens @ self._tokens.T, self._starts, axis=1)
        told = question.tokens @ self._worth
        shares = np.exp(told - told.max())
        detail: Floats = shares @ nearest / shares.sum()
        return self._wholes @ question.whole, detail
