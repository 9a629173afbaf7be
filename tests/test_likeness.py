"""Comparing a question with statements, as wholes and token by token."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.likeness import Likeness, TextVectors

EAST, NORTH, UP = np.eye(3, dtype=np.float32)


def text(*tokens: np.ndarray) -> TextVectors:
    whole = np.mean(tokens, axis=0)
    return TextVectors(whole / np.linalg.norm(whole), np.stack(tokens))


def test_a_token_counts_where_it_is_nearest() -> None:
    alike = Likeness([text(EAST, NORTH), text(EAST, UP), text(NORTH)], worth=np.zeros(3, np.float32))
    whole, detail = alike.to(text(EAST, UP))
    assert detail == pytest.approx([0.5, 1.0, 0.0])
    assert whole == pytest.approx([0.5, 1.0, 0.0])


def test_what_tells_more_counts_more() -> None:
    likeness = Likeness([text(EAST), text(UP)], worth=10 * UP)
    _, detail = likeness.to(text(EAST, UP))
    assert detail == pytest.approx([0.0, 1.0], abs=1e-3)
