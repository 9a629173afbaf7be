"""What the bot says next: small talk and opening hours by itself, everything else by a fact and a question for the model.

Pure: `respond` changes nothing, so that a bet on a pause can be dropped; only `commit` writes history. The model never sees
history: a follow-up is resolved here, by the last question and the fact that answered it (docs/grounding.md has the measurement).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from pipeline import polarity, questions
from pipeline.books import asks_what_others_choose, only_the_books_know, says_what_others_choose
from pipeline.clauses import clause_with, clauses
from pipeline.guard import Guard
from pipeline.hours import days_in
from pipeline.items import LENGTH, MONEY
from pipeline.likeness import TextVectors
from pipeline.prompts import Message, prefix, request
from pipeline.questions import Question, Want
from pipeline.reading import Reading
from pipeline.retrieval import FactIndex, Picked, Previous
from pipeline.schedule import DAYS
from pipeline.settled import settled
from pipeline.smalltalk import Talk, talk, without_openers
from pipeline.spoken import slower
from pipeline.statements import UNNAMED, Statement, split
from pipeline.timetable import Timetable, offers
from pipeline.verdict import denies, weighed
from pipeline.when import When, when_of
from pipeline.words import concept, content, generalised, plain, tokens

__all__ = ["Ask", "Dialogue", "Message", "Plan", "Say"]

SURE = 0.8
"""Probability from which a fact is given in place of a reply that failed the guard, whatever was asked."""
LIKELY = 0.5
"""Probability from which a fact goes before the opening hours."""
AS_WRITTEN = 16
"""Words up to which a fact is said as it stands: a small model's rewording of it is right no more often, and costs half a second."""
MAX_VOCABULARY = 60
STOP = ("\n", "Question:", "Fact:")
"""Where a reply ends at the latest: one sentence was asked for."""


@dataclass(frozen=True, slots=True)
class About:
    """What a turn was about, for the next one's "and on Fridays?": its question, what was found, its day and time."""

    question: Question
    picked: Picked | None = None
    when: When | None = None


@dataclass(frozen=True, slots=True)
class Say:
    """A reply that needs no model."""

    text: str
    hang_up: bool = False
    about: About | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A reply that the model words.

    `messages` begin with `Dialogue.prefix`. `lead` is certain already: it is spoken first, and before the model has answered
    (empty as a rule). Each phrase passes `guard.check` or `fallback` is said in its place and the model stopped. `fact` is for the trace.
    """

    messages: tuple[Message, ...]
    guard: Guard
    fallback: str
    lead: str = ""
    stop: tuple[str, ...] = STOP
    max_tokens: int = 48
    fact: str = ""
    about: About | None = None


Plan = Say | Ask

_WORD_FOR_WORD = frozenset({Want.WHERE, Want.PHONE, Want.EMAIL, Want.WHO})
"""What the owner wrote word for word: names, numbers, addresses. A small model gets these wrong (docs/grounding.md)."""


_SOMEBODY = re.compile(
    r"\b(?:[Ii]s|[Ww]ill|[Dd]oes|[Hh]as|[Cc]an|[Cc]ould|[Ww]hen's) (?:Doctor |Dr\.? |Mr\.? |Mrs\.? |Ms\.? |Miss )?([A-Z][a-z]{2,})"
    r" (?:be )?(?:still )?(?:\w+ing|in|there|available|about|around|free|on|back|do|see|work|take)\b"
)
# "We had Becky last time, is she teaching on Saturday?"
_SAME = re.compile(
    r"\b(?:had|saw|see|seen by|with|know|like|liked|spoke to|met) ([A-Z][a-z]{2,})\b.*\b(?:is|will|does|can|could|has|would) (?:s?he) (?:\w+ing|in|there|be|available|free|on|do|work|take|have|got)\b"
)
# A class or a treatment has a capital as well ("Botox costs £150"): a person does what people do.
_PERSON = (
    r"\b{name} (?:[A-Z]\w+ )?(?:is (?:here|our|the)\b|is in\b(?! (?:the|a|our|Studio|Room)\b)"
    r"|(?:does|teaches|cuts|sees|works|looks|owns|answers|handles|leads|coaches|covers|deals|keeps|comes|drives|grooms|fits|mends|sews|cooks|bakes|plays|manages)\b|and [A-Z])"
    r"|\b(?:with|ask for|Dr\.?|Mr\.?|Mrs\.?|Ms\.?) {name}\b"
)
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_AMOUNTS = {Want.PRICE: MONEY, Want.LENGTH: LENGTH}


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request of a turn, and what was asked before it. `elliptical`: it is a bit of a question, the rest is that one's."""

    question: Question
    previous: Previous | None
    elliptical: bool


@dataclass(slots=True)
class _History:
    about: About | None = None
    reply: str = ""
    asked_more: bool = False
    turns: int = field(default=0)


class Dialogue:
    """One call's conversation with one bot.

    `embed` is asked once here, for the statements; after that the caller hands in vectors. `today` is the date at the business, for
    "today" and "tomorrow"; without it those are answered with the whole week. `as_written`: words up to which a fact is not worded by the model.
    To share the index between calls see `fork`.
    """

    def __init__(
        self,
        bot_name: str,
        greeting: str,
        instructions: str,
        unknown: str,
        goodbye: str,
        embed: Callable[[Sequence[str]], Sequence[TextVectors]],
        today: dt.date | None = None,
        as_written: int = AS_WRITTEN,
    ) -> None:
        self._as_written = as_written
        self._name, self._unknown, self._goodbye, self._today = bot_name, unknown, goodbye, today
        self._greeting = greeting
        statements = split(instructions, bot_name)
        self._timetable = Timetable(statements)
        self._index = FactIndex(statements, embed([statement.full for statement in statements]), bot_name)
        self._offers = offers(self._timetable, statements)
        self._instructions = instructions
        self._history = _History(reply=greeting)
        self.prefix: tuple[Message, ...] = prefix(bot_name)

    def fork(self, today: dt.date | None = None) -> Dialogue:
        """Another call of the same bot: shares what was read and embedded, has a history of its own."""
        other = object.__new__(Dialogue)
        other.__dict__.update(self.__dict__)
        other._today = today if today is not None else self._today
        other._history = _History(reply=self._greeting)
        return other

    def queries(self, said: str) -> tuple[str, ...]:
        """What to embed for `respond`: each request in it, without greetings and fillers. Small talk needs no embedding."""
        if talk(said) is not None:
            return ()
        text = without_openers(_corrected(said))
        numbers = self._requests(generalised(text, self._index.knows))
        return tuple(text if number is None else questions.analyse(text, sentence=number).core for number in numbers)

    @property
    def statements(self) -> tuple[Statement, ...]:
        """The owner's, in the order in which a reader numbers them."""
        return self._index.statements

    def before(self, spoken: Plan | None = None) -> tuple[str, int | None] | None:
        """The last question and the number of the statement that answered it, as a reader is told; None before the first. `spoken`: what is being said, not committed yet."""
        about = self._history.about if spoken is None or spoken.about is None else spoken.about
        if about is None:
            return None
        facts = about.picked.facts if about.picked is not None and about.picked.confident else ()
        if about.when is not None:
            facts = tuple(fact for fact in self._index.statements if self._timetable.told_by(fact))
        return about.question.text, self._index.statements.index(facts[0]) if facts else None

    def respond(self, said: str, vectors: Sequence[TextVectors] | None, reading: Reading | None = None) -> Plan:
        """The plan for what the caller said. `vectors`: `queries(said)` embedded, one each, or None where there are none.

        `reading`: what the reader makes of `said`, after `before()`.
        """
        kind = talk(said)
        if kind is not None:
            return self._small(kind)
        requests = self._asked(said)
        # What was read of the whole turn says nothing of one request among two.
        one = reading if len(requests) == 1 else None
        each = [None] * len(requests) if vectors is None else vectors
        plans = [self._one(asked, vector, one) for asked, vector in zip(requests, each, strict=True)]
        return plans[0] if len(plans) == 1 else self._together(plans)

    def answers(self, plan: Plan) -> bool:
        """Whether the plan says more than that the bot does not know."""
        return not (isinstance(plan, Say) and plan.text == self._unknown)

    def commit(self, said: str, reply_heard: str, plan: Plan) -> None:
        """A turn is over: `reply_heard` is what the caller heard of the reply, less than planned after an interruption."""
        self._history.turns += 1
        if isinstance(plan, Ask):
            self._history.reply = reply_heard if re.search(r"[.!?]\s*$", reply_heard) else f"{plan.lead} {plan.fallback}".strip()
        elif plan.about is not None or not _is_repeat(said):
            self._history.reply = plan.text
        if plan.about is not None:
            self._history.about = plan.about
        self._history.asked_more = isinstance(plan, Say) and plan.text.rstrip().endswith("?")

    def sayings(self) -> list[str]:
        """What this bot says word for word when it is asked for it, likeliest first: so that its audio can be made ahead."""
        cuts = [cut.replace(UNNAMED, "") for statement in self._index.statements for cut in statement.cuts()]
        facts = [text for cut in cuts for text in dict.fromkeys((cut, *clauses(cut)))]
        told = [fallback(text, verdict) for verdict in (None, True, False) for text in (*self._timetable.statements(), *facts)]
        small = [self._small(kind).text for kind in Talk if kind not in (Talk.REPEAT, Talk.SLOWER)]
        return list(dict.fromkeys((self._unknown, *small, self._timetable.summary(), *told)))

    def vocabulary(self) -> tuple[str, ...]:
        """The bot's own words: names, places, products; what the recogniser can't guess."""
        found = dict.fromkeys(re.findall(r"[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)*", self._name))
        for statement in self._index.statements:
            found.update(dict.fromkeys(re.findall(r"(?<=[a-z,(&] )[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)*", statement.text)))
        rare = [w for s in self._index.statements for w in tokens(s.text) if len(w) > 3 and w.isalpha() and self._index.rare(w)]
        days = {day.lower() for day in DAYS} | {f"{day.lower()}s" for day in DAYS}
        found.update(dict.fromkeys(w for w in rare if w not in days and not any(w in f.lower() for f in found)))
        return tuple(w for w in found if w.lower() not in days)[:MAX_VOCABULARY]

    def _requests(self, text: str) -> list[int | None]:
        parts = questions.sentences_of(text)
        asking = questions.asking_parts(parts)
        if len(asking) < 2:
            return [None]
        # A sentence that names no topic ("Is that right?") only goes with another.
        own = [i for i in asking if questions.analyse(parts[i]).keys or when_of(parts[i])]
        return list(own[-2:]) if len(own) >= 2 else [None]

    def _asked(self, said: str) -> list[_Asked]:
        """The requests in what was said, each with what it leans on."""
        text = generalised(without_openers(_corrected(said)), self._index.knows)
        last, found = self._history.about, []
        for number in self._requests(text):
            question = questions.analyse(text, sentence=number)
            if number is not None:
                question = questions.analyse(question.core)
            elliptical = question.elliptical and last is not None
            if last is not None and elliptical:
                # "And on Friday?" asks what the last question asked.
                question = replace(question, want=last.question.want, yes_no=last.question.yes_no)
            found.append(_Asked(question, Previous(last.question, last.picked) if last is not None else None, elliptical))
        return found

    def _one(self, asked: _Asked, vector: TextVectors | None, reading: Reading | None) -> Plan:
        question, previous, elliptical = asked.question, asked.previous, asked.elliptical
        last = self._history.about
        if self._stranger(question) or only_the_books_know(question) or self._untold_choice(question):
            return Say(self._unknown, about=About(question))
        picked = self._index.pick(question, vector, previous, elliptical=elliptical, reading=reading)
        fact = picked.facts[0] if picked.confident else None
        telling = [key for key in question.keys if self._index.telling(key)]
        when = last.when if last is not None else None
        # "When could I have it back on Tuesday?" names a day and is about no opening hours.
        likely = fact is not None and picked.score >= LIKELY
        told = fact is not None and self._timetable.told_by(fact)
        # "And on Thursdays, till what time?" hangs on hours that were just told.
        hangs = last is not None and last.picked is None and question.leans
        another = likely and not told and not elliptical and not hangs and not self._timetable.asks_for_the_latest(question)
        somebody = self._named(question)
        if somebody and not self._has_days_of(somebody, fact):
            schedule = self._timetable.shut(question, self._today)
            if schedule is None:
                return Say(self._unknown, about=About(question))
        elif another:
            schedule = None
        else:
            schedule = self._timetable.concerns(question, when, fact, telling)
        if schedule is None and likely and fact is not None and told and (question.when or question.want is Want.WHEN):
            # "Closed Mondays, except bank holiday Mondays": on such a day the line says more than the week.
            schedule = self._timetable.main if settled(question, fact.text) is None else None
        if schedule is not None:
            answer = self._timetable.answer(question, schedule, when, self._today)
            return Say(answer.text, about=About(question, None, answer.when))
        if fact is None:
            return Say(self._unknown, about=About(question))
        if picked.second is not None:
            return self._either(question, picked, picked.second)
        return self._found(question, picked, fact, reading)

    def _named(self, question: Question) -> str:
        """Somebody whom the owner names, and whose days are asked for: "Does Aoife work Saturdays?"; empty where there is nobody."""
        asked = _SOMEBODY.search(question.core) or _SAME.search(question.text) if question.when else None
        if asked is None or asked[1] in DAYS or concept(asked[1]) in content(self._name):
            return ""
        person = re.compile(_PERSON.format(name=asked[1]))
        return asked[1] if any(person.search(statement.text) for statement in self._index.statements) else ""

    def _has_days_of(self, name: str, fact: Statement | None) -> bool:
        """Whether a fact tells somebody's days: "Aoife is our stylist. She works Tuesday to Saturday."."""
        if fact is None or not days_in(fact.text):
            return False
        line = [one.text for one in self._index.statements if one.line == fact.line and fact.line >= 0] or [fact.full]
        return any(name.lower() in tokens(text) for text in line)

    def _stranger(self, question: Question) -> bool:
        """Whether it is about somebody whom the owner does not name: "Is Tony in on Wednesday?" is not about the opening hours."""
        asked = _SOMEBODY.search(question.core) or _SAME.search(question.text)
        if asked is None or asked[1] in DAYS or self._index.knows(concept(asked[1])):
            return False
        # The recogniser may have written a name that the owner spells otherwise.
        names = {word for statement in self._index.statements for word in re.findall(r"[A-Z][a-z]+", statement.text)} - {*DAYS}
        return not get_close_matches(asked[1], names, cutoff=0.7)

    def _untold_choice(self, question: Question) -> bool:
        """Whether it asks what others choose, and the owner says of nothing what most do."""
        return asks_what_others_choose(question) and not any(says_what_others_choose(one.text) for one in self._index.statements)

    def _either(self, question: Question, picked: Picked, second: Picked) -> Plan:
        """Two facts that are about as likely: both as they stand, and no yes or no from either."""
        plain_question = replace(question, yes_no=False)
        plans = [self._found(plain_question, one, one.facts[0]) for one in (picked, second)]
        texts = [plan.text if isinstance(plan, Say) else fallback(plan.fact, None) for plan in plans]
        return Say(" ".join(dict.fromkeys(texts)), about=About(question, picked))

    def _found(self, question: Question, picked: Picked, fact: Statement, reading: Reading | None = None) -> Plan:
        """The fact as it stands where its form settles a yes or no or it is a name or number to be given; else in the model's words."""
        about = About(question, picked)
        text = picked.text.replace(UNNAMED, "")
        verdict = self._yes_or_no(question, picked.text, fact, reading)
        if question.yes_no:
            return Say(fallback(polarity.deciding(question, text, self._index.weight), verdict), about=about)
        if question.want in _WORD_FOR_WORD or polarity.negated(text):
            # Of "your money back up to 48 hours before, after that no refund" a small model keeps one half.
            return Say(fallback(text, None), about=about)
        amounts = _AMOUNTS.get(question.want)
        if amounts is not None and (clause := clause_with(picked.text, amounts)) != picked.text:
            return Say(fallback(clause.replace(UNNAMED, ""), None), about=about)
        found = len(amounts.findall(picked.text)) if amounts is not None else 0
        if len(text.split()) <= self._as_written or len(_NUMBER.findall(text)) > 1 or text != picked.text:
            # Of several numbers the model chose the wrong one as often as not; of a short fact it left out for whom or how long.
            return Say(fallback(text, None), about=about)
        asked = _asked(question)
        return Ask(
            messages=(*self.prefix, Message("user", request(text, asked))),
            guard=Guard((text,), asked, sure=picked.score >= SURE or found == 1, amount=amounts if found else None),
            # A model that went astray on an open question was perhaps asked for what the fact does not say.
            fallback=self._unknown if question.want is Want.OTHER and picked.score < SURE else fallback(text, verdict),
            fact=text,
            about=about,
        )

    def _yes_or_no(self, question: Question, text: str, fact: Statement, reading: Reading | None) -> bool | None:
        """What leaves no doubt; else what the form of the fact and the reader say."""
        if (plainly := settled(question, text)) is not None:
            return plainly
        by_form = polarity.verdict(question, text, self._index.weight)
        if reading is None or not question.yes_no:
            return by_form
        if reading.line == self._index.statements.index(fact):
            return weighed(by_form, reading, text.replace(UNNAMED, ""))
        # A reader who points elsewhere has not judged this fact; a yes by its form alone is wrong too often where it denies something.
        return None if by_form and denies(text) else by_form

    def _together(self, plans: list[Plan]) -> Plan:
        """Two requests in one breath: the last one may be worded by the model, the others are said as they stand."""
        *others, final = plans
        lead = " ".join(plan.text if isinstance(plan, Say) else plan.fallback for plan in others)
        if isinstance(final, Say):
            return Say(final.text if final.text in lead else f"{lead} {final.text}", about=final.about)
        return Ask(final.messages, final.guard, final.fallback, lead, final.stop, final.max_tokens, final.fact, final.about)

    def _small(self, kind: Talk) -> Say:
        more = "Is there anything else I can help you with?"
        match kind:
            case Talk.GOODBYE | Talk.DONE:
                return Say(self._goodbye, hang_up=True)
            case Talk.NO:
                return (
                    Say(self._goodbye, hang_up=True)
                    if self._history.asked_more and self._history.turns
                    else Say(f"All right. {more}")
                )
            case Talk.REPEAT:
                return Say(self._history.reply)
            case Talk.SLOWER:
                return Say(slower(self._history.reply))
            case Talk.WHO:
                return Say(f"This is the automated assistant of {self._name}. I can tell you about {self._offers}.")
            case Talk.ROBOT:
                return Say(f"I'm an automated assistant, not a person. I can tell you about {self._offers}.")
            case Talk.PERSON:
                return Say(
                    f"I can't put you through to anybody, I'm sorry, but I can tell you about {self._offers}. What would you like to know?"
                )
            case Talk.ABILITY:
                return Say(f"I can tell you about {self._offers}. What would you like to know?")
            case Talk.THANKS:
                return Say(f"You're welcome. {more}")
            case Talk.YES:
                return Say("Go ahead, please." if self._history.asked_more else more)
            case _:
                return Say(_CANNED[kind])


def _corrected(said: str) -> str:
    """ "No, I meant Friday": "and Friday"."""
    if not re.search(r"\bi (?:meant|mean|said)\b", plain(said)):
        return said
    return re.sub(r"^(?:no|nope|sorry|wait)?[, ]*i (?:meant|mean|said)[, ]+", "and ", plain(said))


_CANNED = {
    Talk.NOTHING: "Sorry, I didn't catch that. Could you say it again?",
    Talk.GREETING: "Hello! How can I help you?",
    Talk.HOW_ARE_YOU: "I'm very well, thank you. How can I help you?",
    Talk.THERE: "Yes, I can hear you. How can I help you?",
    Talk.PREAMBLE: "Of course. What would you like to know?",
    Talk.WAIT: "Of course, take your time.",
    Talk.FORGET: "All right. What else can I do for you?",
    Talk.MISSED: "I'm sorry. Could you put it another way?",
}


def _is_repeat(said: str) -> bool:
    return talk(said) in (Talk.REPEAT, Talk.SLOWER, Talk.NOTHING, Talk.THERE, Talk.WAIT)


def _asked(question: Question) -> str:
    """The question for the model, from the business's side; a question that names no topic in its plainest form."""
    if not question.keys and (short := _PLAINEST.get(question.want)):
        return short
    text = question.core if question.keys or not question.before else question.text
    text = questions.turned(text.strip())
    return text[0].upper() + text[1:] if text else text


_PLAINEST = {Want.PRICE: "How much is it?", Want.LENGTH: "How long does it take?", Want.WHERE: "Where is it?"}


_TERSE = re.compile(r"^(?P<what>[A-Za-z][^£$€\d:,;]*[a-z)]) (?P<value>(?:from )?[£$€]\d+(?:[.,]\d+)*(?: [^,;:]+)?\.)$")
_VERB = re.compile(r"\b(?:is|are|costs?|was|has|have|can|may|for|from|we|you|it|they|charge|pay|takes?|starts?|only|at|of)\b")


def _whole(text: str) -> str:
    """ "Nail clipping £9." as a sentence: "Nail clipping is £9."."""
    match = _TERSE.match(text)
    if match is None or _VERB.search(plain(match["what"])):
        return text
    plural = match["what"].endswith("s") and not match["what"].endswith("ss")
    return f"{match['what']} {'are' if plural else 'is'} {match['value']}"


def fallback(text: str, verdict: bool | None) -> str:
    """The fact itself as a reply, with the yes or no that code could tell."""
    body = _whole(text.strip())
    if verdict is None:
        return body[:1].upper() + body[1:]
    lead = "Yes" if verdict else "No"
    first = body.split(" ", 1)[0]
    # It says so itself; "No step at the door." does not say no.
    if re.match(r"(?i)yes\b|no[,.;]" if verdict else r"(?i)(?:yes|no)\b", body):
        return body
    proper = first.isupper() or first.startswith("I'") or not first[0].isupper()
    return f"{lead}, {body if proper else body[0].lower() + body[1:]}"
