"""Owners' texts cut into statements."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.items import LENGTH
from pipeline.statements import UNNAMED, sentences, split


def texts(instructions: str) -> list[str]:
    return [statement.full for statement in split(instructions)]


@pytest.mark.parametrize(
    "line",
    [
        "It takes approx. 5 minutes.",
        "We open at 9 a.m. on Mondays.",
        "Doors at 8.30 for all.",
        "Dr. Patel is in.",
        "Ask at St. James House.",
    ],
)
def test_what_does_not_end_a_sentence(line: str) -> None:
    assert sentences(line) == [line]


def test_a_sentence_without_a_subject_gets_one() -> None:
    assert texts("Full groom: small dog £38, large £60.\nTakes about two hours.")[1] == "Full groom: Takes about two hours."


def test_a_heading_goes_with_every_line_below_it() -> None:
    assert texts("Prices:\n- Cut £20\n- Colour £50\n\nNo parking.") == ["Prices: Cut £20.", "Prices: Colour £50.", "No parking."]


@pytest.mark.parametrize(
    "text",
    [
        "Cancelling is free up to 24 hours before. After that we charge 30 pounds.",
        "Call-outs seven days a week, 7 am to 10 pm. Nothing overnight.",
        "We ride in the rain too. We only call off for ice or thunder.",
    ],
)
def test_a_sentence_that_needs_the_one_before_stays_with_it(text: str) -> None:
    assert texts(text) == [text]


def test_a_list_is_taken_apart() -> None:
    (statement,) = split("One to one lessons: 30 minutes £19, 60 minutes £35.")
    assert [item.text for item in statement.items] == ["30 minutes £19", "60 minutes £35"]
    assert statement.narrowed(statement.items[1:]) == "One to one lessons: 60 minutes £35."


def test_prices_between_slashes_get_their_names_back() -> None:
    assert (
        texts("Full groom: small £38, medium £46, large £60.\nBath only is 22 / 28 / 35.")[1]
        == "Bath only: small £22, medium £28, large £35."
    )


def test_bare_prices_get_the_owners_currency() -> None:
    assert texts("New lock £95.\nOver 65s get 10 per cent off.")[1] == "Over 65s get 10 per cent off."
    assert texts("Consultation 42 pounds.\nVaccination dog 55, cat 48.\nDrums only from 8.")[1:] == [
        "Vaccination dog 55 pounds, cat 48 pounds.",
        "Drums only from 8.",
    ]


def test_a_day_of_a_month_is_no_price() -> None:
    said = "Bring it back by the week of January 15, for free, or on December 12, each year."
    assert said in texts(f"Wreaths are $30. {said}")[1]


def test_prices_without_a_currency_are_prices() -> None:
    bike, seat, *_ = split("HIRE half day / full day\n- town bike 14 / 22\nchild seat 4 a day\npuncture 12, approx 20 min")
    assert bike.has_price
    assert [item.text for item in bike.items] == [f"half day {UNNAMED}14", f"full day {UNNAMED}22"]
    assert seat.has_price
    assert seat.said == f"child seat {UNNAMED}4 a day."


def test_a_heading_ends_with_its_entries() -> None:
    assert texts("Rates:\n  Tent £28\n  Cabin £95\nDogs welcome.") == ["Rates: Tent £28.", "Rates: Cabin £95.", "Dogs welcome."]


def test_months_and_days_keep_their_dash() -> None:
    assert texts("April - Sept open daily 9 to 5") == ["April - Sept open daily 9 to 5."]


def test_a_question_of_the_owner_s_stays_with_its_answer() -> None:
    assert texts("Lost your ticket? Bring some ID.") == ["Lost your ticket? Bring some ID."]


@pytest.mark.parametrize(
    ("line", "statement"),
    [
        ("Tel. 01632 960 587", "Our phone number is 01632 960 587."),
        ("Address: 9 Mill Road, Sedby", "Our address is 9 Mill Road, Sedby."),
        ("Willow Lane Dog Grooming, 27 Willow Lane, Pennick", "Our address is 27 Willow Lane, Pennick."),
    ],
)
def test_labels_become_sentences(line: str, statement: str) -> None:
    assert texts(line) == [statement]


def test_a_line_with_only_the_name_says_nothing() -> None:
    assert split("Hollow Oak Vets\nWe see cats.", "Hollow Oak Vets")[0].text == "We see cats."


@given(st.text(st.sampled_from("abc ABC.,:;()-£19/\n"), max_size=300))
def test_any_text_can_be_cut(text: str) -> None:
    for statement in split(text):
        assert statement.text
        assert statement.narrowed(statement.items)


def test_how_many_a_boat_takes_is_no_price() -> None:
    assert [s.text for s in split("Cabin cruiser: 5.8 metres, takes 6, $290 a day.")] == [
        "Cabin cruiser: 5.8 metres, takes 6, $290 a day."
    ]


def test_a_size_behind_a_heading_word_is_no_address() -> None:
    assert split("Powered Sites, 16 amp, for vans up to 8 metres: £32.")[0].text.startswith("Powered Sites")


def test_seats_have_a_price_and_a_street_a_small_letter() -> None:
    assert "¤5" in split("Tandem 50 a day, kids bike 20 a day, child seats 5 a day, helmets 3 a day.")[0].text
    assert split("Joe's Barbers, 14 high street, opposite the church.")[0].text.startswith("Our address is 14 high street")


def test_an_exception_is_not_cut_off_what_it_limits() -> None:
    text = "Book three weeks ahead, but from April through June make it six."
    assert split(text)[0].facet(LENGTH) == text
    assert split("Allow three weeks, paid in advance, except at Easter.")[0].facet(LENGTH) == "Allow three weeks."
