"""Picking a fact by words; meaning is stood in for by vectors made for the test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.embedding import Floats
from pipeline.questions import Want, analyse
from pipeline.retrieval import FactIndex, Previous
from pipeline.statements import split

TEXT = """Full groom (bath, dry, cut): small dog £38, medium £46, large £60. Small is up to about a Westie, medium is cocker spaniel size.
Takes about an hour and a half for a small one, two hours for a medium one and three hours for a large one.
Bath only is 22 / 28 / 35.
Dogs only - we don't groom cats or rabbits.
Cash or card, no bank transfers.
Parking: two spaces in front.
Our phone number is 01632 960 133.
Owners are Bridget and Sam."""


@pytest.fixture(scope="module")
def index() -> FactIndex:
    statements = split(TEXT)
    return FactIndex(statements, np.zeros((len(statements), 384), np.float32))


def like(index: FactIndex, start: str, cosine: float) -> FactIndex:
    """An index in which one statement means what the question does."""
    vectors: Floats = np.zeros((len(index.statements), 384), np.float32)
    vectors[next(i for i, s in enumerate(index.statements) if s.text.startswith(start)), 0] = cosine
    return FactIndex(index.statements, vectors)


ONE: Floats = np.eye(1, 384, dtype=np.float32)[0]


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("Can I pay by bank transfer?", "Cash or card, no bank transfers."),
        ("Is there a car park?", "Parking: two spaces in front."),
        ("do you do kittens", "Dogs only - we don't groom cats or rabbits."),
        ("What's your phone number?", "Our phone number is 01632 960 133."),
        ("Who owns the place?", "Owners are Bridget and Sam."),
        ("How much is a full groom for a large dog?", "Full groom (bath, dry, cut): large £60."),
        ("How much is a full groom for a cocker spaniel?", "Full groom (bath, dry, cut): medium £46."),
    ],
)
def test_the_fact_is_found_and_cut_down_to_what_was_asked(index: FactIndex, said: str, text: str) -> None:
    picked = index.pick(analyse(said), None)
    assert picked.confident
    assert picked.text == text


@pytest.mark.parametrize(
    "said",
    [
        "Do you sell gift vouchers?",
        "Which brand of brush do you use on dogs?",
        "How warm is the bath?",
        "Do you groom horses?",
        "Who invented the telephone?",
    ],
)
def test_where_nothing_bears_on_it_nothing_is_picked(index: FactIndex, said: str) -> None:
    assert not index.pick(analyse(said), None).confident


def test_meaning_finds_what_words_do_not(index: FactIndex) -> None:
    said = analyse("Where may one leave one's vehicle?")
    assert not index.pick(said, None).confident
    assert like(index, "Parking", 0.7).pick(said, ONE).text == "Parking: two spaces in front."


def test_a_follow_up_keeps_the_topic_and_the_entry(index: FactIndex) -> None:
    first = analyse("How much is a full groom for a cocker spaniel?")
    previous = Previous(first, index.pick(first, None))
    assert index.pick(analyse("And how long does it take?"), None, previous).text == "Full groom: two hours for a medium one."
    like_the_last = replace(analyse("What about a westie?"), want=Want.PRICE)
    assert index.pick(like_the_last, None, previous, elliptical=True).text == "Full groom (bath, dry, cut): small dog £38."


def test_no_statements_no_fact() -> None:
    assert not FactIndex([], np.zeros((0, 384), np.float32)).pick(analyse("Do you sell bread?"), None).confident


def found(text: str, said: str, name: str = "") -> str | None:
    statements = split(text)
    picked = FactIndex(statements, np.zeros((len(statements), 384), np.float32), name).pick(analyse(said), None)
    return picked.text if picked.confident else None


@pytest.mark.parametrize(
    ("text", "said", "answer"),
    [
        (
            "Heel tips: ladies £9.50, men £14, while you wait, 15 minutes.",
            "What do heel tips come to for my wife?",
            "Heel tips: ladies £9.50.",
        ),
        ("Rooms: single £62, double £94, sea view double £118.", "How much is a double room?", "Rooms: double £94."),
        ("Check out by 10.30.\nLate check out £15.", "By when do we have to check out?", "Check out by 10.30."),
        (
            "Door keys £6.\nWe can't copy keys of a car.\nOpen daily.",
            "Can you copy the key of my car?",
            "We can't copy keys of a car.",
        ),
        (
            "The station is near.\nWe don't do pick-ups.\nWifi is free.\nNo gym.\nDogs yes.\nCash or card.",
            "Could somebody fetch us from the station?",
            "We don't do pick-ups.",
        ),
        ("Party room £60, bring your own cake.\nNo outside alcohol.", "Could we bring a few beers?", "No outside alcohol."),
        (
            "We stop at 5:30 on weekdays, 6:30 on Saturday and 3:30 on Sunday.",
            "When do you stop on Saturday?",
            "We stop at 6:30 on Saturday.",
        ),
        ("Tent: Sun-Thu £28, Fri-Sat £36.", "What's a tent on a Tuesday?", "Tent: Sun-Thu £28."),
        ("Wedding dresses £95.\nCurtains £9.", "Can you dye a dress?", None),
    ],
)
def test_what_settles_it_goes_before_what_shares_a_word(text: str, said: str, answer: str | None) -> None:
    assert found(text, said) == answer


def test_the_name_of_the_business_tells_little() -> None:
    text = "Bay Kayaks, Slipway 3.\nChildren in a kayak have to be 8.\nWetsuits £5."
    assert found(text, "Do children in a kayak have to be 8?", "Bay Kayaks") == "Children in a kayak have to be 8."
