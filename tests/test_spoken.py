"""What a synthesiser is given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.spoken import slower, spoken


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("It costs £12.50.", "It costs twelve pounds fifty."),
        ("£1 or $0.50", "one pound or fifty cents"),
        ("Nail clipping £9, by appointment.", "Nail clipping nine pounds, by appointment."),
        ("from 8:30 am to 1 pm.", "from eight thirty am to one pm."),
        ("9 a.m. to 5 p.m.", "nine am to five pm."),
        ("We open at 9:30 and close at 17:00.", "We open at nine thirty and close at five pm."),
        ("Mon-Fri 9-5", "Monday to Friday nine to five"),
        ("Call 01632 960 133.", "Call zero one six three two, nine six zero, one three three."),
        ("+44 1632 960133", "plus four four, one six three two, nine six zero, one three three"),
        ("10% off on the 3rd of May", "ten percent off on the third of May"),
        ("on 14/06/2025", "on the fourteenth of June twenty twenty five"),
        ("approx. 5 km", "approximately five kilometres"),
        ("Dr. Smith, 5 St. James Rd.", "Doctor Smith, five Saint James Road."),
        ("hello@spoke.example", "hello at spoke dot example"),
        ("www.foo.co.uk/bar", "foo dot co dot uk slash bar"),
        ("bed & breakfast, 24/7", "bed and breakfast, around the clock"),
        ("8b Chapel Hill", "eight b Chapel Hill"),
        ("1,200 people, 2.5 hours", "one thousand two hundred people, two point five hours"),
        ("£35 (tea included).", "thirty five pounds, tea included."),
    ],
)
def test_figures_are_words(written: str, said: str) -> None:
    assert spoken(written) == said


@pytest.mark.parametrize(
    "text", ["No, we don't groom cats or rabbits.", "Sunday, half past nine", "I may sit down on the sun deck"]
)
def test_words_stay_as_they_are(text: str) -> None:
    assert spoken(text) == text


@given(st.from_regex(r"[A-Za-z£$%0-9:.,&/@ -]{0,60}", fullmatch=True))
def test_what_was_spoken_is_not_changed_again(text: str) -> None:
    once = spoken(text)
    assert spoken(once) == once


@given(st.integers(0, 10**15), st.sampled_from(["£{}", "{}", "{} pm", "{}%", "{}kg", "room {}"]))
def test_no_digit_is_left(number: int, form: str) -> None:
    assert not any(c.isdigit() for c in spoken(form.format(number)))


def test_slower_says_digits_one_by_one() -> None:
    assert slower("Call 01632 960 133.") == "Call zero, one, six, three, two, nine, six, zero, one, three, three."


def test_slower_pauses_more_often() -> None:
    text = "We are open on Tuesday to Friday from 9 am to 5 pm and on Saturday from 10 am to 4 pm."
    assert slower(text).count(",") > spoken(text).count(",") + 2
