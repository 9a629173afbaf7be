"""Yes or no, where a statement settles it by its form: a negation, an "only", an age, a need. Where it does not, nobody guesses here."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

from pipeline.ages import old_enough
from pipeline.hours import days_in
from pipeline.questions import Question
from pipeline.seasons import season_in
from pipeline.words import STOPWORDS, content, numbered, plain, stem, tokens, words_of

_NEGATION = re.compile(
    r"\b(?:no(?! (?:problem|trouble|matter|(?:extra |additional )?(?:charge|cost)\b))|not(?! only)|never|cannot|can't|none|nor|neither|(?<!before we )(?<!when we )(?<!after we )(?:closed?|shut)|non-?(?:refundable|returnable|transferable|negotiable)|without|lost|stopped|no longer|anymore|any more)\b|n't\b"
)
_CLAUSES = re.compile(
    r"[,;](?! ?(?:\d|which\b))|(?<!\d)\s[-–—]\s|\bbut\b|\bhowever\b|\botherwise\b|[.!](?=\s|$)|\band (?=(?:we|you|they|there)\b)"
)
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
PERMITS = re.compile(
    r"\b(?:welcome|allowed|fine|yes|can|may|possible|available|included?|free|offer|happy|glad|no problem|no bother|while you wait|you'll|you will)\b"
)
PLAIN_VERBS = frozenset(stem(word) for word in STOPWORDS | words_of("pay bring order sit eat drink visit book")) | {""}
"""What callers do anyway: a fact need not say it again."""
_ASKS_ACCESS = re.compile(r"\b(?:wheelchair|stairs|steps?|crutches|walking (?:frame|stick)|zimmer|mobility|pushchair|pram|buggy)\b")
_NO_STEPS = re.compile(r"\bno (?:steps?|stairs)(?: or (?:steps?|stairs))?\b")
_ASKS_STEPS = re.compile(r"\b(?:is|are|would|will) there (?:be )?(?:any |many |a lot of )?(?:stairs|steps)\b")
_LEVEL = re.compile(
    r"\bno (?:steps?|stairs)(?: or (?:steps?|stairs))?\b|\bstep[- ]free\b|\bground floor\b|\blevel access\b|\bramps?\b|\b(?<!no )lift\b|\baccessible\b(?<!not accessible)"
)
_STEPS = re.compile(
    r"\bno lift\b|(?<!no )\bsteps\b|\bstairs?\b|\b(?:first|second|third) floor\b|\bupstairs\b|\bnot (?:suitable|accessible)\b"
)
_ONLY = re.compile(r"\bwe (?:can )?only (?:take|do|teach|sell|treat|groom|accept|offer|repair|mend|hire|rent) (?P<what>[^,.;]+)")
_ON = re.compile(r"\b(?:open|opens|closed|closes|shut|season|all year|year round|only|available|runs?|no \w+ (?:in|during))\b")
_GROUP = re.compile(r"\b(\d+) (?:of us|people|guests|persons|players|children|kids|adults|friends)\b")
_ROOM = re.compile(
    r"\b(?:up to|max(?:imum)?(?: of)?|at most|holds|sleeps|seats|no more than) (\d+)\b(?! ?(?:minutes|hours|days|weeks|miles|km|kg|%))"
)
_EXCEPT = re.compile(r"\b(?:except(?: for)?|apart from|other than|but not|unless)\b")
_OWN = re.compile(r"\b(?:your|their|one's) own\b(?! [a-z])|\b(?:it|them|one|some)\b")
_ASKS_FREE = re.compile(
    r"\b(?:have to|need to|must|do (?:i|we)) (?:\w+ )?pay\b|\banything to pay\b|\bcost (?:anything|extra|me)\b|\bcharge (?:for|extra|anything)\b|\bextra\b"
)


def asks_free(core: str) -> bool:
    """ "Do we have to pay for that?": a yes or no that a price answers."""
    return bool(_ASKS_FREE.search(plain(core)))


def asks_access(said: str) -> bool:
    """ "I'm in a wheelchair", "I can't do stairs": what matters is how one gets in."""
    return bool(_ASKS_ACCESS.search(plain(said)))


def clauses(text: str) -> list[str]:
    """A statement's parts that can be true or false by themselves."""
    return [part.strip() for part in _CLAUSES.split(plain(text)) if part and part.strip()]


def negated(clause: str) -> bool:
    """Whether it denies something; "no problem" and "not only" do not."""
    return bool(_NEGATION.search(plain(clause)))


def deciding(question: Question, text: str, weigh: Callable[[str], float]) -> str:
    """The part of `text` that bears on the question, where the rest is about something else: what follows a "but" or a dash."""
    parts = [
        p.strip()
        for p in re.split(
            r"(?<!\d)\s[-–—]\s|,? but (?=\w+ \w+ (?:\w+ )?(?:can|may|must|do|does|are|is|have|not)|(?:you|we|they)(?:'re|'ll| are) )|,? and (?=(?:we|you|they|there) )",
            text.rstrip("."),
        )
    ]
    if len(parts) < 2:
        return text
    keys = {k: weigh(k) for k in (*question.keys, *question.before_keys)}
    shares = [sum(w for k, w in keys.items() if k in set(content(p))) + _own(question, p, keys) for p in parts]
    best = max(range(len(parts)), key=lambda i: shares[i])
    if sorted(shares)[-2] == shares[best]:
        return text
    part = parts[best]
    return f"{part[0].upper()}{part[1:]}."


def verdict(question: Question, text: str, weigh: Callable[[str], float]) -> bool | None:
    """True for yes, False for no, None where the form of `text` does not settle it. `weigh` gives a concept's weight."""
    if not question.yes_no:
        return None
    for settled in (
        old_enough(question, text, weigh),
        _by_date(question, text),
        _by_access(question, text),
        _by_size(question, text),
    ):
        if settled is not None:
            return settled
    asked, statement = plain(question.core), plain(text)
    if _ASKS_NEED.search(asked) and not _ASKS_FREE.search(asked):
        return _needed(statement)
    if _ASKS_WITHOUT.search(asked) and (_NEEDLESS.search(statement) or _NEEDED.search(statement)):
        return bool(_NEEDLESS.search(statement))
    if _ASKS_FREE.search(asked):
        return None
    if (only := _ONLY.search(statement)) and question.objects and not negated(asked):
        # "We only take cats" says no to a dog, whoever takes dogs.
        return bool(set(question.objects) & set(content(only["what"])))
    if re.search(r"\bno other\b", statement) and question.verb in content(text):
        return False
    return _by_clause(question, text, weigh)


def _needed(statement: str) -> bool | None:
    """Whether a fact says that something has to be, or need not be."""
    needless = _NEEDLESS.search(statement)
    asked_for = re.search(r"\bplease\W*$", statement) is not None and not negated(statement)
    needed = asked_for or _NEEDED.search(_NEEDLESS.sub(" ", re.sub(r"\bno need to\b", "no need", statement)))
    return bool(needed) if bool(needless) != bool(needed) else None


def _by_access(question: Question, text: str) -> bool | None:
    """Whether one gets in without stairs, where that is asked."""
    level, steps = _LEVEL.search(plain(text)), _STEPS.search(_NO_STEPS.sub(" ", plain(text)))
    if _ASKS_STEPS.search(plain(question.core)):
        return bool(steps) if bool(level) != bool(steps) else None
    return bool(level) if asks_access(question.text) and bool(level) != bool(steps) else None


def _by_size(question: Question, text: str) -> bool | None:
    """Whether a group fits: "there'd be sixty of us" against "up to 40 guests"."""
    size = _GROUP.search(" ".join(numbered(tokens(question.text))))
    room = _ROOM.search(plain(text))
    return int(size[1]) <= int(room[1]) if size and room else None


def _by_clause(question: Question, text: str, weigh: Callable[[str], float]) -> bool | None:
    """The clause that bears most on the question: denied, hedged, or a yes to all that was asked."""
    asked = plain(question.core)
    keys = dict.fromkeys((*question.keys, *question.before_keys))
    # The noun asked for decides, not the verb: "do you do cats" is about cats.
    objects = {key: weigh(key) for key in keys if key != question.verb} or {key: weigh(key) for key in keys}
    done = 0.5 * weigh(question.verb) if question.verb else 0.0
    found = [
        (sum(w for k, w in objects.items() if k in words) or _own(question, c, objects), words, c)
        for c in clauses(text)
        for words in [set(content(c))]
    ]
    if not found or not objects:
        return None
    # Of two clauses about the same thing the one with the same verb decides: "you can bring beer but you can't sell it".
    share, words, clause = max(found, key=lambda f: f[0] + (done if question.verb in f[1] else 0.0))
    if share == 0:
        return None
    if (bounded := _EXCEPT.split(clause, maxsplit=1))[1:] and not negated(asked):
        if not bounded[0].strip():
            # "You can't bring your own food in, except a birthday cake.": the rule stands in the clause before.
            bounded[0] = next((before for before, one in pairwise(clauses(text)) if one == clause), "")
            return negated(bounded[0]) if set(objects) & set(content(bounded[1])) - set(content(bounded[0])) else None
        kept, left_out = (bool(set(objects) & set(content(part))) for part in bounded)
        return None if negated(bounded[0]) or not (kept or left_out) else not left_out
    if negated(clause):
        return None if negated(asked) else False
    only = re.search(r"\bonly\b", clause)
    if negated(asked) or (only and not set(objects) & set(content(clause[: only.start()]))):
        return None
    # What led up to the question says for whom or why; a yes is about what was asked.
    core = {key: objects[key] for key in question.keys if key in objects} or objects
    if re.search(r"\b(?:that|those|these|it|them)\W*$", asked):
        core = objects
    named = max(sum(w for key, w in core.items() if key in words), _own(question, clause, core))
    return True if named >= 0.6 * sum(core.values()) and _done(question, text) else None


def _done(question: Question, text: str) -> bool:
    """Whether a fact says that what was asked is done: "fetch us from the station" is no yes for knowing where the station is."""
    verb = stem(question.verb_said)
    return (
        verb in PLAIN_VERBS
        or question.verb in content(text)
        or verb in {stem(word) for word in tokens(text)}
        or bool(PERMITS.search(plain(text)))
    )


def _by_date(question: Question, text: str) -> bool | None:
    """Days and parts of the year of the fact against those asked for: "Thursdays only" and "on a Monday?"."""
    days, named = set(question.when.days), set(days_in(text))
    if re.search(r"%|\b(?:off|discount|half price|cheaper|reduced)\b", plain(text)):
        return None
    if question.when.date is not None and (found := season_in(text)) is not None and _ON.search(plain(text)):
        season, (start, _) = found
        left_out = bool(re.search(r"\bexcept\b|\bclosed\b|\bshut\b|\bnot?\b", text[: start + 8].lower()))
        return season.has(*question.when.date) != left_out
    if not days or not named or negated(text):
        return None
    if days <= named:
        # "Do I have to book on a Wednesday?": that the fact is about Wednesdays is no yes.
        return None if _ASKS_NEED.search(plain(question.core)) else True
    return None if days & named else False


def _own(question: Question, clause: str, objects: dict[str, float]) -> float:
    """ "Cake isn't included, but you're welcome to bring your own": the second clause is about the cake as well."""
    if question.verb and question.verb in content(clause) and PERMITS.search(plain(clause)) and _OWN.search(plain(clause)):
        return sum(objects.values())
    return 0.0
