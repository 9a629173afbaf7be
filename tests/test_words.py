"""Words as they are compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from num2words import num2words

from pipeline.words import concept, content, durations, generalised, numbers


@pytest.mark.parametrize(
    ("one", "other"), [("claws", "nails"), ("kids", "children"), ("lessons", "teaching"), ("hire", "rental"), ("puppy's", "dogs")]
)
def test_many_names_are_one_concept(one: str, other: str) -> None:
    assert concept(one) == concept(other)


def test_words_that_say_little_are_left_out() -> None:
    assert content("Could you tell me, is there a lift?") == [concept("lift")]


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("half an hour", {30}),
        ("a full hour", {60}),
        ("an hour and a half", {90}),
        ("45-minute", {45}),
        ("two hours", {120}),
        ("a forty five minute lesson", {45}),
    ],
)
def test_lengths_of_time(text: str, minutes: set[int]) -> None:
    assert durations(text) == minutes


@given(st.integers(0, 99))
def test_number_words_are_numbers(value: int) -> None:
    assert numbers(f"it is {num2words(value)} pounds") == {str(value)} == numbers(f"it is £{value}")


def test_one_form_of_a_number() -> None:
    assert numbers("£12.50 and 1,000 and 08") == {"12.5", "1000", "8"}


def test_a_member_is_called_by_its_kind_where_only_that_is_known() -> None:
    assert generalised("our old labrador", {"=dog"}.__contains__) == "our old dog"
    assert generalised("two labradors", {"=dog"}.__contains__) == "two dogs"
    assert generalised("our old labrador", {"=dog", "labrador"}.__contains__) == "our old labrador"
    assert generalised("our labrador", {"=pet"}.__contains__) == "our pet"
    assert generalised("our labrador", set[str]().__contains__) == "our labrador"
