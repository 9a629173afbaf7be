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
