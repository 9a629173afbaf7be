"""Yes or no by the form of the fact and by the reader, and neither where it is not likely enough: then the fact is said alone.

A wrong "No," before the right fact is worse than none. The thresholds are where, on 552 questions of 60 businesses that the reader had not been taught (36 of them with
ordinary callers), at least five of six such answers were right: the reader says no too readily to what the owner says without a "no", "not" or "only".
"""

from __future__ import annotations

import re

from pipeline.reading import Reading
from pipeline.words import plain

NO_TO_A_DENIAL, NO_TO_A_PLAIN_FACT = 0.6, 0.75
"""The reader's probabilities from which its no stands alone."""
YES_TO_A_DENIAL, YES_TO_A_PLAIN_FACT, YES_AGREED = 0.8, 0.75, 0.5
"""From which its yes stands: alone, and beside a yes by the form."""
_DENIAL = re.compile(r"\b(?:no|not|never|nothing|nobody|none|cannot|without|only|except|unless|closed|shut|must)\b|n't\b")


def denies(text: str) -> bool:
    """Whether there is a "no", "not" or "only" in a fact."""
    return _DENIAL.search(plain(text)) is not None


def weighed(by_form: bool | None, reading: Reading, text: str) -> bool | None:
    """`by_form`: what `pipeline.polarity` makes of it. `text`: the fact."""
    said = plain(text)
    yes, no, _ = reading.verdict
    if by_form is True and said.startswith("no ") and yes > no:
        # "No step at the door.", said alone to somebody in a wheelchair, is a no.
        return True
    denial = denies(text)
    if no > yes:
        # "No security deposit on units." says no itself.
        agreed = by_form is False and not said.startswith("no ")
        alone = by_form is None and no >= (NO_TO_A_DENIAL if denial else NO_TO_A_PLAIN_FACT)
        return False if agreed or alone else None
    if by_form is None:
        return True if yes >= (YES_TO_A_DENIAL if denial else YES_TO_A_PLAIN_FACT) else None
    return True if by_form and not denial and yes >= YES_AGREED else None
