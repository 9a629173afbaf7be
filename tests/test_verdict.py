"""Yes, no, or the fact alone."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.reading import Reading
from pipeline.verdict import weighed

LIFT, CHEQUES, STEP = "There is a lift to the second floor.", "Cards only, no cheques.", "No step at the door."


@pytest.mark.parametrize(
    ("by_form", "yes", "no", "text", "verdict"),
    [
        (True, 0.6, 0.3, LIFT, True),
        (True, 0.4, 0.3, LIFT, None),
        (True, 0.1, 0.85, LIFT, None),  # the reader says no too readily to a plain fact
        (None, 0.8, 0.1, LIFT, True),
        (None, 0.6, 0.3, LIFT, None),
        (None, 0.1, 0.7, LIFT, None),
        (None, 0.1, 0.8, LIFT, False),
        (False, 0.3, 0.4, LIFT, False),
        (False, 0.9, 0.05, LIFT, None),
        (None, 0.2, 0.7, CHEQUES, False),
        (None, 0.7, 0.2, CHEQUES, None),
        (None, 0.9, 0.05, CHEQUES, True),
        (True, 0.45, 0.35, STEP, True),
        (False, 0.05, 0.9, STEP, None),  # "No, no step at the door."
    ],
)
def test_yes_no_or_neither(by_form: bool | None, yes: float, no: float, text: str, verdict: bool | None) -> None:
    reading = Reading(0.0, np.zeros(2, np.float32), (yes, no, 1 - yes - no))
    assert weighed(by_form, reading, text) is verdict
