"""What callers ask for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.questions import Want, analyse, sentences_of, turned
from pipeline.when import when_of


@pytest.mark.parametrize(
    ("said", "want"),
    [
        ("What does a full hour with a teacher cost, just the one pupil?", Want.PRICE),
        ("She needs everything. What am I looking at?", Want.PRICE),
        ("And how long before I can fetch her again?", Want.LENGTH),
        ("do you do cats", Want.YES_NO),
        ("If it's only his claws, do I have to make an appointment?", Want.YES_NO),
        ("How old does he have to be?", Want.AGE),
        ("Where would we find you in Ostley?", Want.WHERE),
        ("Who teaches violin?", Want.WHO),
        ("Which one of you would I be seeing about a watch?", Want.WHO),
        ("what's your phone number", Want.PHONE),
        ("Which brand of shampoo is it you use?", Want.ATTRIBUTE),
        ("How warm is the water?", Want.MEASURE),
        ("When is the concert?", Want.WHEN),
        ("What happens if I'm late?", Want.OTHER),
        ("So you're open on Mondays, then?", Want.YES_NO),
        ("In the summer, you guys do Saturday afternoons?", Want.YES_NO),
        ("I've a van.", Want.OTHER),
    ],
)
def test_the_kind_of_answer(said: str, want: Want) -> None:
    assert analyse(said).want is want


@pytest.mark.parametrize(
    ("said", "leans"),
    [
        ("And on Fridays?", True),
        ("How long does it take?", True),
        ("What about a westie?", True),
        ("Do you rent towels?", False),
        ("I've a puppy. How old must he be?", False),
    ],
)
def test_follow_ups(said: str, leans: bool) -> None:
    assert analyse(said).leans is leans


@pytest.mark.parametrize(
    ("said", "minute"),
    [
        ("at seven in the evening", 19 * 60),
        ("on Saturday afternoon, about two", 14 * 60),
        ("half past nine", 9 * 60 + 30),
        ("still there at seven", 19 * 60),
        ("at seven in the morning", 7 * 60),
        ("at 17:30", 17 * 60 + 30),
        ("quarter to five", 16 * 60 + 45),
        ("for two dogs", None),
        ("about 30 minutes", None),
    ],
)
def test_times_of_day(said: str, minute: int | None) -> None:
    assert when_of(said).minute == minute


def test_two_requests_in_one_breath() -> None:
    assert sentences_of("Are you open on Sunday and how much is a bath?") == ["Are you open on Sunday", "how much is a bath?"]


def test_what_only_says_more_about_a_question_is_no_other_one() -> None:
    assert sentences_of("Are you open Saturday afternoons? Like around three?") == [
        "Are you open Saturday afternoons, Like around three?"
    ]
    assert len(sentences_of("Are you open Saturdays? Say I came without the card, would you still do it?")) == 2


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("Can I pay you by card?", "Can you pay us by card?"),
        ("Do you rent towels?", "Do we rent towels?"),
        ("I need to move my lesson, what do I do?", "You need to move your lesson, what do you do?"),
        ("Where would we find you?", "Where would you find us?"),
    ],
)
def test_the_question_from_the_business_side(said: str, asked: str) -> None:
    assert turned(said) == asked


@given(st.text(max_size=120))
def test_anything_can_be_said(said: str) -> None:
    assert analyse(said).text == said
