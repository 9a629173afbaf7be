"""One call, one token, once."""

from __future__ import annotations

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from telephony.tokens import Tokens

S = 1_000_000_000


def test_good_once_and_for_its_call_only() -> None:
    tokens = Tokens(60)
    token = tokens.issue("CA1", 0)
    assert len(token) >= 32
    assert not tokens.redeem(token, "CA2", S)
    assert not tokens.redeem("", "CA1", S)
    assert not tokens.redeem("", "CA2", S)
    assert not tokens.redeem(token + "x", "CA1", S)
    assert tokens.redeem(token, "CA1", S)
    assert not tokens.redeem(token, "CA1", S)
    assert len(tokens) == 0


def test_expires() -> None:
    tokens = Tokens(60)
    early, late = tokens.issue("CA1", 0), tokens.issue("CA2", 1)
    assert not tokens.redeem(early, "CA1", 60 * S)
    assert tokens.redeem(late, "CA2", 60 * S)


def test_asking_again_replaces() -> None:
    tokens = Tokens(60)
    first, second = tokens.issue("CA1", 0), tokens.issue("CA1", 1)
    assert not tokens.redeem(first, "CA1", 2)
    assert tokens.redeem(second, "CA1", 2)


def test_bounded() -> None:
    numbers = count()
    tokens = Tokens(60, capacity=3, dice=lambda: f"t{next(numbers)}")
    for i in range(5):
        tokens.issue(f"CA{i}", i)
    assert len(tokens) == 3
    assert [tokens.redeem(f"t{i}", f"CA{i}", 10) for i in range(5)] == [False, False, True, True, True]


@given(
    token=st.text(alphabet=st.characters(exclude_categories=[])), call_sid=st.text(alphabet=st.characters(exclude_categories=[]))
)
def test_any_text_is_just_wrong(token: str, call_sid: str) -> None:
    tokens = Tokens(60)
    tokens.issue("CA1", 0)
    assert not tokens.redeem(token, call_sid, 1)
    assert not tokens.redeem(token, "CA1", 1)
