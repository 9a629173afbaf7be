"""A yes or no that the owner's own words leave no doubt about: how one may pay, what one has to bring, what has a price, what is excepted.

The reader is right about most of the others and wrong about some of these ("Can I pay by cash?", "Cards or cash, no cheques."), so they are taken from it.
"""

from __future__ import annotations

import re

from pipeline.items import MONEY
from pipeline.polarity import negated
from pipeline.questions import Question
from pipeline.words import concept, content, plain, tokens

_PAYS = re.compile(r"\b(?:pay|paid|paying|payment|take|takes|accept|accepts|have to be|use)\b|^(?:is|are|do you do|can i use)\b")
_WAYS = (
    r"\bcash\b",
    r"\bcards?\b(?! (?:holders?|machine))|\bdebit\b",
    r"\bche(?:que|ck)s?\b",
    r"\btransfers?\b",
    r"\bapple pay\b|\bgoogle pay\b|\bcontactless\b",
    r"\bamex\b|\bamerican express\b",
    r"\bpaypal\b|\bvenmo\b|\bzelle\b",
)
_HAS_TO_BRING = re.compile(
    r"\b(?:need|have|got|ought|supposed|should) (?:i |we |you |they |he |she )?(?:to )?bring (?:(?:my|our|his|her|their|a|an|any|some) )?(?:own )?(?P<what>[a-z]+)"
)
_BRING = re.compile(r"\b(?:bring|brings|bringing) (?:your|their|his or her|a|an|some)? ?(?:own)?\b")
_OFFERS = re.compile(r"\b(?:do|can|could|would|will) (?:you|they|he|she)(?: guys| lot)?\b")
_LIMITED = re.compile(
    r"\b(?:only|except|unless|apart from|but|not|no|from \d|up to|under|over|until|till|minimum|at least|where|if|must|extra|plus|cannot)\b|n't\b"
)
_SEGMENTS = re.compile(r"[,;:.]|\b(?:but|because|although|though|please|while)\b|\band (?=no\b|not\b|we (?:cannot|can't|don't))")
_EXCEPT = re.compile(r",? ?\b(?:except(?: for)?|apart from|other than)\b")
_CLOSED_EXCEPT = re.compile(
    r"(?P<rule>\b(?:closed|shut|not open)\b[^.;]*?),? (?:except(?: for)?|apart from|other than) (?P<what>[^.;,]+)"
)
_ASKS_OPEN = re.compile(r"\b(?:open|opening|there|come (?:in|by)|drop (?:in|by))\b")
_PAYING = frozenset(
    map(
        concept,
        "pay take accept use do payment card cash cheque check debit credit transfer bank contactless amex american express apple google paypal venmo zelle".split(),
    )
)


def settled(question: Question, text: str) -> bool | None:
    """Yes, no, or None where it takes somebody to judge."""
    if not question.yes_no or negated(question.core):
        return None
    for by in (_by_payment, _by_bringing, _by_price, _by_exception):
        if (verdict := by(question, text)) is not None:
            return verdict
    return None


def _by_payment(question: Question, text: str) -> bool | None:
    """ "Can I pay by cash?"; where the caller names one way and the owner speaks of ways."""
    asked, said = plain(question.core), plain(text)
    ways = [way for way in _WAYS if re.search(way, asked)]
    if len(ways) != 1 or not _PAYS.search(asked) or re.search(r"\b(?:only|deposit|free|fee|charge|discount|extra)\b", asked):
        return None
    if set(question.keys) - _PAYING:
        return None  # "at the desk", "for the deposit": the way may differ there
    match _EXCEPT.split(said):
        case [rule, exception] if rule.strip() and re.search(ways[0], exception) and not re.search(ways[0], rule):
            return negated(rule)
    told = {negated(segment) for segment in _SEGMENTS.split(said) if re.search(ways[0], segment)}
    if told:
        return None if len(told) > 1 else not told.pop()
    only = re.search(r"\bonly\b", said) and any(re.search(way, said) for way in _WAYS)
    return False if only else None


def _by_bringing(question: Question, text: str) -> bool | None:
    """ "Do we need to bring our own towels?"."""
    asked = _HAS_TO_BRING.search(plain(question.core))
    if asked is None:
        return None
    told = [segment for segment in _SEGMENTS.split(plain(text)) if concept(asked["what"]) in content(segment)]
    if len(told) != 1:
        return None
    if re.search(r"\b(?:provided?|supplied|supply|included|lend|no need|needn't)\b", told[0]):
        return bool(re.search(r"\bnot (?:provided|supplied|included)\b|n't (?:provide|supply|include)", told[0]))
    return True if _BRING.search(told[0]) and not negated(told[0]) else None


def _by_exception(question: Question, text: str) -> bool | None:
    """ "Are you open on the bank holiday Monday?" where "We are closed on Mondays, except bank holiday Mondays"."""
    found = _CLOSED_EXCEPT.search(plain(text))
    if found is None or not _ASKS_OPEN.search(plain(question.core)):
        return None
    return True if (set(content(found["what"])) - set(content(found["rule"]))) & {*question.keys} else None


def _by_price(question: Question, text: str) -> bool | None:
    """ "Do you take trousers up?" where "Trousers taken up £11" is all that is said."""
    if (
        not _OFFERS.search(plain(question.core))
        or question.when
        or question.verb == concept("charge")
        or not MONEY.search(text)
        or _LIMITED.search(plain(text))
    ):
        return None
    keys = {key for key in question.keys if key != question.verb}
    found = set(content(text))
    return True if keys and keys <= found and len(tokens(text)) <= 12 else None
