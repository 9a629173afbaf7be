"""Ages against the bounds that owners set."""

from __future__ import annotations

import pytest

from pipeline.ages import age_of, has_age, old_enough
from pipeline.questions import analyse


def weigh(_: str) -> float:
    return 1.0


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("My lad's twenty-two and passed his test last year, can he drive one?", False),
        ("I'm 75, may I drive one?", True),
        ("My dad's 76, could he drive one?", False),
    ],
)
def test_an_age_between_two(said: str, answer: bool) -> None:
    fact = "Drivers must be 25 to 75 and have held a licence for at least 2 years."
    assert old_enough(analyse(said), fact, weigh) is answer


@pytest.mark.parametrize(
    ("said", "fact", "answer"),
    [
        ("My girl has just turned four. Is she old enough for you?", "Children from 5 years, drums only from 8.", False),
        ("My son is six, can he learn drums?", "Children from 5 years, drums only from 8.", False),
        ("My son is six, can he learn piano?", "Children from 5 years, drums only from 8.", True),
        ("My puppy is six months, can she join?", "Puppy class for puppies under 5 months.", False),
        ("Can my eight year old come in with me?", "Children under 10 can't come into the grooming room.", False),
        ("I'm sixty, am I too old to start?", "Beginners of every age are welcome.", False),
        ("He's seventeen, is that too young?", "From 16 years.", False),
        ("Could I bring my fourteen year old?", "Evening cruise, adults only.", False),
        ("My daughter is two, do I have to pay?", "Under 3s free, over 65s £3.80.", None),
        ("Do you teach the piano?", "Children from 5 years.", None),
        ("My lad's thirteen, can he go on it?", "Nobody over 11 can play.", False),
        ("My lad's eleven, can he go on it?", "Nobody over 11 can play.", True),
        ("My boy is nine, must I stay?", "Children under 8 must be with an adult.", None),
    ],
)
def test_old_enough(said: str, fact: str, answer: bool | None) -> None:
    assert old_enough(analyse(said), fact, weigh) is answer


def test_ages_are_in_months() -> None:
    assert age_of(analyse("She is six months old")) == 6
    assert age_of(analyse("He is two")) == 24
    assert age_of(analyse("It's about two o'clock")) is None
    assert age_of(analyse("My little girl's nine")) == 108
    assert age_of(analyse("Is just one night all right?")) is None


def test_a_price_for_an_age_is_no_bound() -> None:
    assert has_age("From 16 years.")
    assert not has_age("It is free for over 60s.")
