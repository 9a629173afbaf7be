"""Yes or no, where a statement settles it by its form: a negation, an "only", an age, a need. Where it does not, nobody guesses here."""

from __future__ import annotations

import re
from collections.abc import Callable

from pipeline.questions import Question
from pipeline.words import content, numbered, plain

_NEGATION = re.compile(
    r"\b(?:no(?! (?:problem|trouble|matter))|not(?! only)|never|cannot|can't|none|nor|neither|closed|shut|without|lost)\b|n't\b"
)
_CLAUSES = re.compile(r"[,;](?!\d)|\s[-–—]\s|\bbut\b|\bhowever\b|\botherwise\b|[.!](?=\s|$)|\band (?=(?:we|you|they|there)\b)")
_NEEDLESS = re.compile(
    r"\bno need\b|\b(?:don't|do not|needn't|doesn't|does not) (?:need|have)\b|\bneed no\b|\bno (?:appointment|booking)\b|\bwithout (?:an )?(?:appointment|booking)\b"
    r"|\bdrop in\b|\bwalk[- ]ins?\b|\bjust (?:come|turn up)\b|\bnot (?:needed|necessary|required)\b"
)
_NEEDED = re.compile(
    r"\bby appointment\b|\bmust\b|\brequired\b|\bneeds? to\b|\bhave to\b|\bplease (?:book|call|ring|bring)\b|\bin advance\b|\bonly with\b|\bbook (?:at least|ahead|a)\b"
)
_ASKS_NEED = re.compile(
    r"\b(?:do|does|would|will|must|should) (?:i|we|you|he|she|they|one|\w+) (?:really )?(?:have to|need|require|book)\b|\bmust (?:i|we)\b|\bnecessary\b|\bneeded\b|\brequired\b|\bhave (?:i|we) got to\b"
)
_ASKS_WITHOUT = re.compile(
    r"\bwithout\b|\bjust (?:turn up|drop in|walk in|come by|come in|pop in|show up)\b|\bwalk in\b|\bdrop in\b"
)
_ASKS_FREE = re.compile(
    r"\b(?:have to|need to|must|do (?:i|we)) (?:\w+ )?pay\b|\bcost (?:anything|extra|me)\b|\bcharge (?:for|extra|anything)\b|\bextra\b"
)

_LOWER = re.compile(
    r"\b(?:from(?: the)?(?: age)?(?: of)?|at least|minimum(?: age)?(?: is| of)?|over|aged?|starting at) (\d+)(?! ?(?:pounds?|%|percent|am|pm|[:.]\d|minutes|euros?|dollars?))|\b(\d+) (?:years? )?(?:and|or) (?:over|older|up|above)\b|\bonly from (\d+)\b"
)
_PRICED = re.compile(r"[£$€%]|\bfree\b|\bpounds?\b|\boff\b|\bdiscount\b|\bticket\b")
_UPPER = re.compile(r"\b(?:under|below|younger than) (\d+)\b|\bup to (?:age )?(\d+) years\b")
_AGE = re.compile(
    r"\b(?:is|are|am|i'm|he's|she's|turned|turns|aged?|just|only|nearly|almost|be) (\d{1,2})\b(?! ?(?:pounds?|minutes|hours?|o'clock|am|pm|people|%))|\b(\d{1,2})[- ]years?[- ]olds?\b|\b(\d{1,2}) years? old\b|\b(\d{1,2}) (?:weeks?|months?) old\b"
)


def _figures(text: str) -> str:
    return " ".join(numbered(re.findall(r"[a-z']+|\d+(?:[.,:]\d+)*|[?.,;%£$€-]", plain(text).replace("-year", " year"))))


def age_of(question: Question) -> int | None:
    """The age, in years, of whom it is about; None where none is said."""
    match = _AGE.search(_figures(question.text))
    if not match or match[4]:
        return None
    return int(next(g for g in match.groups() if g))


def asks_free(core: str) -> bool:
    """ "Do we have to pay for that?": a yes or no that a price answers."""
    return bool(_ASKS_FREE.search(plain(core)))


def has_age(text: str) -> bool:
    """Whether a statement names an age from which, or up to which, something may be done."""
    return any(_bounded(_figures(clause)) for clause in clauses(text))


def _bounded(clause: str) -> bool:
    # "Free for over 60s" is a price, not a door that opens at 60.
    return not _PRICED.search(clause) and bool(_LOWER.search(clause) or _UPPER.search(clause))


def clauses(text: str) -> list[str]:
    """A statement's parts that can be true or false by themselves."""
    return [part.strip() for part in _CLAUSES.split(plain(text)) if part and part.strip()]


def negated(clause: str) -> bool:
    """Whether it denies something; "no problem" and "not only" do not."""
    return bool(_NEGATION.search(clause))


def deciding(question: Question, text: str, weigh: Callable[[str], float]) -> str:
    """The part of `text` that bears on the question, where the rest is about something else: what follows a "but" or a dash."""
    parts = [
        p.strip()
        for p in re.split(
            r"\s[-–—]\s|,? but (?=\w+ \w+ (?:\w+ )?(?:can|may|must|do|does|are|is|have|not))|,? and (?=(?:we|you|they|there) )",
            text.rstrip("."),
        )
    ]
    if len(parts) < 2:
        return text
    keys = {k: weigh(k) for k in (*question.keys, *question.before_keys)}
    shares = [sum(w for k, w in keys.items() if k in set(content(p))) for p in parts]
    best = max(range(len(parts)), key=lambda i: shares[i])
    if sorted(shares)[-2] == shares[best]:
        return text
    part = parts[best]
    return f"{part[0].upper()}{part[1:]}."


def verdict(question: Question, text: str, weigh: Callable[[str], float]) -> bool | None:
    """True for yes, False for no, None where the form of `text` does not settle it. `weigh` gives a concept's weight."""
    if not question.yes_no:
        return None
    asked, statement = plain(question.core), plain(text)
    if (by_age := _by_age(question, text, weigh)) is not None:
        return by_age
    if _ASKS_NEED.search(asked) and not _ASKS_FREE.search(asked):
        needless, needed = (
            _NEEDLESS.search(statement),
            _NEEDED.search(_NEEDLESS.sub(" ", re.sub(r"\bno need to\b", "no need", statement))),
        )
        if bool(needless) != bool(needed):
            return bool(needed)
        return None
    if _ASKS_WITHOUT.search(asked) and (_NEEDLESS.search(statement) or _NEEDED.search(statement)):
        return bool(_NEEDLESS.search(statement))
    if _ASKS_FREE.search(asked):
        return None
    keys = dict.fromkeys((*question.keys, *question.before_keys))
    # The noun asked for decides, not the verb: "do you do cats" is about cats.
    objects = {key: weigh(key) for key in keys if key != question.verb} or {key: weigh(key) for key in keys}
    done = 0.5 * weigh(question.verb) if question.verb else 0.0
    found = [(sum(w for k, w in objects.items() if k in words), words, c) for c in clauses(text) for words in [set(content(c))]]
    if not found or not objects:
        return None
    # Of two clauses about the same thing the one with the same verb decides: "you can bring beer but you can't sell it".
    share, _, clause = max(found, key=lambda f: f[0] + (done if question.verb in f[1] else 0.0))
    if re.search(r"\bno other\b", statement) and question.verb in content(text):
        return False
    if share == 0:
        return None
    if negated(clause):
        return None if negated(asked) else False
    if re.search(r"\bonly\b", clause):
        return None
    whole = sum(objects.values())
    return True if share >= 0.6 * whole and not negated(asked) else None


def _by_age(question: Question, text: str, weigh: Callable[[str], float]) -> bool | None:
    """ "from 5 years" against "she is four"; the clause that names the thing asked for goes first."""
    asked = plain(question.text)
    if re.search(r"\b(?:every|all|any) ages?\b", plain(text)) and re.search(r"\btoo (?:old|young)\b|\bold enough\b|\bage\b", asked):
        return not re.search(r"\btoo (?:old|young)\b", asked)
    age = age_of(question)
    if age is None:
        return None
    # Whoever is that old is in every clause about ages; what he wants to do is not.
    keys = {k: weigh(k) for k in (*question.keys, *question.before_keys) if k not in ("=child", "=adult", "old")}
    parts = [_figures(c) for c in clauses(text)]
    bounded = [p for p in parts if _bounded(p)]
    if not bounded:
        return None
    best = max(bounded, key=lambda p: sum(keys.get(k, 0.0) for k in set(content(p))))
    if match := _LOWER.search(best):
        reached = age >= int(next(g for g in match.groups() if g))
        return reached != bool(re.search(r"\btoo young\b", asked))
    match = _UPPER.search(best)
    assert match
    under = age < int(next(g for g in match.groups() if g))
    whole = plain(text)
    if negated(whole):
        return not under
    return None
