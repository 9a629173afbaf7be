"""Which statement bears on a question: words and meaning together, and none when nothing does."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from pipeline.ages import age_of, has_age
from pipeline.hours import days_in
from pipeline.items import MONEY
from pipeline.likeness import Likeness, TextVectors
from pipeline.narrowing import entries, facet
from pipeline.picking import Weights, trained
from pipeline.polarity import clauses, negated
from pipeline.questions import Question, Want
from pipeline.reading import Reading
from pipeline.schedule import DAYS
from pipeline.signs import DENIED, Scores, Signs, kind_of, nearness
from pipeline.statements import Statement
from pipeline.words import STOPWORDS, concept, content, tokens

_PEOPLE = frozenset({"=child", "=adult", "=woman", "=man", "=senior"})
_PAYING = frozenset(concept(word) for word in ("pay", "payment", "cost", "charge", "extra"))
_JOINT = re.compile(r"\b(?:both|together|combined)\b", re.IGNORECASE)
LISTED = 0.8
"""More, in the units of a kind of answer, for a list that has the entry that was asked for."""
DOUBTFUL, SECOND = 0.8, 0.12
"""Below the first probability the next statement is said as well, from the second on."""
BESIDE = 1.5
"""Log odds from which on the other sentence of the same line is said as well."""
ELSEWHERE = 0.8
"""With another statement as likely as this, a follow-up that names nothing of its own does not hang on the last fact."""
LEAST_READ = -12.0
"""No line is read as less likely than this, in natural logarithms."""
READ, SIGNS, NOTHING_READ = 0.35, 0.7, 0.0
"""What the reader's log odds of a line against nothing count, what those by the signs count beside them, and what is added."""
NAMED = 0.5
"""How much a word of the business's own name counts."""
CHATTER = 0.3
"""How much a word of the lead-up counts that no statement has."""
VERB = 0.35
"""More for a statement that has a yes-or-no question's own verb."""


@dataclass(frozen=True, slots=True)
class Picked:
    """What was found: one statement, `text` cut down to what was asked, and `second` where another is as likely.

    `score` is its probability, 0 to 1; `confident` says whether it bears on the question at all. `hints` are the list keys that the caller's
    words pointed at ("medium" for a cocker spaniel): a follow-up may need them.
    """

    facts: tuple[Statement, ...]
    text: str
    score: float
    confident: bool
    hints: frozenset[str] = frozenset()
    second: Picked | None = None


@dataclass(frozen=True, slots=True)
class Previous:
    """The last question and what answered it, for a follow-up."""

    question: Question
    picked: Picked | None


class FactIndex:
    """Statements with their vectors, ready to be asked. Without vectors words alone tell."""

    def __init__(
        self, statements: Sequence[Statement], vectors: Sequence[TextVectors] | None, name: str = "", weights: Weights | None = None
    ) -> None:
        self._weights = weights or trained().weights
        # At "Bramble Bay Kayaks" a kayak tells nothing.
        self._name = frozenset(content(name))
        self.statements = tuple(statements)
        self._likeness = Likeness(vectors, trained().worth) if vectors else None
        self._keys = [Counter(content(s.full)) for s in self.statements]
        # "High chairs" is found by "highchairs" too.
        self._pairs = [
            {concept(a + b) for a, b in pairwise(tokens(s.full)) if a.isalpha() and b.isalpha()}
            # A "relining" is a new lining.
            | {concept(w[2:]) for w in tokens(s.full) if w.startswith("re") and len(w) > 6}
            for s in self.statements
        ]
        self._kinds = {want: [kind_of(want, s) for s in self.statements] for want in Want}
        self._parts = [[set(content(c)) for c in clauses(s.full)] for s in self.statements]
        self._denied = [[set(content(c)) for c in clauses(s.full) if negated(c)] for s in self.statements]
        self._clauses = [set(content(c)) for s in self.statements if not s.items for c in re.split(r"[,;.]\s", s.text)]
        frequency = Counter(key for keys in self._keys for key in keys)
        n = len(self.statements)
        self._frequency = frequency
        self._idf = {key: math.log(1 + (n - f + 0.5) / (f + 0.5)) for key, f in frequency.items()}
        self._unseen = math.log(1 + (n + 0.5) / 0.5)
        # "Doctor Reid" is the Fiona of another sentence.
        self._aliases: dict[str, set[str]] = {}
        for first, second in (
            pair for s in self.statements for pair in re.findall(r"(?<=[\w.] )([A-Z][a-z]+) ([A-Z][a-z]+)\b", s.text)
        ):
            if self._idf.get(concept(second), 0.0) > 0.5 * self._unseen:
                self._aliases.setdefault(concept(second), set()).add(concept(first))

    def knows(self, key: str) -> bool:
        """Whether any statement contains that concept."""
        return key in self._idf

    def rare(self, word: str) -> bool:
        """Whether a word of the statements tells one from the others."""
        return word not in STOPWORDS and self.telling(concept(word))

    def weight(self, key: str) -> float:
        """How much a concept tells: its inverse document frequency, the most for one that no statement has."""
        return self._idf.get(key, self._unseen)

    def telling(self, key: str) -> bool:
        """Whether it is said in a few statements only: "bike" tells nothing at a bicycle workshop."""
        return self._idf.get(key, 0.0) > 0.5 * self._unseen

    def weights(self, question: Question, previous: Previous | None) -> dict[str, float]:
        """Concepts asked for and how much each counts: the asking sentence, its lead-up, and for a follow-up the last question."""
        weights: dict[str, float] = {}
        lead = 0.5 if question.keys else 0.9
        for keys, weight in ((question.keys, 1.0), (question.before_keys, lead)):
            for key in keys:
                # What leads up to a question is mostly chatter, where the owner does not speak of it.
                counted = weight if weight == 1.0 or self.knows(key) else CHATTER * weight
                weights[key] = max(counted, weights.get(key, 0.0))
        if question.yes_no and age_of(question) is not None:
            # Whoever is fourteen is in any sentence about children.
            weights = {key: CHATTER * weight if key in ("=child", "=adult") else weight for key, weight in weights.items()}
        for key in [key for key in weights if not key.startswith("=") and len(key) > 6]:
            # Toenails are nails.
            for tail in (concept(key[i:]) for i in range(2, len(key) - 3)):
                if tail in self._idf:
                    weights.setdefault(tail, 0.8 * weights[key])
        for key in [key for key in weights if key in self._aliases]:
            for alias in self._aliases[key]:
                weights.setdefault(alias, 0.7 * weights[key])
        if previous is not None and question.leans:
            for key in (*previous.question.keys, *previous.question.before_keys):
                weights.setdefault(key, 0.25 if any(map(self.telling, question.keys)) else 0.5)
        return {key: weight * self._idf.get(key, self._unseen) for key, weight in weights.items()}

    def scores(self, question: Question, vector: TextVectors | None, previous: Previous | None) -> list[Scores]:
        """One for each statement."""
        weights = self.weights(question, previous)
        whole = sum(weights.values()) or 1.0
        # "Could somebody fetch us from the station?": who fetches bears more on it than what is at the station.
        done = question.verb if question.want is Want.YES_NO and self.telling(question.verb) else ""
        signs = Signs.of(question, previous.question if previous is not None and question.leans else None)
        unlike = np.zeros(len(self.statements), np.float32)
        alike = (unlike, unlike) if vector is None or self._likeness is None else self._likeness.to(vector)
        last = (
            previous.picked.facts[0]
            if previous is not None and question.leans and previous.picked and previous.picked.facts
            else None
        )
        return [
            Scores(
                words=sum(NAMED * w if key in self._name else w for key, w in weights.items() if key in keys or key in pairs)
                / whole,
                meaning=float(whole_alike),
                detail=float(detail_alike),
                kind=kind
                + signs.beyond_kind(statement)
                + (DENIED if self._denies(number, question) else 0.0)
                + self._does(done, number, weights),
                context=nearness(statement, last, yes_no=question.yes_no)
                * (0.5 if any(map(self.telling, question.keys)) and not question.points else 1.0),
            )
            for number, (statement, keys, pairs, whole_alike, detail_alike, kind) in enumerate(
                zip(self.statements, self._keys, self._pairs, *alike, self._kinds[signs.want], strict=True)
            )
        ]

    def _denies(self, number: int, question: Question) -> bool:
        """Whether a statement says no to what a yes-or-no question names and no other statement does."""
        if question.want is not Want.YES_NO:
            return False
        asked = question.objects or question.keys
        named = {key for key in asked if self._frequency[key] == 1 and key != question.verb} - self._name - _PEOPLE
        return any(part & named for part in self._denied[number])

    def _does(self, verb: str, number: int, weights: dict[str, float]) -> float:
        """More for a statement with the question's verb: the most where the same clause has what it is done to, or denies it."""
        if verb not in self._keys[number]:
            return 0.0
        together = any(verb in part and any(key in part for key in weights if key != verb) for part in self._parts[number])
        return VERB if together or negated(self.statements[number].text) else VERB / 2

    def pick(
        self,
        question: Question,
        vector: TextVectors | None,
        previous: Previous | None = None,
        *,
        elliptical: bool = False,
        reading: Reading | None = None,
    ) -> Picked:
        """The statement that bears on the question, if one does."""
        if not self.statements:
            return Picked((), "", 0.0, confident=False)
        scores = self.scores(question, vector, previous)
        hints = self._hints(question, previous)
        totals = with_reading([one.total(self._weights) for one in scores], reading)
        best = max(range(len(scores)), key=lambda i: totals[i] + self._listed(i, scores[i], question.want, hints))
        last = (
            previous.picked.facts[0]
            if previous is not None and question.leans and previous.picked and previous.picked.facts
            else None
        )
        if last is not None and elliptical and entries(last, question, hints - previous_hints(previous)):
            # "And for a large one?": the same list, another entry.
            best = self.statements.index(last)
        on_the_day = self._on_the_day(best, totals, question)
        of_other_days, best = None if on_the_day == best else best, on_the_day
        likeliest = max(range(len(totals)), key=totals.__getitem__)
        # "Which brand?" is answered by what names one.
        confident = totals[likeliest] > 0 and (question.want is not Want.ATTRIBUTE or question.attribute in self._keys[best])
        if (
            last is not None
            and question.when.days
            and days_in(last.text)
            and (question.points or not any(map(self.telling, question.keys)))
        ):
            # "Could I have that done on a Monday?"
            best, confident = self.statements.index(last), True
        paid = question.want is not Want.PRICE or (last is not None and MONEY.search(last.text))
        if last is not None and paid and question.points and age_of(question) is not None and has_age(last.text):
            # "My boy's nine, could he do that one?"
            best, confident = self.statements.index(last), True
        elsewhere = best == likeliest and _share(totals, best) > ELSEWHERE
        if last is not None and previous is not None and not elsewhere and self._hangs_on(last, question, previous):
            best, confident = self.statements.index(last), True
        picked = self._cut(best, question, previous, hints, _share(totals, likeliest), confident=confident)
        others = [i for i in range(len(totals)) if i not in (best, of_other_days)]
        other = max(others, key=lambda i: totals[i], default=best)
        other = next((i for i in others if totals[i] > BESIDE and self._beside(best, i)), other)
        beside = self._beside(best, other) and totals[other] > BESIDE
        doubtful = picked.score < DOUBTFUL and _share(totals, other) >= SECOND
        if other == best or not (beside or doubtful):
            return picked
        second = self._cut(other, question, previous, hints, _share(totals, other), confident=confident)
        return replace(second, second=picked) if beside and other < best else replace(picked, second=second)

    def _on_the_day(self, best: int, totals: Sequence[float], question: Question) -> int:
        """ "At weekends you have to book. From Tuesday to Friday just turn up.": for a Wednesday the second, where the likelier one speaks of other days."""
        asked, own = set(question.when.days), set(days_in(self.statements[best].text))
        if not asked or not own or asked & own:
            return best
        others = [
            number
            for number, statement in enumerate(self.statements)
            if self._beside(best, number) and asked <= (days := set(days_in(statement.text))) and len(days) < len(DAYS)
        ]
        return max(others, key=totals.__getitem__, default=best)

    def _hangs_on(self, last: Statement, question: Question, previous: Previous) -> bool:
        """Whether a follow-up names nothing of its own that a statement tells, and the last fact has what it asks for."""
        own = {key for key in question.keys if self.telling(key)} - self._keys[self.statements.index(last)].keys() - _PAYING
        return not own and Signs.of(question, previous.question).found_in(last)

    def _beside(self, one: int, other: int) -> bool:
        """ "There is room for three cars in the yard. Please do not park in the lane.": one line of the owner's, in two sentences."""
        a, b = self.statements[one], self.statements[other]
        return abs(one - other) == 1 and a.line == b.line >= 0 and not (a.items or b.items or a.scheduled or b.scheduled)

    def _cut(
        self, number: int, question: Question, previous: Previous | None, hints: frozenset[str], score: float, *, confident: bool
    ) -> Picked:
        """A statement, cut down to what was asked."""
        fact = self.statements[number]
        # "£10, or £25 for a haircut and beard together": what two things cost is not the price of one.
        joint = _JOINT.search(question.core) and _JOINT.search(fact.text)
        items = () if joint else entries(fact, question, hints, None if previous is None else previous_hints(previous))
        text = fact.said if joint else fact.narrowed(items) if items else facet(fact, question)
        named = {key for key in question.keys if self._frequency[key] == 1} & self._keys[self.statements.index(fact)].keys()
        if items and named - set(content(text)):
            # Cut too short: what was named is gone.
            text = fact.said
        return Picked((fact,), text, score, confident, hints)

    def _listed(self, number: int, scores: Scores, want: Want, hints: frozenset[str]) -> float:
        """More for a list that has the wanted entry, or what says all the words, than for the sentence that says what "medium" means."""
        listed = any(item.keys & hints for item in self.statements[number].items) or scores.words > 0.99
        return (
            LISTED * self._weights.kind if want in (Want.PRICE, Want.LENGTH) and listed and self._kinds[want][number] > 0 else 0.0
        )

    def _hints(self, question: Question, previous: Previous | None) -> frozenset[str]:
        """Keys of lists that the caller's words lead to: "cocker spaniel" -> "medium", where the owner says so somewhere."""
        asked = {*question.keys, *question.before_keys}
        # What half of the statements mention tells no list entry from another.
        list_keys = {key for s in self.statements for item in s.items for key in item.keys if self._frequency[key] <= 4}
        hints: set[str] = set(asked & list_keys)
        for keys in self._clauses:
            if keys & list_keys and any(key in asked and self.telling(key) for key in keys - list_keys):
                hints |= keys & list_keys
        if previous is not None and question.leans and not any(item.keys & hints for s in self.statements for item in s.items):
            hints |= previous_hints(previous)
        return frozenset(hints)


def with_reading(totals: list[float], reading: Reading | None) -> list[float]:
    """Log odds of each statement's being the answer against nothing, by the signs and by the reader."""
    if reading is None:
        return totals
    lines = np.maximum(reading.lines, LEAST_READ)
    return [SIGNS * total + READ * float(line - lines[-1]) + NOTHING_READ for total, line in zip(totals, lines[:-1], strict=True)]


def _share(totals: Sequence[float], best: int) -> float:
    """Probability that it is the best one, of all statements and none."""
    odds = [math.exp(min(total, 50.0)) for total in totals]
    return odds[best] / (1.0 + sum(odds))


def previous_hints(previous: Previous | None) -> frozenset[str]:
    """List entries that the last question pointed at."""
    return previous.picked.hints if previous is not None and previous.picked else frozenset()
