"""What no owner's text can say."""

from __future__ import annotations

import pytest

from pipeline.books import asks_what_others_choose, only_the_books_know
from pipeline.questions import analyse


@pytest.mark.parametrize(
    "said",
    [
        "Is it ready yet?",
        "Is it ready yet, do you know?",
        "Has my saddle come back from being flocked yet?",
        "Did my final payment go through all right?",
        "Did you get the deposit I sent through the bank last night?",
        "Are my boots done?",
        "Could you tell me if my picture's ready?",
        "Have you got a crew free on Thursday the twenty-eighth?",
        "Are there any places left on it for September?",
        "Is the half past twelve slot still going on Saturday?",
        "Are they ready to collect?",
    ],
)
def test_how_things_stand(said: str) -> None:
    assert only_the_books_know(analyse(said))


@pytest.mark.parametrize(
    "said",
    [
        "Are you open yet?",
        "Is it ready the same day?",
        "When is it ready?",
        "Did you say my dog can come?",
        "Have you got room for my mare?",
        "Is the car park free?",
        "Is the car park free on Sundays?",
        "Do you have free parking on Sunday?",
        "Is there parking available on site?",
        "Is there a lift available for my mum on Friday?",
        "Do you have anything gluten free on Sunday?",
        "Are there tables free on Sundays?",
        "Have you got any left-handed clubs?",
        "Is there a place to eat on Sunday?",
        "Can my dog come in?",
        "Do my children have to be finished with school?",
    ],
)
def test_what_a_text_may_say(said: str) -> None:
    assert not only_the_books_know(analyse(said))


@pytest.mark.parametrize(
    ("said", "asks"),
    [
        ("Which tartan do most folk go for?", True),
        ("What's your most popular cake?", True),
        ("Which one's your best seller?", True),
        ("What would most people choose?", True),
        ("How long do most people stay?", False),
        ("Which one is the cheapest?", False),
        ("What do people have to bring?", False),
    ],
)
def test_what_others_choose(said: str, asks: bool) -> None:
    assert asks_what_others_choose(analyse(said)) is asks
