"""What a model may say, and what not."""

from __future__ import annotations

import pytest

from pipeline.guard import Guard
from pipeline.items import MONEY

FACT = "Full groom: medium £46, takes two hours, Tuesdays and Thursdays between 2 and 4."


@pytest.mark.parametrize(
    "phrase",
    [
        "A full groom is £46.",
        "It costs forty six pounds.",
        "It takes two hours, ",
        "On Tuesdays and Thursdays.",
        "Between 2 pm and 4 pm.",
        "I'm sorry, I don't know that.",
        "Medium £46.",
    ],
)
def test_what_the_fact_says_may_be_said(phrase: str) -> None:
    assert Guard([FACT], "How much is a full groom?").check(phrase)


@pytest.mark.parametrize(
    "phrase",
    [
        "A full groom is £45.",
        "It costs 46 dollars and 12 cents.",
        "46.",
        "£2",
        "On Wednesday.",
        "Ask Bridget.",
        "We also sell shampoo.",
        "I need a full groom.",
        "As an AI I can't say.",
        "It takes three hours.",
    ],
)
def test_what_it_does_not_say_may_not(phrase: str) -> None:
    assert not Guard([FACT], "How much is a full groom?").check(phrase)


def test_a_yes_against_a_no() -> None:
    guard = Guard(["We don't groom cats."], "Do we groom cats?", verdict=False)
    assert not guard.check("Yes, we groom cats.")
    assert guard.check("No, we don't groom cats.")
    assert not Guard(["We groom dogs."], "Do we groom dogs?", verdict=True).check("No, ")
    assert Guard(["We groom dogs."], "Do we groom dogs?").check("No, ")


def test_not_knowing_is_refused_where_the_fact_is_sure() -> None:
    assert not Guard(["Yoga is at 6."], "When is yoga?", sure=True).check("I don't know that.")


def test_a_number_of_another_kind_is_no_price() -> None:
    fact = "Heel tips £9.50, done while you wait, about 15 minutes."
    assert Guard([fact], "What do heel tips come to?").check("It comes to about 15 minutes.")
    assert not Guard([fact], "What do heel tips come to?", amount=MONEY).check("It comes to about 15 minutes.")
    assert Guard([fact], "What do heel tips come to?", amount=MONEY).check("It comes to £9.50.")


def test_a_fact_that_denies_nothing_is_not_denied() -> None:
    guard = Guard(["A third of the price when you order."], "Do we want all of the money straight away?")
    assert not guard.check("We don't want all of the money straight away.")
    assert guard.check("A third of the price when you order.")
