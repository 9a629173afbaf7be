"""Opening hours, found in an owner's text and spelled out day by day, so that no model has to work them out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pipeline.schedule import Range, Schedule

ALL_DAYS = frozenset(range(7))

_FULL = r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
_SHORT = r"(?:mon|tues?|weds?|thu(?:rs?)?|fri|sat|sun)s?\b\.?"
_DAY_WORD = rf"\b(?:{_FULL}|{_SHORT})(?!\w)"
_TO = r"(?:\s*(?:-|–|—|(?:(?:straight|right|all the way) )?(?:through )?(?:to|till?|until)|through|thru)\s*)"
_CLOCK = r"(?:\d{1,2}(?:[:.h]\d{2})?\s*(?:[ap]\.?\s?m\b\.?|o'clock|noon)?|noon|midday|midnight)"
_HALF = {"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6}

_TOKEN = re.compile(
    rf"(?P<days>{_DAY_WORD}{_TO}{_DAY_WORD})"
    r"|(?P<set>\b(?:weekdays?|working days|weekends?|daily|every ?day|(?:seven|7) days(?: a week)?|all week|(?:every|any|each) (?:day|morning|afternoon|evening)(?= (?:except|apart from|but not)\b))\b)"
    rf"|(?P<day>{_DAY_WORD})"
    rf"|(?P<range>(?:\b(?:from|between)\s+)?(?<![\d£$€.,])\b{_CLOCK}(?:{_TO}|\s+and\s+(?=\d)){_CLOCK}(?![\d%])(?!\s*(?:years?|weeks?|months?|minutes?|people|persons?|£|€|percent)))"
    rf"|(?P<since>\bfrom\s+{_CLOCK}(?!\s*(?:-|–|to|till?|until)\s*\d)(?!\s*(?:years?|pounds?|euros?|weeks?)))"
    rf"|(?P<until>\b(?:until|till?|to)\s+{_CLOCK}(?!\s*(?:people|persons|guests|kids|children|adults|miles|days|weeks)))"
    r"|(?P<lunch>\b(?:(?:closed?|shut) for (?:(?:a|our) )?)?(?:lunch(?:time| ?break)?|break)\b)"
    r"|(?P<closed>\b(?:closed|shut|not open|don't open|do not open|no (?:lessons|classes|service|surgery|tours|sessions))\b)"
    r"|(?P<except>\b(?:except|apart from|but not|other than|excluding)\b)"
    r"|(?P<stop>[.;!?](?=\s|$)|\n)",
    re.IGNORECASE,
)


_EXCEPTED = re.compile(rf"\s+(?:for |on )?(?:a |the )?(?:{_DAY_WORD}|weekends?|weekdays?)", re.IGNORECASE)
_BREAKS = re.compile(r"\b(?:closed?|shut) for (?:(?:a|our) )?(?:lunch|break)", re.IGNORECASE)


def _day_index(word: str) -> int:
    return _HALF[word.strip().lower()[:3]]


def days_in(text: str, *, spoken: bool = False) -> tuple[int, ...]:
    """Weekdays named in `text` (ranges and "weekend" included), 0 = Monday, in order of mention.

    `spoken`: people say whole names; "sat" is then a verb.
    """
    found: dict[int, None] = {}
    for match in _TOKEN.finditer(text):
        if match.lastgroup in ("day", "days", "set") and not (
            spoken and match.lastgroup != "set" and "day" not in match[0].lower()
        ):
            found.update(dict.fromkeys(_days_of(match)))
    return tuple(found)


def _days_of(match: re.Match[str]) -> tuple[int, ...]:
    text = match[0].lower()
    if match.lastgroup == "day":
        return (_day_index(text),)
    if match.lastgroup == "days":
        first, last = (_day_index(w) for w in re.findall(_DAY_WORD, text)[:2])
        return tuple((first + i) % 7 for i in range((last - first) % 7 + 1))
    if "weekend" in text:
        return (5, 6)
    if "weekday" in text or "working" in text:
        return (0, 1, 2, 3, 4)
    return tuple(range(7))


def _clock(text: str) -> tuple[int, str]:
    """Minutes after midnight as written, and "am", "pm" or "" where it does not say."""
    text = text.strip().lower()
    if text in ("noon", "midday"):
        return 720, "pm"
    if text == "midnight":
        return 1440, "am"
    match = re.match(r"(\d{1,2})(?:[:.h](\d{2}))?\s*([ap])?", text)
    assert match, text
    hour, minute, half = int(match[1]), int(match[2] or 0), match[3]
    if "noon" in text:
        half = "p"
    if half:
        return (hour % 12 + (12 if half == "p" else 0)) * 60 + minute, half + "m"
    return hour * 60 + minute, ("pm" if hour > 12 else "")


def _range(text: str) -> Range | None:
    """One opening range; "9-5" is a day's work, "8.30 to 1" a morning, "2 to 4" an afternoon."""
    clocks = re.findall(_CLOCK, re.sub(r"^(?:from|between)\s+", "", text.strip(), flags=re.IGNORECASE), re.IGNORECASE)
    if len(clocks) < 2:
        return None
    (start, start_half), (end, end_half) = _clock(clocks[0]), _clock(clocks[1])
    if max(start, end) > 1440:
        return None
    if not start_half and start < 720:
        # People write the half of the day once: "5 to 9 pm" starts in the afternoon, "9 to 5 pm" in the morning.
        afternoon = start < 7 * 60 if end_half != "pm" else start + 720 < end
        if afternoon and not (end_half == "am" and end <= 720):
            start += 720
    if not end_half and end <= 720 and end <= start:
        end += 720
    if end <= start:
        end += 1440 if end_half == "am" or end + 720 <= start else 720
    return (start, end) if end > start else None


class _Builder:
    """The week as it is read, token by token."""

    def __init__(self) -> None:
        self.ranges: dict[int, list[Range]] = {}
        self.closed: set[int] = set()
        self.pending: list[int] = []
        self.bound: list[int] = []
        self.waiting: list[Range] = []
        self.hole: Range | None = None
        self.excepted: dict[int, list[Range]] = {}
        self.shut = self.excepting = self.lunch = self.breaks = self.range_first = False

    def days(self, days: tuple[int, ...]) -> None:
        if self.hole is not None:
            self._cut(days, self.hole)
            self.hole = None
            return
        if self.shut and self.waiting and not self.bound:
            # "9 to 5 and closed Wednesdays"
            self._open(ALL_DAYS, self.waiting)
            self.waiting = []
            for day in days:
                self.ranges.pop(day, None)
        if self.excepting and self.pending:
            # "Every day except Sunday and Monday, 9 to 5": the hours are still to come.
            self.pending = [day for day in self.pending if day not in days]
            self.closed.update(days)
            return
        if self.excepting:
            self.bound = list(days)
            for day in days:
                self.excepted[day] = self.ranges.pop(day, self.excepted.get(day, []))
                self.closed.add(day)
            return
        if self.waiting:
            self._open(days, self.waiting)
            self.bound += days
            self.range_first = True
            return
        if self.shut:
            self.closed.update(days)
            self.bound = list(days)
            return
        self.pending += days

    def range(self, span: Range) -> None:
        if self.breaks and self.pending:
            # "On weekdays we shut for lunch from 1 until 2"
            self._cut(self.pending, span)
            self.bound, self.pending, self.lunch, self.breaks = self.pending, [], False, False
        elif (self.shut or self.lunch) and not self.pending:
            if self.bound:
                self._cut(self.bound, span)
            else:
                self.hole = span
            self.shut = self.lunch = False
        elif self.pending:
            self._open(self.pending, [span], fresh=True)
            self.bound, self.pending = self.pending, []
            self.shut = self.lunch = self.excepting = False
        elif self.bound and (self.excepting or not self.range_first):
            self._open(self.bound, [span])
        elif self.bound:
            # "9 to 5 on weekdays and 9 to 1 on Saturdays": the next hours wait for their own days.
            self.bound, self.waiting = [], [span]
        else:
            self.waiting.append(span)

    def _cut(self, days: Iterable[int], hole: Range) -> None:
        for day in days:
            self.ranges[day] = [r for a, b in self.ranges.get(day, []) for r in _without(a, b, hole)]

    def since(self, minute: int) -> None:
        """ "…, Sundays from 8": the same closing time, another start."""
        for day in self.pending or self.bound:
            kept = self.ranges.get(day) or self.excepted.get(day, [])
            if kept and minute < kept[-1][1]:
                self.closed.discard(day)
                self.ranges[day] = [(minute, kept[-1][1])]
        if self.pending:
            self.bound, self.pending = self.pending, []

    def until(self, minute: int) -> None:
        if self.excepting and not self.pending:
            # "Monday to Friday 8 till 5.30, except Wednesday when we stay on till 7"
            for day in self.bound:
                if self.excepted.get(day):
                    self._open([day], self.excepted[day], fresh=True)
        for day in self.pending or (self.bound if self.excepting else []):
            if self.ranges.get(day):
                start, end = self.ranges[day][-1]
                later = minute + 720 if minute <= 720 and minute + 720 > start and minute <= start else minute
                self.ranges[day][-1] = (start, later if later > start else end)
        self.bound, self.pending = self.pending or self.bound, []

    def close(self) -> None:
        if self.pending:
            self.closed.update(self.pending)
            for day in self.pending:
                self.ranges.pop(day, None)
            self.bound, self.pending = self.pending, []
        else:
            self.shut = True

    def stop(self) -> None:
        if self.waiting and not self.bound:
            self._open(ALL_DAYS, self.waiting)
        if self.hole is not None:
            self._cut(list(self.ranges), self.hole)
            self.hole = None
        self.pending, self.bound, self.waiting = [], [], []
        self.shut = self.excepting = self.lunch = self.breaks = self.range_first = False

    def _open(self, days: Iterable[int], spans: Sequence[Range], *, fresh: bool = False) -> None:
        for day in days:
            if fresh and day in self.closed:
                self.closed.discard(day)
            self.closed.discard(day)
            kept = [] if fresh else self.ranges.get(day, [])
            self.ranges[day] = sorted({*kept, *spans})


def _without(start: int, end: int, hole: Range) -> list[Range]:
    """A range less a lunch break."""
    if hole[1] <= start or hole[0] >= end:
        return [(start, end)]
    return [r for r in ((start, hole[0]), (hole[1], end)) if r[0] < r[1]]


def first_token(text: str) -> int:
    """Where the first day or time of a sentence stands, or its length."""
    match = next((m for m in _TOKEN.finditer(text) if m.lastgroup in ("day", "days", "set", "range")), None)
    return match.start() if match else len(text)


def is_schedule(text: str) -> bool:
    """Whether a sentence says on which days, or when, something is open or closed."""
    kinds = {match.lastgroup for match in _TOKEN.finditer(text)}
    has_days = bool(kinds & {"day", "days", "set"})
    if {"range", "lunch"} <= kinds and ("closed" in kinds or _BREAKS.search(text)):
        return True
    timed = bool(kinds & {"range"}) or bool(kinds & {"until"} and has_days)
    return (has_days and (timed or "closed" in kinds)) or (
        "range" in kinds and bool(re.search(r"\bopen(ing)?\b|\bhours\b", text, re.IGNORECASE))
    )


def has_range(text: str) -> bool:
    """Whether it has hours from and to, whatever days it names."""
    return any(match.lastgroup == "range" for match in _TOKEN.finditer(text))


def parse(text: str, subject: str = "") -> Schedule | None:
    """The week that `text` describes, or None where it gives no hours. Days it does not name are closed."""
    builder = _Builder()
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind in ("day", "days", "set"):
            builder.days(_days_of(match))
        elif kind == "range":
            if (span := _range(match[0])) is not None:
                builder.range(span)
        elif kind == "since":
            builder.since(_clock(match[0].split(None, 1)[1])[0])
        elif kind == "until":
            builder.until(_clock(match[0].split(None, 1)[1])[0])
        elif kind == "closed":
            builder.close()
        elif kind == "except":
            # "Every day except bank holidays: Monday to Friday 9 to 5" excepts none of the days that follow.
            builder.excepting = not builder.pending or _EXCEPTED.match(text, match.end()) is not None
        elif kind == "lunch":
            builder.lunch = True
            builder.breaks = bool(_BREAKS.match(match[0]))
        else:
            builder.stop()
    builder.stop()
    if not any(builder.ranges.values()):
        return None
    ranges = tuple(tuple(builder.ranges.get(day, [])) for day in range(7))
    return Schedule(subject, ranges, frozenset(builder.ranges) | frozenset(builder.closed))
