"""A week's opening hours, asked by day and time and said in sentences. `pipeline/hours.py` reads them out of an owner's text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

Range = tuple[int, int]
"""Opening and closing in minutes after midnight; closing may be past 24 h (a bar that shuts at 2 am: 26 h)."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When something is on: `ranges[day]` is empty on a closed day. `subject` is "" for the business itself, else "Lessons" etc."""

    subject: str
    ranges: tuple[tuple[Range, ...], ...]
    named: frozenset[int] = field(default_factory=frozenset)
    season: str = ""

    def open_days(self) -> tuple[int, ...]:
        """Days with at least one range."""
        return tuple(day for day in range(7) if self.ranges[day])

    def is_open(self, day: int, minute: int) -> bool:
        """Whether it is on at that minute of that day; the closing minute itself is closed."""
        yesterday = self.ranges[(day - 1) % 7]
        return any(a <= minute < b for a, b in self.ranges[day]) or any(a <= minute + 1440 < b for a, b in yesterday)

    def overlaps(self, day: int, part: Range) -> bool:
        """Whether it is on at some time within `part` of that day."""
        return any(a < part[1] and part[0] < b for a, b in self.ranges[day])

    @property
    def _plural(self) -> bool:
        return self.subject.lower().endswith("s") and not self.subject.lower().endswith("ss")

    def _verb(self) -> str:
        if not self.subject:
            return f"{self._in_season()}we are open"
        return f"{self._in_season()}{_bare(self.subject)} {'are' if self._plural else 'is'}"

    def _in_season(self) -> str:
        return f"{self.season} " if self.season else ""

    def _closed(self) -> str:
        if not self.subject:
            return f"{self._in_season()}we are closed"
        return f"{self._in_season()}there {'are' if self._plural else 'is'} no {_bare(self.subject)}"

    def statement(self, day: int) -> str:
        """One day as a sentence: "On Monday we are open from 9 am to 5 pm." or "On Sunday we are closed."."""
        if not self.ranges[day]:
            return f"On {DAYS[day]} {self._closed()}."
        return f"On {DAYS[day]} {self._verb()} {spoken_ranges(self.ranges[day])}."

    def summary(self, days: Iterable[int] = range(7)) -> str:
        """The week in one or two sentences, days with the same hours together."""
        wanted = list(days)
        groups: dict[tuple[Range, ...], list[int]] = {}
        for day in wanted:
            groups.setdefault(self.ranges[day], []).append(day)
        closed = groups.pop((), [])
        parts = [f"{day_names(g)} {spoken_ranges(ranges)}" for ranges, g in groups.items()]
        text = ""
        if parts:
            verb = self._verb()
            text = f"{verb[0].upper()}{verb[1:]} {joined(parts)}."
        if len(closed) == 7:
            text = f"{self._closed()[0].upper()}{self._closed()[1:]}."
        elif closed:
            text += f"{' ' if text else ''}{'From' if len(closed) > 2 else 'On'} {day_names(closed)} {self._closed()}."
        return text


def _bare(subject: str) -> str:
    return subject[0].lower() + subject[1:]


def clock_text(minute: int) -> str:
    """510 -> "8:30 am", 720 -> "noon"."""
    minute %= 1440
    if minute == 720:
        return "noon"
    if minute == 0:
        return "midnight"
    hour = (minute // 60 - 1) % 12 + 1
    rest = f":{minute % 60:02d}" if minute % 60 else ""
    return f"{hour}{rest} {'am' if minute < 720 else 'pm'}"


def spoken_ranges(ranges: Sequence[Range]) -> str:
    """ "from 9 am to 1 pm and from 2 pm to 5 pm"."""
    if list(ranges) == [(0, 1440)]:
        return "around the clock"
    return " and ".join(f"from {clock_text(a)} to {clock_text(b)}" for a, b in ranges)


def joined(parts: Sequence[str]) -> str:
    """ "a, b and c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def day_names(days: Sequence[int]) -> str:
    """[0,1,2,3] -> "Monday to Thursday"; [5,6] -> "Saturday and Sunday"; all -> "every day"."""
    if len(days) == 7:
        return "every day"
    runs: list[list[int]] = []
    for day in days:
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    # A closed weekend that runs on into Monday reads better in one piece.
    if len(runs) > 1 and runs[0][0] == 0 and runs[-1][-1] == 6:
        runs = [*runs[1:-1], [*runs[-1], *runs[0]]]
    names: list[str] = []
    for run in runs:
        names += [f"{DAYS[run[0]]} to {DAYS[run[-1]]}"] if len(run) > 2 else [DAYS[d] for d in run]
    return joined(names)
