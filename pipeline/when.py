"""The days and times that a caller names: "Tuesday at about two", "tomorrow morning", "the 3rd of May"."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from pipeline.hours import days_in
from pipeline.seasons import date_in
from pipeline.words import content, numbered, plain

_TIME = re.compile(
    r"\b(?:(?P<half>half(?: past)?)|(?P<quarter>quarter (?:past|to)))?\s*\b(?<!\d)(?P<hour>1\d|2[0-3]|0?[1-9])(?!\d)(?:[:.](?P<minute>[0-5]\d))?"
    r"(?:\s+(?P<spoken>15|30|45))?\s*(?P<half_day>[ap]\.?\s?m\b\.?|o'clock)?"
)
_PARTS = {
    "morning": (360, 720),
    "lunchtime": (720, 840),
    "lunch time": (720, 840),
    "afternoon": (720, 1020),
    "evening": (1080, 1320),
    "tonight": (1080, 1320),
    "at night": (1200, 1440),
}


@dataclass(frozen=True, slots=True)
class When:
    """Days (0 = Monday), a minute of the day and a part of the day, as far as said.

    `relative` counts days from today, `date` is a month and, if said, its day.
    """

    days: tuple[int, ...] = ()
    minute: int | None = None
    part: tuple[int, int] | None = None
    part_name: str = ""
    relative: int | None = None
    next_day: bool = False
    date: tuple[int, int | None] | None = None

    def __bool__(self) -> bool:
        return (
            bool(self.days)
            or self.date is not None
            or self.minute is not None
            or self.part is not None
            or self.relative is not None
            or self.next_day
        )


def when_of(said: str, core: str = "") -> When:
    """Days and times in what was said; the asking sentence's own come before those of the lead-up."""
    own = _when(core or said)
    if not core:
        return own
    whole = _when(said)
    if own.date is not None or own.days or own.relative is not None or own.next_day:
        return own if own.date is not None else replace(own, date=whole.date)
    if own:
        # "I've got Tuesday off. Could we come around two?"
        return replace(own, days=whole.days, relative=whole.relative, date=whole.date)
    # "We can't be there till half past four. Would that still work?"
    return When(days=whole.days, relative=whole.relative, date=whole.date) if content(core) else whole


def _when(text: str) -> When:
    text = re.sub(r"\barvo\b|\bafter lunch\b", "afternoon", plain(text))
    days = days_in(text, spoken=True)
    relative = next(
        (
            n
            for n, p in (
                (2, r"\bday after tomorrow\b"),
                (1, r"\btomorrow\b"),
                (0, r"\b(?:today|tonight|right now|now|this (?:morning|afternoon|evening))\b"),
            )
            if re.search(p, text)
        ),
        None,
    )
    part_name = next((name for name in _PARTS if re.search(rf"\b{name}s?\b", text)), "")
    part = _PARTS.get(part_name)
    return When(
        days=days,
        minute=_minute(text, part_name),
        part=part,
        part_name="evening" if part_name == "tonight" else part_name,
        relative=relative,
        date=date_in(text),
        next_day=bool(re.search(r"\bday after\b(?! tomorrow)|\bnext day\b|\bfollowing day\b", text)),
    )


def _minute(text: str, part_name: str) -> int | None:
    """The minute of the day that a caller names ("about two", "half past nine", "7 pm"), or None."""
    if re.search(r"\b(?:at |around |about )?(?:noon|midday)\b", text):
        return 720
    if "midnight" in text:
        return 1440
    words = " ".join(numbered(re.findall(r"[a-z']+|\d+(?:[:.]\d+)*|[ap]\.m\.|[?,]", text)))
    cue = r"(?:\b(?:at|around|about|by|before|after|till|until|past|to|as late as|as early as|half|quarter|from)\s+)"
    for match in re.finditer(rf"(?P<cue>{cue}+)?(?P<time>{_TIME.pattern})", words):
        unit = words[match.end() :].lstrip()
        if re.match(
            r"(?:years?|year old|pounds?|dollars?|euros?|percent|minutes?|mins?|hours?|weeks?|months?|days?|people|kids|children|dogs?|of|adults?|times?|month|pence)\b",
            unit,
        ):
            continue
        explicit = match["half_day"] or match["minute"] or match["half"] or match["quarter"]
        if not (match["cue"] or explicit):
            continue
        hour, minute = int(match["hour"]), int(match["minute"] or match["spoken"] or 0)
        cue_text = match["cue"] or ""
        if match["half"] or re.search(r"half (?:past )?$", cue_text):
            minute = 30
        elif re.search(r"quarter past\s*$", cue_text + (match["quarter"] or "")):
            minute = 15
        elif re.search(r"quarter to\s*$", cue_text + (match["quarter"] or "")):
            hour, minute = hour - 1, 45
        return _half_of_day(hour, match["half_day"] or "", part_name, text) * 60 + minute
    return None


def _half_of_day(hour: int, half: str, part_name: str, text: str) -> int:
    """The hour of 24: said outright, or as people mean it: "two" is the afternoon, "seven" the evening unless it is early."""
    if hour > 12 or hour == 0:
        return hour
    if half.startswith("p") or part_name.removeprefix("at ") in ("afternoon", "evening", "tonight", "night", "lunchtime"):
        return hour % 12 + 12
    if half.startswith("a") or part_name == "morning" or re.search(r"\b(?:early|already|breakfast)\b", text):
        return hour % 12
    if re.search(r"\b(?:still|late|after work|as late|close|until|till)\b", text) or hour <= 7 or hour == 12:
        return hour % 12 + 12
    return hour
