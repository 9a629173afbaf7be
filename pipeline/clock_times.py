"""Times of the day in figures, where an owner has them in words: "open at half past eight and close at six" -> "open from 8:30 to 6:00"."""

from __future__ import annotations

import re

_NAMES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_HOUR = f"(?P<hour>{'|'.join(_NAMES)})"
_TIME = rf"(?:\d{{1,2}}(?:[:.]\d\d)?(?: ?[ap]m)?|{'|'.join(_NAMES)})"
_COUNTED = r"(?! (?:years?|months?|weeks?|days?|hours?|minutes?|miles?|people|guests|persons|players|children|of|per|pounds?|euros?|dollars?|or|and)\b)(?!-)"
"""Not before what is counted: "from five to twelve years", "from two to six people"."""
_OF_AN_HOUR = re.compile(
    rf"\b(?:(?:a )?(?P<part>half[- ]past|quarter[- ]past|quarter[- ]to) {_HOUR}\b|{_HOUR.replace('hour', 'sharp')} o'?clock\b)",
    re.IGNORECASE,
)
_PARTS = {"half past": (0, 30), "quarter past": (0, 15), "quarter to": (-1, 45)}
_OPEN_AND_CLOSE = re.compile(
    rf"\bopens? at (?P<opens>{_TIME})(?:,| and|, and) (?:we )?(?:close|shut)s? at (?P<closes>{_TIME})(?![\d:])", re.IGNORECASE
)
_FROM = re.compile(rf"\b(?P<lead>from ){_HOUR}(?= (?:to|till|until) {_TIME}\b{_COUNTED})", re.IGNORECASE)
_AT = re.compile(rf"\b(?P<lead>(?:opens?|closes?|shuts?) at |\d:\d\d (?:to|at|till|until) ){_HOUR}\b{_COUNTED}", re.IGNORECASE)
_PART_OF_DAY = re.compile(
    r"\b(?P<time>\d{1,2}(?:[:.]\d\d)?)(?: o'?clock)? (?:in the (?P<part>morning|afternoon|evening)|at night)\b", re.IGNORECASE
)


def in_figures(text: str) -> str:
    """The text with the hours of its clock times as "8:30", their part of the day as "am" or "pm". "From five to twelve years" and "one of two" stay."""
    text = _OPEN_AND_CLOSE.sub(r"open from \g<opens> to \g<closes>", _OF_AN_HOUR.sub(_of_an_hour, text))
    for pattern in (_FROM, _AT):
        text = pattern.sub(lambda match: f"{match['lead']}{_clock(match['hour'])}", text)
    return _PART_OF_DAY.sub(_half, text)


def _half(match: re.Match[str]) -> str:
    if match["time"] == "12" and not match["part"]:
        return "midnight"
    return f"{match['time']} {'am' if (match['part'] or '').lower() == 'morning' else 'pm'}"


def _of_an_hour(match: re.Match[str]) -> str:
    hours, minutes = _PARTS[match["part"].lower().replace("-", " ")] if match["part"] else (0, 0)
    return _clock(match["hour"] or match["sharp"], hours, minutes)


def _clock(name: str, hours: int = 0, minutes: int = 0) -> str:
    return f"{(_NAMES.index(name.lower()) + hours) % 12 + 1}:{minutes:02}"
