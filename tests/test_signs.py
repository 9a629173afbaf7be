"""Signs that a statement holds what was asked for."""

from __future__ import annotations

import pytest

from pipeline.picking import Weights
from pipeline.questions import analyse
from pipeline.signs import Scores, Signs, kind_of, nearness
from pipeline.statements import Statement, split


def the(text: str) -> Statement:
    """The first statement of a text."""
    return split(text, "Bramble")[0]


@pytest.mark.parametrize(
    ("said", "has", "has_not"),
    [
        ("How much is a bath?", "A bath is £22.", "A bath takes an hour."),
        ("How long does a bath take?", "A bath takes an hour.", "A bath is £22."),
        ("What's your email address?", "Write to us by email, bram@example.com.", "Write to us."),
        ("Where are you?", "We are at 4 Mill Lane.", "We are a bakery."),
        ("What age do you take children from?", "Children from 5 years.", "Children and parents."),
    ],
)
def test_the_kind_asked_for_counts(said: str, has: str, has_not: str) -> None:
    want = analyse(said).want
    assert kind_of(want, the(has)) > kind_of(want, the(has_not))


@pytest.mark.parametrize(
    ("said", "for_it", "not_for_it"),
    [
        ("My son is seven, can he come along?", "From 5 years.", "Everybody is welcome."),
        ("Is it level, or are there stairs?", "Two steps at the door.", "A green door."),
        ("How many people fit in?", "Seats 12 people.", "A red boat."),
        ("When will it be ready to collect?", "Shirts are done within two days.", "Shirts are washed on Mondays."),
        ("What's the latest I can come?", "The last boat is at 5 pm.", "Boats are hired by the hour."),
        ("When do I have to check out?", "Check out by 11 am.", "Late check out until 1 pm."),
        ("Where can I park?", "Parking is behind the house.", "No parking here."),
        ("How do I get there?", "By bus.", "Questions to 01632 960 133."),
    ],
)
def test_what_else_speaks_for_a_statement(said: str, for_it: str, not_for_it: str) -> None:
    signs = Signs.of(analyse(said), None)
    assert signs.beyond_kind(the(for_it)) > signs.beyond_kind(the(not_for_it))


def test_a_date_of_the_question_before_counts() -> None:
    alone = Signs.of(analyse("And is the cafe open?"), None)
    after = Signs.of(analyse("And is the cafe open?"), analyse("Are you open on the third of August?"))
    summer = the("In summer the cafe is open.")
    assert after.beyond_kind(summer) > alone.beyond_kind(summer) == 0


def test_what_was_just_said_is_near_and_a_stranger_is_not() -> None:
    first, *_, second = split("A bath is £22.\n\nWe are at 4 Mill Lane.", "Bramble")
    assert nearness(first, first, yes_no=False) > nearness(second, first, yes_no=False) == 0
    assert nearness(first, None, yes_no=False) == 0


def test_the_sum_is_the_log_odds() -> None:
    weights = Weights(meaning=2.0, detail=4.0, words=3.0, kind=5.0, context=7.0, nothing=11.0)
    assert Scores(words=1.0, meaning=0.5, detail=0.25, kind=2.0, context=0.1).total(weights) == pytest.approx(
        3 + 1 + 1 + 10 + 0.7 - 11
    )
