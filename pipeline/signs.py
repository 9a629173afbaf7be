"""What speaks for a statement but the words it shares with the question and its meaning: the kind of thing it holds, nearness to the last answer.

The numbers are in the units of `Scores.kind`, whose worth training finds (`pipeline.picking`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipeline.ages import age_of, has_age
from pipeline.hours import days_in
from pipeline.picking import Weights
from pipeline.polarity import asks_access, asks_free, negated
from pipeline.questions import Question, Want
from pipeline.seasons import season_in
from pipeline.statements import Statement
from pipeline.words import plain

_FIGURE = re.compile(r"\bfrom \d+(?! ?(?:[ap]m|[:.]\d|years?|weeks?|months?|minutes?|hours?|days?))\b")
_LAST = re.compile(r"\b(?:last|latest|stop|stops)\b", re.IGNORECASE)
_BACK = re.compile(r"\b(?:ready|done|finished|back|collect|fetch|pickup|pick (?:it|them|her|him|my \w+) up|pick up)\b")
_READY = re.compile(
    r"\bready\b|\bdone (?:in|within|while)\b|\bworking days?\b|\bwhile you wait\b|\bovernight\b|\bsame day\b|\bcollect",
    re.IGNORECASE,
)
_HOW_MANY = re.compile(
    r"\bhow many (?:people|folks|of us|guests|persons|kids|children|adults|can|fit|does it)\b|\bhow big a group\b"
)
_CAPACITY = re.compile(
    r"\bsleeps\b|\b(?:serves|feeds) \d+|\bup to \d+\b|\bmax(?:imum)?\b|\bseats? \d+|\b\d+ (?:people|players|guests|persons|pax|passengers)\b|\bat most \d+",
    re.IGNORECASE,
)
_LEVEL_OR_NOT = re.compile(
    r"\bsteps?\b|\bstep-free\b|\bfloor\b|\bramp\b|\blift\b|\bstairs?\b|\bwheelchairs?\b|\baccessible\b|\blevel\b"
)
AGED = 0.4
"""More for a statement that names an age, where the caller does."""
SHORT = 7
"""Words up to which "No parking outside" says nothing else."""
DENIED = 0.3
"""More for a statement that denies what only it names."""
_EXTRA = re.compile(r"(?:late|early|extra|additional|lost|spare|deposit|surcharge)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Scores:
    """How one statement fares: words (share of the question's, 0 to 1), meaning and detail (cosines, `pipeline.likeness`), kind of answer, nearness to the
    last fact."""

    words: float
    meaning: float
    detail: float
    kind: float
    context: float

    def total(self, weights: Weights) -> float:
        """Log odds of its being the answer against no statement's being it."""
        return (
            weights.words * self.words
            + weights.meaning * self.meaning
            + weights.detail * self.detail
            + weights.kind * self.kind
            + weights.context * self.context
            - weights.nothing
        )


@dataclass(frozen=True, slots=True)
class Signs:
    """What of a question other signs than words and meaning are looked for: `want` is the kind of thing, the rest what else would speak for a statement."""

    question: Question
    want: Want
    aged: bool
    dated: bool
    access: bool
    capacity: bool
    ready: bool
    latest: bool

    @classmethod
    def of(cls, question: Question, last: Question | None) -> Signs:
        """`last`: the question before, where this one leans on it."""
        core = plain(question.core)
        return cls(
            question=question,
            want=Want.PRICE if question.yes_no and asks_free(question.core) else question.want,
            aged=age_of(question) is not None,
            dated=question.when.date is not None or (last is not None and last.when.date is not None),
            access=asks_access(question.text),
            capacity=_HOW_MANY.search(core) is not None,
            ready=question.want in (Want.LENGTH, Want.WHEN) and _BACK.search(core) is not None,
            latest=re.search(r"\b(?:latest|how late|last)\b", core) is not None,
        )

    def found_in(self, last: Statement) -> bool:
        """Whether a follow-up about what is paid or for how many it is ("And would I have to pay there?", "What do they charge there?") has its answer in the
        last fact."""
        there = re.search(r"\bthere\W*$", self.question.core) is not None
        points = self.question.points or there
        paid = ((there and self.want is Want.PRICE) or (self.question.yes_no and asks_free(self.question.core))) and (
            last.has_price or re.search(r"\bfree\b", last.text) is not None
        )
        return points and (paid or (self.capacity and _CAPACITY.search(last.text) is not None))

    def beyond_kind(self, statement: Statement) -> float:
        """What a statement has beyond the kind of thing asked for, in the units of `kind`."""
        want, text = self.question.want, statement.text
        gains = (
            (AGED, self.aged and has_age(text)),
            (0.25, want is Want.YES_NO and self.question.when.days and days_in(text)),
            (-DENIED, want is Want.WHERE and negated(text) and len(text.split()) <= SHORT),
            (0.3, self.ready and _READY.search(text)),
            (0.3, self.dated and want is not Want.PRICE and season_in(text)),
            (0.3, self.access and _LEVEL_OR_NOT.search(plain(text))),
            (0.3, self.capacity and _CAPACITY.search(text)),
            (-0.4, statement.has_phone and want is not Want.PHONE and not self.question.yes_no),
            (0.3, self.latest and _LAST.search(text)),
            (-0.2, _out_of_the_ordinary(statement, self.question)),
        )
        return sum(gain for gain, there in gains if there)


def _out_of_the_ordinary(statement: Statement, question: Question) -> bool:
    """ "Late check out until 1 pm" is no answer to somebody who asks when to check out."""
    match = _EXTRA.match(statement.text)
    return match is not None and match[0].lower() not in plain(question.text)


def kind_of(want: Want, statement: Statement) -> float:
    """Whether it holds the kind of thing that was asked for."""
    text = plain(statement.text)
    match want:
        case Want.PRICE:
            return 0.3 if statement.has_price or "included" in text else -0.1 if _FIGURE.search(text) else -0.35
        case Want.LENGTH:
            return 0.3 if statement.has_length else -0.35
        case Want.PHONE:
            return 0.6 if statement.has_phone else 0.0
        case Want.EMAIL:
            return 0.6 if "@" in text or "email" in text else 0.0
        case Want.WHERE:
            return (
                0.3
                if re.search(
                    r"\baddress\b|\b\d+\w? [a-z]+ (?:street|road|lane|hill|square|avenue|st|rd)\b|\bfloor\b|\bbehind\b|\bnext to\b",
                    text,
                )
                else 0.0
            )
        case Want.AGE:
            return 0.25 if re.search(r"\b(?:from|over|under|at least|age|aged|years?|older|younger|weeks old)\b", text) else 0.0
        case Want.WHEN:
            return (
                0.15
                if statement.scheduled
                or re.search(
                    r"\b(?:am|pm|\w+day|january|february|march|april|may|june|july|august|september|october|november|december|\d+ hours)s?\b",
                    text,
                )
                else 0.0
            )
        case Want.WHO:
            return 0.1 if re.search(r"(?<=[a-z(] )[A-Z][a-z]+", statement.text) else 0.0
        case Want.MEASURE:
            return (
                0.1
                if re.search(r"\d+ ?(?:m|metres?|meters?|cm|km|feet|foot|kg|degrees|°|minutes|miles?)\b|°|\baway\b", text)
                else -0.4
            )
        case Want.ATTRIBUTE:
            return 0.0
        case Want.YES_NO | Want.OTHER:
            return 0.0


def nearness(statement: Statement, last: Statement | None, *, yes_no: bool) -> float:
    """Nearness to the statement that answered the question before."""
    if last is None:
        return 0.0
    if statement == last:
        # What was just said is seldom the answer to a yes or no about it.
        return 0.3 if yes_no else 0.35
    if statement.topic and statement.topic in (last.topic, *_topics(last)):
        return 0.28
    return 0.05 if statement.paragraph == last.paragraph else 0.0


def _topics(statement: Statement) -> tuple[str, ...]:
    head = re.split(r"\s*[:(]", statement.text, maxsplit=1)[0]
    return (head, *((statement.topic,) if statement.topic else ()))
