"""Ages: how old somebody is said to be, and from which or up to which age something may be done. All in months."""

from __future__ import annotations

import re
from collections.abc import Callable

from pipeline.questions import Question
from pipeline.words import content, numbered, plain

_UNIT = r"(?:[ -]?(?P<{0}>weeks?|months?|years?))?"
_MONTHS = {"w": 0.23, "m": 1.0, "y": 12.0, "": 12.0}
_NO_AGE = r"(?! ?(?:nights?|cats?|dogs?|places?|rooms?|pieces?|copies|copy|single|double|pounds?|%|percent|am|pm|[:.]\d|minutes?|hours?|days?|euros?|dollars?|pence|o'clock|people|times|miles?|km|metres?))"
_LOWER = re.compile(
    rf"\b(?:from(?: the)?(?: age)?(?: of)?|at least|minimum(?: age)?(?: is| of)?|over|aged?|starting at) (?P<a>\d+){_NO_AGE}{_UNIT.format('ua')}"
    rf"|\b(?P<b>\d+){_UNIT.format('ub')} (?:old )?(?:and|or) (?:over|older|up|above)\b"
)
_UPPER = re.compile(rf"\b(?:under|below|younger than|up to(?: age)?) (?P<a>\d+){_NO_AGE}{_UNIT.format('ua')}")
_RANGE = re.compile(
    rf"\b(?:ages?|aged|must be|have to be|between)(?: between| from)? (?P<a>\d+) (?:to|and) (?P<b>\d+){_NO_AGE}{_UNIT.format('ub')}"
)
_AGE = re.compile(
    rf"\b(?:is|are|am|[a-z]+'s|i'm|he's|she's|turned|turns|aged?|just|only|nearly|almost|be) (?P<a>\d{{1,2}})(?!\d){_NO_AGE}{_UNIT.format('ua')}(?! (?:of|ago|ahead|before))"
    r"|\b(?P<b>\d{1,2})[- ](?P<ub>weeks?|months?|years?)[- ]olds?\b"
)
_ADULTS = re.compile(r"\badults only\b|\bno (?:children|kids|under 18s?)\b")
_ANY_AGE = re.compile(r"\b(?:every|all|any) ages?\b")
_PRICED = re.compile(r"[£$€¤%]|\bfree\b|\bpounds?\b|\boff\b|\bdiscount\b|\bticket\b")
_NOT = re.compile(r"\b(?:no|not|cannot|can't|never|nobody|none)\b|n't\b")
_NOBODY_OVER = re.compile(r"\b(?:nobody|none|no one|no [a-z]+|not?) (?:who is |who are |aged )?(?:over|older than) (?P<a>\d+)")
_DUTY = re.compile(r"\b(?:must|need|have to|has to)\b")


def _figures(text: str) -> str:
    return " ".join(numbered(re.findall(r"[a-z']+|\d+(?:[.,:]\d+)*|[?.,;%£$€]", plain(text).replace("-", " "))))


def _months(match: re.Match[str]) -> float:
    groups = match.groupdict()
    name = "a" if groups.get("a") else "b"
    return int(groups[name] or 0) * _MONTHS[(groups.get(f"u{name}") or "")[:1]]


def age_of(question: Question) -> float | None:
    """The age, in months, of whom a question is about; None where none is said."""
    match = _AGE.search(_figures(question.text))
    return _months(match) if match else None


def _clauses(text: str) -> list[str]:
    return [_figures(part) for part in re.split(r"[,;.](?=\s|$)|\s[-–—]\s|\bbut\b", plain(text)) if part.strip()]


def _bounded(clause: str) -> bool:
    # "Free for over 60s" is a price, not a door that opens at 60.
    return not _PRICED.search(clause) and bool(_RANGE.search(clause) or _LOWER.search(clause) or _UPPER.search(clause))


def has_age(text: str) -> bool:
    """Whether a statement names an age from which, or up to which, something may be done."""
    return any(_bounded(clause) for clause in _clauses(text)) or bool(_ANY_AGE.search(plain(text)) or _ADULTS.search(plain(text)))


def includes(text: str, age: float) -> bool:
    """Whether a list's entry is meant for that age: "under 4s free", "over 65s £3.80"."""
    figures = _figures(text)
    if match := re.search(
        r"\b(?:up to (?:age )?)?(?P<a>\d+) (?:and|or) (?:under|younger|below)\b|\bup to (?:age )?(?P<b>\d+)\b", figures
    ):
        return age <= int(match["a"] or match["b"]) * 12
    if match := re.search(r"\b(?P<a>\d+) (?:and|or) (?:over|older|up|above)\b", figures):
        return age >= int(match["a"]) * 12
    if match := re.search(r"\bunder (?P<a>\d+)", figures):
        return age < int(match["a"]) * 12
    match = re.search(r"\bover (?P<a>\d+)", figures)
    return match is not None and age >= int(match["a"]) * 12


def old_enough(question: Question, text: str, weigh: Callable[[str], float]) -> bool | None:
    """ "From 5 years" against "she is four"; the clause that names the thing asked for goes first. None where ages settle nothing."""
    asked = plain(question.text)
    if _ANY_AGE.search(plain(text)) and re.search(r"\btoo (?:old|young)\b|\bold enough\b|\bage\b", asked):
        return not re.search(r"\btoo (?:old|young)\b", asked)
    age = age_of(question)
    if age is not None and _ADULTS.search(plain(text)):
        return age >= 18 * 12
    parts = [part for part in _clauses(text) if _bounded(part)]
    if age is None or not parts:
        return None
    # Whoever is that old is in every clause about ages; what he wants to do is not.
    keys = {k: weigh(k) for k in (*question.keys, *question.before_keys) if k not in ("=child", "=adult", "old")}
    best = max(parts, key=lambda part: sum(keys.get(k, 0.0) for k in set(content(part))))
    if match := _RANGE.search(best):
        # "Drivers must be 25 to 75 and have held a licence for at least 2 years."
        unit = _MONTHS[(match["ub"] or "")[:1]]
        return int(match["a"]) * unit <= age < (int(match["b"]) + 1) * unit
    if match := _NOBODY_OVER.search(best):
        return age < (int(match["a"]) + 1) * 12
    if match := _LOWER.search(best):
        return (age >= _months(match)) != bool(re.search(r"\btoo young\b", asked))
    match = _UPPER.search(best)
    assert match is not None
    under = age < _months(match)
    if _NOT.search(plain(text)):
        return not under
    return None if _DUTY.search(plain(text)) else under
