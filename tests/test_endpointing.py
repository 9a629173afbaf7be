"""How long a silence ends a turn."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.endpointing import Waits, completeness, dangling, lingering

WAITS = Waits(sure=0.8, sure_ms=160, likely=0.5, likely_ms=500, unlikely_ms=1500, max_ms=1800)


@pytest.mark.parametrize(("probability", "ms"), [(1.0, 160), (0.8, 160), (0.79, 500), (0.5, 500), (0.25, 1000), (0.0, 1500)])
def test_the_surer_the_sooner(probability: float, ms: int) -> None:
    assert WAITS.silence_ms(probability) == ms


@given(st.floats(0, 1), st.floats(0, 1))
def test_more_probable_never_waits_longer(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert WAITS.silence_ms(high) <= WAITS.silence_ms(low)


@pytest.mark.parametrize("text", ["do you have the", "I wanted to ask, um", "well,", "is it...", "I’m", "we are 3 and"])
def test_a_sentence_that_goes_on(text: str) -> None:
    assert dangling(text)


@pytest.mark.parametrize(
    "text", ["", "...", "are you open on Sunday?", "how much", "what", "at 5", "yes I am", "Is that what it is for, Sunday"]
)
def test_a_sentence_that_may_end(text: str) -> None:
    assert not dangling(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("Okay, thank you.", True), ("Hello", True), ("", False), ("hello, are you open", False)]
)
def test_a_way_in_or_out(text: str, expected: bool) -> None:
    assert lingering(text) is expected


def test_words_only_ever_lower_the_probability() -> None:
    assert completeness(0.95, None, 0.5) == 0.95
    assert completeness(0.95, "are you open on Sunday", 0.5) == 0.95
    assert completeness(0.95, "do you have the", 0.5) == 0.25
    assert completeness(0.1, "do you have the", 0.5) == 0.1
    assert completeness(0.95, "okay thank you", 0.5) == 0.5
