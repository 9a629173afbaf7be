"""Questions about opening hours, answered from the week itself: by day, by time of day, today and tomorrow, and "and on Friday?"."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline import hours
from pipeline.questions import Question, Want
from pipeline.schedule import DAYS, Range, Schedule, clock_text, day_names, joined
from pipeline.seasons import REST, Season, season_in
from pipeline.statements import Statement
from pipeline.when import When, when_of
from pipeline.words import content, plain

_OPEN = re.compile(
    r"\b(?:open|opens|opened|opening|close|closes|closed|closing|shut|shuts|hours|office hours|business hours|(?:someone|somebody|anyone|anybody|you) (?:be )?there(?! who)|there (?:still )?(?:be )?(?:someone|somebody|anyone|anybody) in|(?:will|is|are) (?:someone|somebody|anyone|anybody) (?:still )?(?:be )?in)\b"
)
_CLOSE = re.compile(r"\b(?:close|closes|closing|shut|shuts|until when|till when|how late|how long are you open|finish)\b")
_OPENS = re.compile(r"\b(?:open|opens|start|how early)\b(?! (?:until|till|to|on|from)\b)")
_CLOSED_DAYS = re.compile(r"\b(?:which|what) days?\b.*\b(?:closed|shut|not open|n't open)\b|\bwhen are you (?:closed|shut)\b")
_NO_HOURS = re.compile(r"\bopen to\b|\bhow many (?!days\b)|\b\d+ hours\b")
_EVENINGS = re.compile(
    r"\b(?:any|which|what|an) (?:late )?(?:evening|night)s?\b|\blate[- ](?:night|evening|opening)s?\b|\bopen late\b|\b(?:in the|of an) evenings?\b"
)
_SPECIAL = re.compile(
    r"\b(?:bank holidays?|public holidays?|christmas|xmas|easter|new year'?s?|boxing|thanksgiving|holidays?|half[- ]term|summer|winter|season|january|february|march|april|june|july|august|september|october|november|december)\b"
)
_GENERIC = re.compile(
    r"\b(?:everything|open(?:ing)?|hours?|times?|closed|business|we|we're|shop|store|office|practice|surgery|studio|workshop|clinic|reception|days|people|customers|visitors|guests)\b|^$",
    re.IGNORECASE,
)
_GENERIC_KEYS = frozenset(
    content(
        "visit drop pop swing office desk reception shop store place building studio practice surgery earlier later round back free week day come"
    )
)
_SHUT = re.compile(r"\b(?:closed|shut|closes?)\b", re.IGNORECASE)
_COMES = re.compile(r"\b(?:come|coming|came|visit|visiting|stay|arrive|turn up|pop|drop)\b")
_STORY = re.compile(
    r"\b(?:came|was(?! thinking| wondering| hoping)|were|had|bought|got|took|left|went|ordered|started|has|takes|gets|needs|is on|\w{3,}ed)\b"
)
_SUITS = re.compile(
    r"\b(?:still|get in|fit me|any good|work|okay|ok|all right|alright|possible|do|fine|suit|convenient|be there|make it|manage|too (?:late|early))\b"
)
_MOSTLY = 0.35
"""Share of the afternoon that must be open for a plain yes."""
_OTHER_WANTS = frozenset({Want.PRICE, Want.WHERE, Want.PHONE, Want.EMAIL, Want.AGE, Want.MEASURE, Want.ATTRIBUTE, Want.WHO})


@dataclass(frozen=True, slots=True)
class HoursAnswer:
    """A sentence to say, and the day and time it was about, for a follow-up."""

    text: str
    when: When


# "We deliver within Marlow Bay, Tuesdays between 5 and 7", "You can see the goats Saturdays 9 to 11": what there is then, not when it is open.
_DOING = re.compile(
    r"(?i)to (?!call|ring|phone|reach|visit|see|book|find)[a-z]+ |(?:we|i|he|she|they) (?:also |only |can |will )*+(?!be\b|keep|trade|operate|are\b|is\b|am\b|open|close|shut|work|start|finish|stay|have\b|don't|do not)\w+"
    r"|you (?:can|may|could) (?:also |only )*+(?:come (?:and |to )?|go )?(?:see|watch|meet|feed|view|tour|taste) (?!us\b|me\b)\w+"
)


_DAYS_FIRST = re.compile(
    r"(?:On|From) (?:(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?|weekdays|weekends)(?:,? (?:to|and|until|till) |, | ))+"
)


def _subject_of(statement: Statement) -> str:
    """What a sentence with hours is about; "" for the business itself."""
    if (first := _DAYS_FIRST.match(statement.text)) and _DOING.match(rest := statement.text[first.end() :]):
        # "On Mondays we deliver …"
        return " ".join(rest.split()[:3])
    label, colon, _ = statement.text.partition(":")
    if not (colon and re.match(r"^[A-Z][^\d:.]*$", label)):
        days = hours.first_token(statement.text)
        label = re.sub(
            r"^(?:On|From)$|\s+(?:is|are|run|runs|works?|opens?|closes?|take place|go|goes|leave|leaves|sail|sails|on|from|between|every)\b.*$",
            "",
            statement.text[:days].strip(" ,-–"),
        )
    label = re.sub(r"\s*[£$€]?\d.*$", "", label).strip(" ,:-–")
    if statement.topic and (not label or _GENERIC.search(label)):
        label = statement.topic
    if _DOING.match(label):
        return label
    if (
        _GENERIC.search(label)
        or re.fullmatch(r"(?:lunch|lunch ?time|break)(?: break)?", label, re.IGNORECASE)
        or len(label.split()) > 4
    ):
        return ""
    return label


def _subject_of_rest(statement: Statement, span: tuple[int, int]) -> str:
    """What a sentence is about apart from the part of the year that it names; "" for the business itself."""
    rest = re.sub(r"^\W+", "", f"{statement.text[: span[0]]} {statement.text[span[1] :]}").strip()
    return _subject_of(replace(statement, text=rest)) if statement.scheduled else ""


class Timetable:
    """The schedules in an owner's statements: the business's own, and those of single things ("Nail clipping")."""

    def __init__(self, statements: Sequence[Statement]) -> None:
        told: dict[str, list[Statement]] = {}
        seasonal: list[tuple[Season, str]] = []
        of_seasons: set[Statement] = set()
        for statement in statements:
            found = season_in(statement.text)
            if found is None and seasonal and (rest := REST.search(statement.text)):
                found = replace(seasonal[-1][0], but_not=True), rest.span()
            timed = statement.scheduled or _SHUT.search(statement.text) or hours.has_range(statement.text)
            if found is not None and timed and not _subject_of_rest(statement, found[1]):
                start, end = found[1]
                seasonal.append((found[0], f"{statement.text[:start]} {statement.text[end:]}"))
                of_seasons.add(statement)
            elif statement.scheduled:
                told.setdefault(_subject_of(statement), []).append(statement)
        texts = {subject: [statement.text for statement in those] for subject, those in told.items()}
        self._own = {*told.get("", []), *of_seasons}
        own = " ".join(texts.pop("", []))
        parsed = {subject: hours.parse(" ".join(parts), subject) for subject, parts in texts.items()}
        self.others = [schedule for schedule in parsed.values() if schedule is not None]
        self.seasons = [(season, self._of_season(season, text, own)) for season, text in seasonal]
        open_ones = [week for _, week in self.seasons if week is not None and week.open_days()]
        self.main = (hours.parse(own) if own else None) or (open_ones[0] if open_ones else None)
        if self.main is None and self.others:
            # "Lessons Monday to Friday … Closed on Sundays.": the longest week is the business's.
            longest = max(self.others, key=lambda schedule: len(schedule.open_days()))
            if len(longest.open_days()) >= 3:
                self.others.remove(longest)
                subject = "" if _DOING.match(longest.subject) else longest.subject
                self.main = hours.parse(f"{' '.join(texts[longest.subject])} {own}", subject)
                self._own |= {*told[longest.subject]}
        # "We deliver on Tuesdays between 5 and 7" is said as it stands: there is no "we deliver" on Mondays.
        self._doing = {key for schedule in self.others if _DOING.match(schedule.subject) for key in content(schedule.subject)}
        self.others = [schedule for schedule in self.others if not _DOING.match(schedule.subject)]

    @staticmethod
    def _of_season(season: Season, text: str, own: str) -> Schedule:
        """The week in a part of the year: closed where it gives no hours. What holds all year, a lunch break, is cut out as well."""
        breaks = own if hours.parse(own) is None else ""
        week = hours.parse(f"{text} {breaks}")
        return replace(week, season=str(season)) if week is not None else Schedule("", ((),) * 7, frozenset(range(7)), str(season))

    def in_season(self, date: tuple[int, int | None] | None) -> Schedule | None:
        """The week at that date; a closure goes before the season that it lies in. None where nothing is said of it."""
        if date is None:
            return None
        weeks = [week for season, week in self.seasons if season.has(*date)]
        return min(weeks, key=lambda week: len(week.open_days()), default=None)

    def statements(self) -> list[str]:
        """Each schedule day by day, in sentences."""
        weeks = [schedule for schedule in (self.main, *self.others, *(week for _, week in self.seasons)) if schedule is not None]
        return [week.statement(day) for week in weeks for day in range(7)]

    def summary(self) -> str:
        """The whole week in a sentence or two; empty where nothing is said of it."""
        return self.main.summary() if self.main is not None else ""

    def told_by(self, statement: Statement) -> bool:
        """Whether the business's own hours stand in it."""
        return statement in self._own

    def asks_for_the_latest(self, question: Question) -> bool:
        """Whether it asks for evenings, whichever ("Do you have a late night?"), and some days are open for longer than others."""
        if self.main is None or question.when.days or question.want in _OTHER_WANTS or not _EVENINGS.search(plain(question.core)):
            return False
        return len(self._latest(self.main)) < len(self.main.open_days())

    def concerns(self, question: Question, last: When | None, fact: Statement | None, telling: Sequence[str]) -> Schedule | None:
        """The schedule that a question is about, or None. `fact` is what words and meaning found, `telling` the question's rare concepts."""
        if question.want in _OTHER_WANTS or (question.when and question.verb in self._doing):
            return None
        if (
            last is None
            and question.leans
            and question.when.days
            and fact is not None
            and not fact.scheduled
            and hours.days_in(fact.text)
        ):
            # "Could I have that done on a Monday?": the fact has days of its own.
            return None
        core = plain(question.core)
        if (week := self._of_the_year(question, last)) is not None:
            return week
        if self.main is None or _SPECIAL.search(plain(question.text)):
            return None
        for schedule in self.others:
            if set(content(schedule.subject)) & set(telling) and question.when:
                return schedule
        rest = [key for key in telling if key not in _GENERIC_KEYS and key not in content(self.main.subject)]
        asks_open = self.asks_for_the_latest(question) or bool(_OPEN.search(core) and not _NO_HOURS.search(core))
        if question.want is Want.LENGTH and not asks_open:
            return None
        # "On the last morning, by when must we be out?" names a part of the day and asks for no hours.
        clocked = question.when.minute is not None or (question.when.part is not None and question.want is not Want.WHEN)
        timed = (bool(question.when.days) or (clocked and question.when.relative is None)) and not _told_on_the_way(question)
        if (asks_open or timed) and (not rest or (asks_open and timed)):
            return self.main
        if last is not None and question.leans and not rest and (question.when or re.search(r"\bsame\b", core)):
            return self.main
        elsewhere = question.leans and last is None
        if question.when.relative is not None and question.yes_no and not rest and not question.keys and not elsewhere:
            return self.main
        # "Could I pay the rest in cash on the morning?" is about the cash.
        asked = timed and question.yes_no and bool(question.when.days or not rest)
        if asked and self._shut(question, fact):
            return self.main
        settles = fact is not None and (_mentions_time(fact) or re.search(r"\b(?:no|not|cannot)\b|n't\b", plain(fact.text)))
        return self.main if asked and not settles else None

    def _of_the_year(self, question: Question, last: When | None) -> Schedule | None:
        """The week at the date that a question about hours names."""
        core, follows = plain(question.core), last is not None and question.leans
        week = self.in_season(question.when.date or (last.date if last is not None and follows else None))
        days = question.when.days and question.want in (Want.YES_NO, Want.WHEN)
        return week if _OPEN.search(core) or _COMES.search(core) or days or follows else None

    def shut(self, question: Question, today: dt.date | None) -> Schedule | None:
        """ "Is Tess in on Sunday?": if the business is closed then, she is not; if it is open, its hours say nothing of her."""
        return self.main if self._closed_on(self._resolved(question, None, today).days) else None

    def _closed_on(self, days: Sequence[int]) -> bool:
        """Whether the business is shut on all of these, if on any are asked for."""
        return self.main is not None and bool(days) and not any(self.main.ranges[day] for day in days)

    def _shut(self, question: Question, fact: Statement | None) -> bool:
        """Whether the business is closed on the days asked for, and the fact does not speak of just these."""
        days = question.when.days
        if not self._closed_on(days):
            return False
        return fact is None or not any(DAYS[day].lower() in plain(fact.text) for day in days)

    def answer(self, question: Question, schedule: Schedule, last: When | None, today: dt.date | None) -> HoursAnswer:
        """What to say about `schedule`. Days of the last question are taken over where this one names none."""
        when = self._resolved(question, last, today)
        core = plain(question.core)
        if _CLOSED_DAYS.search(core):
            closed = [day for day in range(7) if not schedule.ranges[day]]
            return HoursAnswer(f"We are closed on {day_names(closed)}." if closed else "We are open every day.", when)
        if schedule is self.main and self.asks_for_the_latest(question):
            days = self._latest(schedule)
            return HoursAnswer(
                f"We are open latest on {day_names(days)}, until {clock_text(schedule.ranges[days[0]][-1][1])}.", when
            )
        if not when.days and question.yes_no and when.date is not None and not schedule.open_days():
            return HoursAnswer(f"No, {schedule.season} we are closed.", when)
        if not when.days:
            return HoursAnswer(self._any_day(question, schedule, when), when)
        if len(when.days) > 1:
            return HoursAnswer(self._several(question, schedule, when), when)
        return HoursAnswer(_one_day(question, schedule, when), when)

    @staticmethod
    def _latest(schedule: Schedule) -> list[int]:
        """The days on which it closes last."""
        closing = {day: schedule.ranges[day][-1][1] for day in schedule.open_days()}
        return [day for day, minute in closing.items() if minute == max(closing.values())]

    def _resolved(self, question: Question, last: When | None, today: dt.date | None) -> When:
        when = question.when
        days = when.days
        if not days and when.relative is not None and today is not None:
            days = ((today.weekday() + when.relative) % 7,)
        if not days and last is not None and question.leans:
            days = tuple((day + when.next_day) % 7 for day in last.days)
        minute, part = when.minute, when.part
        if (
            last is not None
            and minute is None
            and part is None
            and question.leans
            and re.search(r"\bsame\b|\bthen\b", plain(question.core))
        ):
            minute, part = last.minute, last.part
        date = when.date or (last.date if last is not None and question.leans else None)
        return replace(when, days=days, minute=minute, part=part, date=date)

    def _any_day(self, question: Question, schedule: Schedule, when: When) -> str:
        everything = schedule is self.main and len(self.seasons) > 1 and when.date is None
        week = " ".join(w.summary() for _, w in self.seasons) if everything else schedule.summary()
        if question.yes_no and when.minute is not None:
            verdicts = {schedule.is_open(day, when.minute) for day in schedule.open_days()}
            if len(verdicts) == 1:
                return f"{'Yes' if verdicts.pop() else 'No'}, {_lowered(week)}"
        return week

    def _several(self, question: Question, schedule: Schedule, when: When) -> str:
        text = schedule.summary(when.days)
        if not question.yes_no:
            return text
        verdicts = {_verdict(schedule, day, when) for day in when.days}
        if len(verdicts) != 1 or None in verdicts:
            return text
        return f"{'Yes' if verdicts.pop() else 'No'}, {_lowered(text)}"


def _told_on_the_way(question: Question) -> bool:
    """ "My lot came on Thursday, and they were mouldy. Can I get something back?": what has been, or goes on anyway, and what is asked names no time."""
    if when_of(question.core) or _OPEN.search(plain(question.core)) or _COMES.search(plain(question.core)):
        return False
    return _STORY.search(plain(question.before)) is not None and not _SUITS.search(plain(question.core))


def _lowered(text: str) -> str:
    return text[0].lower() + text[1:]


def _verdict(schedule: Schedule, day: int, when: When) -> bool | None:
    if not schedule.ranges[day]:
        return False
    if when.minute is not None:
        return schedule.is_open(day, when.minute)
    if when.part is not None:
        share = _share(schedule.ranges[day], when.part)
        return True if share >= _MOSTLY else False if share == 0 else None
    return True


def _share(ranges: Sequence[Range], part: Range) -> float:
    return sum(max(0, min(b, part[1]) - max(a, part[0])) for a, b in ranges) / (part[1] - part[0])


def _one_day(question: Question, schedule: Schedule, when: When) -> str:
    day, core = when.days[0], plain(question.core)
    ranges = schedule.ranges[day]
    statement = schedule.statement(day)
    if when.relative in (0, 1) and not question.when.days:
        statement = f"{'Today' if when.relative == 0 else 'Tomorrow'}, {_lowered(statement)}"
    if not question.yes_no:
        if ranges and _CLOSE.search(core):
            return f"On {DAYS[day]} we close at {clock_text(ranges[-1][1])}."
        if ranges and _OPENS.search(core) and question.want is Want.WHEN and not re.search(r"\bhours\b|\btimes\b", core):
            return f"On {DAYS[day]} we open at {clock_text(ranges[0][0])} and close at {clock_text(ranges[-1][1])}."
        if when.minute is None:
            return statement
    verdict = _verdict(schedule, day, when)
    if re.search(r"\b(?:closed|shut)\b", core) and question.yes_no and verdict is not None:
        verdict = not verdict
    if verdict is None:
        return statement
    if verdict is False and ranges:
        statement = statement.replace(" from ", " only from ", 1)
    return f"{'Yes' if verdict else 'No'}, {_lowered(statement)}"


def _mentions_time(fact: Statement) -> bool:
    text = plain(fact.text)
    days = "|".join(day.lower() for day in DAYS)
    return fact.scheduled or bool(re.search(rf"\b(?:{days})s?\b|\b\d{{1,2}}(?:[:.]\d\d)? ?[ap]m\b|\bweekends?\b", text))


def offers(timetable: Timetable, statements: Sequence[Statement]) -> str:
    """What a caller can ask about: "our opening hours, prices and where to find us"."""
    found = ["our opening hours"] if timetable.main is not None else []
    if any(s.has_price for s in statements):
        found.append("our prices" if not found else "prices")
    if any(re.search(r"\baddress\b|\bfloor\b|\bpark", plain(s.text)) for s in statements):
        found.append("where to find us")
    return joined(found) if found else "what we do"
