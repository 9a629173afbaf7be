"""Picking a fact, with the model that the product has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import pytest
from fixtures_models import product_settings  # noqa: F401 - fixture

from config.models import resolve
from config.settings import Settings
from pipeline.embedding import Embedder
from pipeline.picking import trained
from pipeline.questions import Question, Want, analyse
from pipeline.retrieval import FactIndex, Picked, Previous
from pipeline.statements import split

TEXT = """Full groom (bath, dry, cut): small dog £38, medium £46, large £60. Small is up to about a Westie, medium is cocker spaniel size.
Takes about an hour and a half for a small one, two hours for a medium one and three hours for a large one.
Bath only is 22 / 28 / 35.
Dogs only - we don't groom cats or rabbits.
Cash or card, no bank transfers.
Parking: two spaces in front.
Our phone number is 01632 960 133.
Owners are Bridget and Sam."""


pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def embedder(product_settings: Settings) -> Embedder:  # noqa: F811
    return Embedder(resolve("mpnet-base-v2", product_settings.models_dir), trained().deltas)


@dataclass(frozen=True)
class Business:
    """What an owner wrote, ready to be asked."""

    embedder: Embedder
    text: str
    name: str = ""

    @cached_property
    def index(self) -> FactIndex:
        statements = split(self.text, self.name)
        return FactIndex(statements, self.embedder.embed([s.full for s in statements]), self.name)

    def pick(self, said: Question | str, previous: Previous | None = None, *, elliptical: bool = False) -> Picked:
        question = analyse(said) if isinstance(said, str) else said
        return self.index.pick(question, self.embedder.embed([question.text])[0], previous, elliptical=elliptical)


@pytest.fixture(scope="module")
def groomer(embedder: Embedder) -> Business:
    return Business(embedder, TEXT)


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
def test_the_fact_is_found_and_cut_down_to_what_was_asked(groomer: Business, said: str, text: str) -> None:
    picked = groomer.pick(said)
    assert picked.confident
    assert picked.text == text


@pytest.mark.parametrize(
    "said",
    [
        "Do you sell gift vouchers?",
        "Which brand of brush do you use on dogs?",
        "How warm is the bath?",
        "Have you got a swimming pool?",
        "Who invented the telephone?",
    ],
)
def test_where_nothing_bears_on_it_nothing_is_picked(groomer: Business, said: str) -> None:
    assert not groomer.pick(said).confident


def test_meaning_finds_what_words_do_not(groomer: Business) -> None:
    assert groomer.pick("Where may one leave one's vehicle?").text == "Parking: two spaces in front."


def test_a_follow_up_keeps_the_topic_and_the_entry(groomer: Business) -> None:
    first = analyse("How much is a full groom for a cocker spaniel?")
    previous = Previous(first, groomer.pick(first))
    assert groomer.pick("And how long does it take?", previous).text == "Full groom: two hours for a medium one."
    like_the_last = replace(analyse("What about a westie?"), want=Want.PRICE)
    assert groomer.pick(like_the_last, previous, elliptical=True).text == "Full groom (bath, dry, cut): small dog £38."


def test_no_statements_no_fact() -> None:
    assert not FactIndex([], []).pick(analyse("Do you sell bread?"), None).confident


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
def test_what_settles_it_goes_before_what_shares_a_word(embedder: Embedder, text: str, said: str, answer: str | None) -> None:
    picked = Business(embedder, text).pick(said)
    assert (picked.text if picked.confident else None) == answer


def test_two_statements_that_are_as_likely_are_both_found(embedder: Embedder) -> None:
    text = "Shirts are washed for £3.\nShirts are ironed for £2.\nOpen daily.\nNo cheques.\nParking behind the shop."
    picked = Business(embedder, text).pick("What do you charge for shirts?")
    assert picked.second is not None
    assert {picked.facts[0].text, picked.second.facts[0].text} == set(text.splitlines()[:2])


def test_of_a_line_s_two_sentences_that_about_the_day_asked_for_is_said(embedder: Embedder) -> None:
    text = (
        "At weekends you have to book. From Tuesday to Friday just turn up.\nPuppy hour is on Thursdays.\nTea is served every day."
    )
    business = Business(embedder, text)
    assert business.pick("Do I have to book on a Wednesday?").text == "From Tuesday to Friday just turn up."
    assert business.pick("Do I have to book on a Sunday?").text == "At weekends you have to book."


def test_the_name_of_the_business_tells_little(embedder: Embedder) -> None:
    text = "Bay Kayaks, Slipway 3.\nChildren in a kayak have to be 8.\nWetsuits £5."
    picked = Business(embedder, text, "Bay Kayaks").pick("Do children in a kayak have to be 8?")
    assert picked.text == "Children in a kayak have to be 8."
