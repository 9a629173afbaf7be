"""The last look at a model's words before they are spoken: nothing that the facts do not say, no yes where they say no."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.hours import days_in
from pipeline.words import NUMBER_WORDS, STOPWORDS, numbered, numbers, plain, stem, tokens, words_of

_YES = re.compile(r"^\W*(?:oh,? )?(?:yes|yeah|yep|sure|of course|certainly|absolutely|definitely)\b(?!,? (?:but )?(?:no|not)\b)")
_NO = re.compile(r"^\W*(?:oh,? )?(?:no|nope|unfortunately)\b(?!,? (?:problem|worries|trouble))")
_CLOCK_WORDS = {"noon": "12", "midday": "12", "midnight": "12"}
_HEDGES = re.compile(r"\bas an ai\b|\blanguage model\b|\bfact:|\bquestion:|<\|", re.IGNORECASE)
_CALLER = re.compile(r"\b(?:i|i've|i'd|i'll|my|me|mine)\b(?!'m)|\bi'm (?!sorry|afraid|not sure)")
"""The bot speaks for "we"; an "I" is the caller's question given back."""
_MONEY = re.compile(r"[£$€]\s?(\d[\d,]*(?:\.\d+)?)|\b(\d+(?:\.\d+)?) ?(?:pounds?|dollars?|euros?|pence|cents?|p)\b", re.IGNORECASE)
UNKNOWN = re.compile(r"\b(?:i (?:don't|do not) (?:know|have)|i'm not sure|not sure|no information)\b", re.IGNORECASE)
"""What the model says when the fact does not hold the answer."""

_PLAIN = NUMBER_WORDS | words_of(
    """afraid sorry know cost costs costing price prices priced charge charges charged pay paid fee free pound pounds dollar dollars euro
    euros pence cent cents total available allowed welcome possible included include includes required necessary provide provides sell
    sells located situated minute minutes hour hours day days week weeks month months year years half quarter per each every during
    approximately roughly extra additional person people customer customers last lasts lasting ahead beforehand wait ready currently
    moment option options yours hold holds fit fits noon midnight morning afternoon evening number address phone telephone email"""
)
"""Words that a model may add: the grammar of prices, lengths and places. Everything else it must have from the facts."""


_TURNED = words_of("i you me my your we us our is are am was were can could do does it")


def _money(text: str) -> set[str]:
    figures = " ".join(numbered(re.findall(r"[A-Za-z']+|[£$€]?\d+(?:[.,]\d+)*", text.lower().replace("-", " "))))
    return {f"{float(a.replace(',', '') or b):g}" for a, b in _MONEY.findall(f"{text} | {figures}")} if figures else set()


_DENIAL = re.compile(r"\b(?:not|never|cannot|nobody|nothing|none)\b|n't\b")


class Guard:
    """Checks phrases of a reply against its facts and its question.

    `verdict` is yes, no, or None where code cannot tell. `sure`: the facts do hold the answer, so "I don't know" is refused.
    `amount`: the kind of amount that was asked for; a phrase with another number and none of this kind is refused.

    Holds nothing but what it was made with: a phrase may be checked twice, or never.
    """

    def __init__(
        self,
        facts: Sequence[str],
        question: str,
        verdict: bool | None = None,
        *,
        sure: bool = False,
        amount: re.Pattern[str] | None = None,
    ) -> None:
        self.facts = tuple(facts)
        self.question = question
        self.verdict = verdict
        self._sure = sure
        self._amount = amount
        fact = " ".join(facts)
        said = f"{fact} {question}"
        self._numbers = numbers(said) | {figure for word, figure in _CLOCK_WORDS.items() if word in plain(said)}
        # "14:00" may come back as "2 pm"; "one" is a pronoun as well.
        self._numbers |= {str(int(float(n)) - 12) for n in self._numbers if 12 < float(n) < 24} | {"1"}
        self._money = _money(said)
        self._only_money = {n for n in _money(fact) if len(re.findall(rf"(?<![\d.]){re.escape(n)}(?![\d]|\.\d)", fact)) < 2}
        self._percent = bool(re.search(r"%|\bper ?cent\b", said))
        self._denies = bool(_DENIAL.search(plain(fact))) or bool(re.search(r"\b(?:no|only)\b", plain(fact)))
        self._asked = {stem(word) for word in tokens(question)}
        self._days = set(days_in(said))
        self._words = {stem(word) for word in tokens(said)}

    def check(self, phrase: str) -> bool:
        """Whether a phrase may be spoken."""
        text = plain(phrase)
        if _HEDGES.search(phrase) or (_CALLER.search(text) and not UNKNOWN.search(text)):
            return False
        if self._sure and UNKNOWN.search(text):
            return False
        said, money = numbers(phrase), _money(phrase)
        if self._amount is not None and said and not money and not self._amount.search(phrase):
            return False
        # A price without its currency, or a currency on what is no price, is a wrong price.
        if said - self._numbers or money - self._money or (said & self._only_money) - money:
            return False
        if re.search(r"%|\bpercent\b|\bper cent\b", text) and not self._percent:
            return False
        if text.endswith("?") or self._echoes(text):
            return False
        # "We don't want all of it straight away": the fact denies nothing.
        if not self._denies and _DENIAL.search(text) and not UNKNOWN.search(text):
            return False
        if set(days_in(phrase, spoken=True)) - self._days:
            return False
        if any(self._invented(word) for word in tokens(phrase)):
            return False
        return self.verdict is None or not (_NO if self.verdict else _YES).search(text)

    def _echoes(self, text: str) -> bool:
        """The question given back: many words, and none that it did not have."""
        words = [word for word in tokens(text) if word not in ("yes", "no")]
        return len(words) >= 8 and all(stem(word) in self._asked or word in _TURNED for word in words)

    def _invented(self, word: str) -> bool:
        """A word of substance that neither fact nor question has: a name, a thing, a place."""
        if not word[0].isalpha() or len(word) < 3 or word in STOPWORDS or word in _PLAIN:
            return False
        return stem(word) not in self._words
