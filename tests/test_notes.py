"""An owner's shorthand in words."""

from __future__ import annotations

import pytest

from pipeline.notes import written_out


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("Nail cutting w/ Neil £24, 20 mins.", "Nail cutting with Neil £24, 20 minutes."),
        ("1st appt £58 incl. assessment", "first appointment £58 including assessment"),
        ("£290, 1 hr. Two dressings incl. Pls rest.", "£290, 1 hour. Two dressings included. Please rest."),
        ("Closed w/ends + bank hols.", "Closed weekends and bank holidays."),
        ("Hrs: Mon 9-5", "Opening hours: Mon 9-5"),
        ("Walk-ins w/o appt ok", "Walk-ins without appointment ok"),
        ("Open the 1st of May", "Open the 1st of May"),
    ],
)
def test_shorthand(short: str, long: str) -> None:
    assert written_out(short) == long


@pytest.mark.parametrize(
    ("words", "figures"),
    [
        ("We open at half past eight and close at half past five.", "We open from 8:30 to 5:30."),
        ("We open at eight and shut at six, Monday to Friday.", "We open from 8:00 to 6:00, Monday to Friday."),
        ("Saturday from nine until half past twelve.", "Saturday from 9:00 until 12:30."),
        ("Shut for lunch from one until a quarter to two.", "Shut for lunch from 1:00 until 1:45."),
        ("The last boat is at three o'clock.", "The last boat is at 3:00."),
        ("Lessons from five to twelve years.", "Lessons from five to twelve years."),
        ("Rooms for from five to ten people.", "Rooms for from five to ten people."),
        ("One of two boats.", "One of two boats."),
        ("Every day, 10 in the morning to 9 at night.", "Every day, 10 am to 9 pm."),
        ("Open until 12 at night, from half past 6 in the evening.", "Open until midnight, from half past 6 pm."),
    ],
)
def test_times_of_the_day_in_figures(words: str, figures: str) -> None:
    assert written_out(words) == figures
