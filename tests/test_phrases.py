"""Phrases: where a token stream is cut, and that nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.phrases import Phraser


def cut(text: str, size: int = 3) -> list[str]:
    phraser = Phraser()
    phrases = [p for i in range(0, len(text), size) for p in phraser.feed(text[i : i + size])]
    return phrases + phraser.close()


@pytest.mark.parametrize("size", [1, 3, 50])
@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("No, we don't groom cats. Dogs only, sorry.", ["No, ", "we don't groom cats. ", "Dogs only, sorry."]),
        ("It costs $12.50 in all.", ["It costs $12.50 in all."]),
        ("We open at 9 a.m. to see Dr. Smith at 5 St. James Road.", ["We open at 9 a.m. to see Dr. Smith at 5 St. James Road."]),
        ("It is 1,200 pounds, 10, 11 or 12.", ["It is 1,200 pounds, ", "10, 11 or 12."]),
        ("Call 01632, 960, 133 now.", ["Call 01632, 960, 133 now."]),
        ("At 9 p.m. We close.", ["At 9 p.m. ", "We close."]),
    ],
)
def test_cuts_where_a_person_breathes(text: str, phrases: list[str], size: int) -> None:
    assert cut(text, size) == phrases


def test_the_first_phrase_comes_before_the_text_is_complete() -> None:
    phraser = Phraser()
    assert phraser.feed("Yes,") == []
    assert phraser.feed(" we") == ["Yes, "]


def test_the_first_phrase_can_be_made_longer() -> None:
    phraser = Phraser(first_min_chars=10)
    assert phraser.feed("Yes, we do, on Monday.") == ["Yes, we do, "]


def test_a_long_sentence_without_punctuation_is_cut_before_a_conjunction() -> None:
    text = "we dry the dog very thoroughly with a warm towel because nobody likes a wet dog in a small car on the way home"
    phrases = cut(text)
    assert len(phrases) == 2
    assert phrases[1].startswith("because")


@given(st.text(st.sampled_from("abc AB.,:;!?19£$-\n"), max_size=200), st.integers(1, 9))
def test_joined_phrases_are_the_text(text: str, size: int) -> None:
    assert "".join(cut(text, size)).strip() == text.strip()


@given(st.lists(st.integers(0, 9999).map(str) | st.decimals(0, 99, places=2).map(str), min_size=1, max_size=9), st.integers(1, 4))
def test_no_number_is_cut(numbers: list[str], size: int) -> None:
    assert "".join(f"{p}|" for p in cut(" and then ".join(numbers), size)).replace("|", "") == " and then ".join(numbers)
    for phrase in cut(" and then ".join(numbers), size):
        assert all(word in {*numbers, "and", "then"} for word in phrase.split())


def test_it_starts_anew_after_close() -> None:
    phraser = Phraser()
    first = phraser.feed("Yes, of course. ") + phraser.close()
    assert first == phraser.feed("Yes, of course. ") + phraser.close()
