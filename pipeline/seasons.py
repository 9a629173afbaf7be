"""Parts of the year: "April to September", "from 4 January to 10 February", "in winter", and the date that a caller names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipeline.words import numbered_ordinals, plain

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
_MONTH = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
_DATE = rf"(?:(?:the )?(?P<day{{0}}>\d{{{{1,2}}}})(?:st|nd|rd|th)? ?(?:of )?)?\b(?P<month{{0}}>{_MONTH})(?: (?P<late{{0}}>\d{{{{1,2}}}})(?:st|nd|rd|th)?\b(?! ?(?:[:.]\d|[ap]\.?m)))?"
_ONE = re.compile(_DATE.format(""))
_SPAN = re.compile(
    rf"(?:\b(?:from|between|all of|in|during|throughout|end of|start of|beginning of)\s+)*{_DATE.format('_a')}"
    rf"(?:\s*(?:-|–|—|to|till?|until|through|and)\s*(?:the )?(?:end of |start of )?{_DATE.format('_b')})?"
)
_NAMED = {"summer": (6, 8), "winter": (12, 2), "spring": (3, 5), "autumn": (9, 11)}
_NAME = re.compile(r"\b(?:in (?:the )?|during )?(summer|winter|spring|autumn)\b")


@dataclass(frozen=True, slots=True)
class Season:
    """A part of the year, both ends included, as (month, day); it may run over New Year."""

    first: tuple[int, int]
    last: tuple[int, int]

    def has(self, month: int, day: int | None = None) -> bool:
        """Whether a date lies in it; a month without a day counts when most of it does."""
        date = (month, day or 15)
        return self.first <= date <= self.last if self.first <= self.last else date >= self.first or date <= self.last

    def __str__(self) -> str:
        a, b = MONTHS[self.first[0] - 1], MONTHS[self.last[0] - 1]
        if self.first[1] == 1 and self.last[1] == 31:
            return f"in {a}" if a == b else f"from {a} to {b}"
        return f"from {self.first[1]} {a} to {self.last[1]} {b}"


def _month(word: str) -> int:
    return next(n for n, name in enumerate(MONTHS, 1) if name.lower().startswith(word.strip(". ")[:3]))


def _day(match: re.Match[str], side: str = "") -> int | None:
    day = match[f"day{side}"] or match[f"late{side}"]
    return int(day) if day else None


def season_in(text: str) -> tuple[Season, tuple[int, int]] | None:
    """The first part of the year that `text` names, and where it stands."""
    text = text.lower()
    if match := _SPAN.search(text):
        last = "_b" if match["month_b"] else "_a"
        season = Season(
            (_month(match["month_a"]), _day(match, "_a") or 1),
            (_month(match[f"month{last}"]), _day(match, last) or 31),
        )
        return season, match.span()
    if match := _NAME.search(text):
        first, final = _NAMED[match[1]]
        return Season((first, 1), (final, 31)), match.span()
    return None


def date_in(said: str) -> tuple[int, int | None] | None:
    """(month, day or None) of the date that a caller names: "around the twentieth of January", "in November"."""
    text = numbered_ordinals(plain(said))
    # "May I bring my dog?" names no month.
    text = re.sub(r"\bmay (?=i|we|you|he|she|they|my|our|one)\b|\bmarch (?=in|up|over)\b", " ", text)
    if match := _ONE.search(text):
        return _month(match["month"]), _day(match)
    if match := _NAME.search(text):
        first, last = _NAMED[match[1]]
        return (first % 12 + 1, None) if first != last else (first, None)
    return None
