"""Parts of the year: "April to September", "from 4 January to 10 February", "in winter", and the date that a caller names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipeline.words import numbered_ordinals, plain

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
_MONTH = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
_DATE = rf"(?:(?:the )?(?P<day{{0}}>\d{{{{1,2}}}})(?:st|nd|rd|th)? ?(?:of )?)?\b(?P<month{{0}}>{_MONTH})(?: (?P<late{{0}}>\d{{{{1,2}}}})(?:st|nd|rd|th)?\b(?! ?(?:[:.]\d|[ap]\.?m)))?"
_ONE = re.compile(_DATE.format(""))
_LEAD = r"(?:\b(?:from|between|all of|in|during|throughout|except(?: in)?|end of|start of|beginning of)\s+)*"
_SPAN = re.compile(
    rf"{_LEAD}{_DATE.format('_a')}(?:\s*(?:-|–|—|\bto\b|\btill?\b|\buntil\b|\bthrough\b|(?P<both>\band\b))\s*(?:the )?(?:end of |start of )?{_DATE.format('_b')})?"
)
_MORE = re.compile(rf"\s*(?:,\s*(?:and\s+)?|\band\s+|&\s*){_DATE.format('')}")
REST = re.compile(r"\b(?:the )?rest of the year\b|\b(?:all )?other months\b", re.IGNORECASE)
_NAMED = {"summer": (6, 8), "winter": (12, 2), "spring": (3, 5), "autumn": (9, 11)}
_WITHIN = (("end|late", 28), ("start|beginning|early", 3), ("middle|mid", 15))
_NAME = re.compile(r"\b(?:in (?:the )?|during )?(summer|winter|spring|autumn)\b")


Date = tuple[int, int]
"""(month, day)"""


@dataclass(frozen=True, slots=True)
class Season:
    """Parts of the year, both ends included; one may run over New Year."""

    spans: tuple[tuple[Date, Date], ...]
    but_not: bool = False

    def has(self, month: int, day: int | None = None) -> bool:
        """Whether a date lies in it; a month without a day counts when its middle does."""
        date = (month, day or 15)
        inside = any(a <= date <= b if a <= b else date >= a or date <= b for a, b in self.spans)
        return inside != self.but_not

    def __str__(self) -> str:
        if self.but_not:
            return "the rest of the year"
        if len(self.spans) > 1 and all(span == _whole_month(span[0][0]) for span in self.spans):
            *months, last = (MONTHS[first - 1] for (first, _), _ in self.spans)
            return f"in {', '.join(months)} and {last}"
        return " and ".join(_named(*span) for span in self.spans)


def _named(first: Date, last: Date) -> str:
    a, b = MONTHS[first[0] - 1], MONTHS[last[0] - 1]
    if first[1] == 1 and last[1] == 31:
        return f"in {a}" if a == b else f"from {a} to {b}"
    return f"from {first[1]} {a} to {last[1]} {b}"


def _month(word: str) -> int:
    return next(n for n, name in enumerate(MONTHS, 1) if name.lower().startswith(word.strip(". ")[:3]))


def _whole_month(month: int) -> tuple[Date, Date]:
    return (month, 1), (month, 31)


def _day(match: re.Match[str], side: str = "") -> int | None:
    day = match[f"day{side}"] or match[f"late{side}"]
    return int(day) if day else None


def season_in(text: str) -> tuple[Season, tuple[int, int]] | None:
    """The first part of the year that `text` names, and where it stands."""
    text = text.lower()
    if match := _SPAN.search(text):
        first, last = _month(match["month_a"]), _month(match["month_b"] or match["month_a"])
        if not match["month_b"] or (match["both"] and "between" not in match[0]):
            spans, end = [_whole_month(first)] if not _day(match, "_a") else [((first, _day(match, "_a") or 1),) * 2], match.end()
            if match["month_b"]:
                spans.append(_whole_month(last))
            while more := _MORE.match(text, end):
                spans.append(_whole_month(_month(more["month"])))
                end = more.end()
            return Season(tuple(spans)), (match.start(), end)
        return Season((((first, _day(match, "_a") or 1), (last, _day(match, "_b") or 31)),)), match.span()
    if match := _NAME.search(text):
        first, final = _NAMED[match[1]]
        return Season((((first, 1), (final, 31)),)), match.span()
    return None


def date_in(said: str) -> tuple[int, int | None] | None:
    """(month, day or None) of the date that a caller names: "around the twentieth of January", "in November"."""
    text = numbered_ordinals(plain(said))
    # "May I bring my dog?" names no month.
    text = re.sub(r"\bmay (?=i|we|you|he|she|they|my|our|one)\b|\bmarch (?=in|up|over)\b", " ", text)
    if "halloween" in text:
        return 10, 31
    if match := _ONE.search(text):
        before = text[: match.start()]
        day = next((day for words, day in _WITHIN if re.search(rf"\b(?:{words})\W*(?:of )?$", before)), None)
        return _month(match["month"]), _day(match) or day
    if match := _NAME.search(text):
        first, last = _NAMED[match[1]]
        return (first % 12 + 1, None) if first != last else (first, None)
    return None
