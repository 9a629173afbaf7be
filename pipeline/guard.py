"""The last look at a model's words before they are spoken: nothing that the facts do not say, no yes where they say no."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.hours import DAYS, days_in
from pipeline.words import NUMBER_WORDS, STOPWORDS, numbers, plain, stem, tokens

_YES = re.compile(r"^\W*(?:oh,? )?(?:yes|yeah|yep|sure|of course|certainly|absolutely|definitely)\b(?!,? (?:but )?(?:no|not)\b)")
_NO = re.compile(r"^\W*(?:oh,? )?(?:no|nope|unfortunately|sorry|(?:i'm )?afraid)\b(?!,? (?:problem|worries|trouble))")
_DENIES = re.compile(r"\b(?:not|no|never|cannot|closed)\b|n't\b")
_NAME = re.compile(r"(?<![.!?:] )(?<!^)\b[A-Z][a-zà-ÿ]+(?:['’][a-z]+)?\b")
_CLOCK_WORDS = {"noon": "12", "midday": "12", "midnight": "12"}
_HEDGES = re.compile(r"\bas an ai\b|\blanguage model\b|\bfact:|\bquestion:|<\|", re.IGNORECASE)
_CALLER = re.compile(r"\b(?:i|i've|i'd|my|me|mine)\b(?!'?m? (?:sorry|afraid))")
"""The bot speaks for "we"; an "I" is the caller's question given back."""
UNKNOWN = re.compile(r"\b(?:i (?:don't|do not) (?:know|have)|i'm not sure|not sure|no information)\b", re.IGNORECASE)
"""What the model says when the fact does not hold the answer."""


_PLAIN = frozenset(
    """afraid sorry cost costs costing price prices priced charge charges charged pay paid fee free pound pounds dollar dollars euro euros pence cent cents total
    available allowed welcome possible included include includes required necessary provide provides sell sells located situated find
    minutes minute hour hours day days week weeks month months year years half quarter per each every until between during around
    approximately roughly extra additional person people customers customer
    last lasts lasting ahead beforehand wait ready currently currently moment option options course yours hold holds fit fits starts start
    monday tuesday wednesday thursday friday saturday sunday noon midnight morning afternoon evening number address phone telephone email""".split()
) | NUMBER_WORDS
"""Words that a model may add: the grammar of prices, lengths and places. Everything else it must have from the facts."""


class Guard:
    """Checks phrases of a reply against its facts and its question. `verdict` is yes, no, or None where code cannot tell.

    Holds no state but what it was made with: a phrase may be checked twice, or never.
    """

    def __init__(self, facts: Sequence[str], question: str, verdict: bool | None = None) -> None:
        self.facts = tuple(facts)
        self.question = question
        self.verdict = verdict
        allowed = " ".join((*self.facts, question))
        self._numbers = numbers(allowed) | {_CLOCK_WORDS[w] for w in _CLOCK_WORDS if w in plain(allowed)}
        # "14:00" may come back as "2 pm", "1.30" as "half past one".
        self._numbers |= {str(int(float(n)) - 12) for n in self._numbers if 12 < float(n) < 24} | {"1"}
        self._days = set(days_in(" ".join(self.facts))) | set(days_in(question))
        self._words = {stem(w) for w in tokens(allowed)}

    def check(self, phrase: str, *, first: bool = False) -> bool:
        """Whether a phrase may be spoken. `first`: it opens the reply, so a leading yes or no answers the question."""
        text = plain(phrase)
        if _HEDGES.search(phrase) or (_CALLER.search(text) and not UNKNOWN.search(text)):
            return False
        if numbers(phrase) - self._numbers:
            return False
        if self._days and set(days_in(phrase)) - self._days or (not self._days and days_in(phrase)):
            return False
        if any(word.isalpha() and len(word) > 2 and stem(word) not in self._words and word not in STOPWORDS and word not in _PLAIN for word in tokens(phrase)):
            return False
        if any(stem(w) not in self._words and w.lower() not in STOPWORDS and w not in DAYS for w in _NAME.findall(phrase)):
            return False
        return not (self.verdict is not None and self._contradicts(text, first=first))

    def _contradicts(self, text: str, *, first: bool) -> bool:
        if self.verdict:
            return bool(_NO.search(text)) and not UNKNOWN.search(text)
        if _YES.search(text):
            return True
        # Half an answer ("We can fetch") may still turn; a whole sentence that denies nothing says yes.
        return first and text.endswith((".", "!")) and not _DENIES.search(text) and "only" not in text and "sorry" not in text
