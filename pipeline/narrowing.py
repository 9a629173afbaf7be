"""What of a statement is said: of a list the entries that were asked for, of a sentence the part with the price or the length."""

from __future__ import annotations

import re

from pipeline.ages import age_of, includes
from pipeline.hours import days_in
from pipeline.items import LENGTH, MONEY, Item
from pipeline.polarity import asks_free
from pipeline.questions import Question, Want
from pipeline.statements import Statement
from pipeline.words import numbers

_PRICE = re.compile(r"[£$€¤]\s?\d[\d.,]*|\b\d[\d.,]* ?(?:pounds?|euros?|dollars?|pence|%|percent)")
_CONDITIONED = re.compile(
    r"(?:or )?(?:[£$€¤]\s?\d[\d.,]*|\d[\d.,]* ?(?:pounds|euros|dollars|pence)\b).*\b(?:if|when|unless|up to|or more|or over|and over|"
    r"anything (?:longer|larger|bigger|heavier|over|above|else)|(?:over|above|beyond|more than|longer than) (?:that|\d+))\b",
    re.IGNORECASE,
)
"""An entry that names nothing, only another price and when it holds: "or $6.50 each if you bring ten or more"."""
_AT_ON = re.compile(r"\d[\d:.]*(?: ?[ap]m)? on (?:[A-Z]\w+days?|weekdays|weekends)")


def entries(
    statement: Statement, question: Question, hints: frozenset[str], before: frozenset[str] | None = None
) -> tuple[Item, ...]:
    """Entries of its list that were asked for; none when all are as good. `hints`: keys that the caller's words point at; `before`: those that the last question pointed at."""
    if statement.says_more and not _asks_price(question):
        return ()
    found = _asked_for(statement, question, hints, before)
    kind = MONEY if _asks_price(question) else LENGTH if question.want is Want.LENGTH else None
    return tuple(item for item in found if kind is None or kind.search(item.text))


def _asked_for(statement: Statement, question: Question, hints: frozenset[str], before: frozenset[str] | None) -> tuple[Item, ...]:
    minutes = question.minutes
    if minutes and (by_length := tuple(item for item in statement.items if item.minutes & minutes)):
        return by_length
    age = age_of(question)
    if age is not None and (by_age := tuple(item for item in statement.items if includes(item.text, age))):
        return by_age
    asked_days = set(question.when.days)
    if asked_days and (by_day := tuple(item for item in statement.items if asked_days & set(days_in(item.text)))):
        return by_day
    # "A cake for sixteen": the entry with that number, where one has it.
    counted = (
        numbers(question.text if question.want is Want.PRICE else question.core) if question.want is not Want.YES_NO else set()
    )
    by_number = [
        item
        for item in statement.items
        if numbers(_PRICE.sub(" ", item.text)) & counted and not re.search(r"\b(?:under|over)\b", item.text)
    ]
    if len(by_number) == 1:
        return tuple(by_number)
    if before is not None and question.leans and not any(item.keys & hints for item in statement.items):
        hints = before
    # What was said itself goes before what the owner's words lead to.
    asked = hints & {*question.keys, *question.before_keys} or {*question.keys}
    if any(item.keys & asked for item in statement.items):
        hints = frozenset(asked)
    ranked = [(len(item.keys & hints), item) for item in statement.items]
    most = max((count for count, _ in ranked), default=0)
    if not most:
        return ()
    best = [item for count, item in ranked if count == most]
    # An "ordinary double" is the double, not the one with a view of the sea.
    least = min(len(item.keys - hints) for item in best)
    return _with_conditions(statement.items, [item for item in best if len(item.keys - hints) == least])


def _with_conditions(items: tuple[Item, ...], chosen: list[Item]) -> tuple[Item, ...]:
    """What was chosen and, behind it, what it costs under a condition: nobody knows whether this caller meets it."""
    kept: list[Item] = []
    for before, item in zip((None, *items), items, strict=False):
        if item in chosen or (kept and kept[-1] is before and _CONDITIONED.match(item.text)):
            kept.append(item)
    return tuple(kept)


def _asks_price(question: Question) -> bool:
    return question.want is Want.PRICE or (question.yes_no and asks_free(question.core))


def facet(statement: Statement, question: Question) -> str:
    """The part of a statement with an amount of the kind that was asked for."""
    match question.want:
        case Want.PRICE:
            return statement.facet(MONEY)
        case Want.LENGTH:
            return statement.facet(LENGTH)
        case Want.WHEN if question.when.days:
            return _on_days(statement.said, question.when.days)
        case _:
            return statement.said


def _on_days(text: str, days: tuple[int, ...]) -> str:
    """Of "at 5:30 on weekdays, 6:30 on Saturday and 3:30 on Sunday" what holds on the days asked for."""
    found = _AT_ON.findall(text)
    asked = [part for part in found if set(days) & set(days_in(part))]
    return f"{text[: text.index(found[0])]}{asked[0]}." if len(found) > 1 and len(asked) == 1 else text
