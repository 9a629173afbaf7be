"""A call's conversation: what is said outright, what the model is asked, and what becomes history."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest.mock import ANY

import numpy as np
import pytest
from fixtures_models import product_settings  # noqa: F401 - fixture
from hypothesis import given
from hypothesis import strategies as st

from config.models import resolve
from config.settings import Settings
from pipeline.dialogue import Ask, Dialogue, Plan, Say
from pipeline.embedding import Embedder
from pipeline.likeness import TextVectors
from pipeline.picking import trained
from pipeline.reading import Reading
from pipeline.words import content

BOT = tomllib.loads((Path(__file__).parents[1] / "fixtures/facts/tune-a.toml").read_text("utf-8"))
UNKNOWN = "I don't know that. I can tell you about our prices."
GOODBYE = "Goodbye."


def bag(texts: Sequence[str]) -> list[TextVectors]:
    """Vectors without a model: a bag of concepts, hashed."""
    each = [np.array([sum(map(ord, key)) % 768 for key in content(text)] or [0]) for text in texts]
    wholes = np.stack([np.bincount(keys, minlength=768) for keys in each]).astype(np.float32)
    wholes /= np.linalg.norm(wholes, axis=1, keepdims=True)
    return [TextVectors(whole, np.eye(768, dtype=np.float32)[keys]) for whole, keys in zip(wholes, each, strict=True)]


def made(embed: Callable[[Sequence[str]], list[TextVectors]] = bag, today: dt.date | None = None) -> Dialogue:
    return Dialogue(BOT["name"], BOT["greeting"], BOT["instructions"], UNKNOWN, GOODBYE, embed, today, as_written=0)


def plan(dialogue: Dialogue, said: str, embed: Callable[[Sequence[str]], list[TextVectors]] = bag) -> Plan:
    return dialogue.respond(said, embed(queries) if (queries := dialogue.queries(said)) else None)


def turn(dialogue: Dialogue, said: str, embed: Callable[[Sequence[str]], list[TextVectors]] = bag) -> str:
    """A whole turn; what the model would say is taken to be the fact itself."""
    planned = plan(dialogue, said, embed)
    reply = planned.text if isinstance(planned, Say) else f"{planned.lead} {planned.fallback}".strip()
    dialogue.commit(said, reply, planned)
    return reply


PEOPLE = """Open Monday to Saturday 9 to 5.
Tess cuts hair and Imani does nails.
Imani works on Thursdays and Fridays.
Botox costs 150 pounds.
We are in Mill Lane."""


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("Is Tess in on Saturdays?", UNKNOWN),
        ("Is Tess in on Sunday?", "No, on Sunday we are closed."),
        ("We had Imani last time, is she working on Thursday?", "Yes, Imani works on Thursdays and Fridays."),
        ("Are you in on Saturdays?", "Yes, on Saturday we are open from 9 am to 5 pm."),
        ("Can Bella have her nails done?", "Tess cuts hair and Imani does nails."),
        ("Is Botox available on Saturdays?", "Botox costs 150 pounds. Open Monday to Saturday 9 to 5."),
    ],
)
def test_the_opening_hours_do_not_say_when_somebody_is_in(said: str, reply: str) -> None:
    assert turn(Dialogue("Hair", "Hello.", PEOPLE, UNKNOWN, GOODBYE, bag), said).lower() == reply.lower()


def test_a_price_is_asked_of_the_model_with_one_fact() -> None:
    dialogue = made()
    planned = plan(dialogue, "How much is a full groom for a large dog?")
    assert isinstance(planned, Ask)
    assert planned.messages[:-1] == dialogue.prefix
    assert (
        planned.messages[-1].content
        == "Fact: Full groom (bath, dry, cut, nails, ears): large £60.\nQuestion: How much is a full groom for a large dog?"
    )
    assert planned.guard.check("A full groom is £60.")
    assert not planned.guard.check("A full groom is £46.")
    assert planned.fallback == planned.fact == "Full groom (bath, dry, cut, nails, ears): large £60."


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("Are you open on Sunday?", "No, on Sunday we are closed."),
        ("Do you groom cats?", "No, we don't groom cats or rabbits."),
        ("Can I pay by bank transfer?", "No, cash or card, no bank transfers."),
        ("Can I pay by card?", "Yes, cash or card, no bank transfers."),
        ("What's your phone number?", "Our phone number is 01632 960 133."),
        ("Do you groom cats? And are you open on Monday?", "No, we don't groom cats or rabbits. No, on Monday we are closed."),
    ],
)
def test_what_code_can_tell_is_said_outright(said: str, reply: str) -> None:
    assert plan(made(), said) == Say(reply, about=plan(made(), said).about)


def test_two_requests_the_second_for_the_model() -> None:
    planned = plan(made(), "Are you open on Monday and how much is a full groom for a large dog?")
    assert isinstance(planned, Ask)
    assert planned.lead == "No, on Monday we are closed."
    assert planned.fact.startswith("Full groom (bath, dry, cut, nails, ears): large £60")


def test_a_short_fact_and_one_with_several_numbers_are_said_as_they_stand() -> None:
    dialogue = Dialogue(BOT["name"], BOT["greeting"], BOT["instructions"], UNKNOWN, GOODBYE, bag)
    assert plan(dialogue, "How much is the flea bath?") == Say("Flea bath is £12 on top.", about=ANY)
    assert isinstance(plan(made(), "How old does a puppy have to be?"), Say)


@pytest.mark.parametrize(
    ("fact", "said", "reply"),
    [
        ("A new chain costs 35 pounds, fitted.", "How much is a new chain?", "A new chain costs 35 pounds."),
        ("A full service costs 90 pounds and takes three days.", "How long is a full service?", "A full service takes three days."),
        ("Haircuts: ladies £30, men £18.", "How much is a haircut for men?", "Haircuts: men £18."),
    ],
    ids=["one facet", "one clause", "one entry"],
)
def test_what_is_cut_out_of_a_fact_is_among_what_is_made_ahead(fact: str, said: str, reply: str) -> None:
    dialogue = Dialogue(BOT["name"], BOT["greeting"], f"{fact} We are at 3 Mill Lane.", UNKNOWN, GOODBYE, bag)
    answer = plan(dialogue, said)
    assert isinstance(answer, Say)
    assert answer.text == reply
    assert reply in dialogue.sayings()


def test_a_fact_that_begins_with_no_is_not_heard_as_a_no() -> None:
    dialogue = Dialogue(
        "Shop", "Hello.", "No step at the door, wheelchairs come straight in.\nWe are in Mill Lane.", UNKNOWN, GOODBYE, bag
    )
    said = "My husband is in a wheelchair, can he come in at the door?"
    reading = Reading(2.0, np.log(np.array([0.9, 0.05, 0.05], np.float32)), (0.45, 0.35, 0.2))
    planned = dialogue.respond(said, bag(dialogue.queries(said)), reading)
    assert planned == Say("Yes, no step at the door, wheelchairs come straight in.", about=ANY)


def test_what_is_asked_for_and_not_there_gets_no_yes() -> None:
    dialogue = Dialogue("Store", "Hello.", "No security deposit on units.\nWe are in Mill Lane.", UNKNOWN, GOODBYE, bag)
    said = "Is there a security deposit on the unit?"
    reading = Reading(2.0, np.log(np.array([0.9, 0.05, 0.05], np.float32)), (0.99, 0.005, 0.005))
    assert dialogue.respond(said, bag(dialogue.queries(said)), reading) == Say("No security deposit on units.", about=ANY)


def test_a_denial_gets_no_yes_by_the_reader_alone() -> None:
    dialogue = Dialogue("Store", "Hello.", "Don't stock turtles or terrapins.\nWe are in Mill Lane.", UNKNOWN, GOODBYE, bag)
    said = "Would I find a terrapin with you?"
    reading = Reading(2.0, np.log(np.array([0.9, 0.05, 0.05], np.float32)), (0.9, 0.05, 0.05))
    planned = dialogue.respond(said, bag(dialogue.queries(said)), reading)
    assert isinstance(planned, Say)
    assert not planned.text.startswith("Yes")


def test_only_the_books_know_whether_it_is_ready() -> None:
    dialogue = Dialogue("Press", "Hello.", "Coats are ready in three days.\nWe are in Mill Lane.", UNKNOWN, GOODBYE, bag)
    assert turn(dialogue, "I brought a coat in. Is it ready yet?") == UNKNOWN
    assert "three days" in turn(dialogue, "When are coats ready?")


@pytest.mark.models
def test_follow_ups(embedder: Embedder) -> None:
    dialogue = made(embedder.embed)
    assert "£46" in turn(dialogue, "How much is a full groom for a medium dog?", embedder.embed)
    assert "two hours" in turn(dialogue, "And how long does it take?", embedder.embed)
    assert "£38" in turn(dialogue, "How much is a full groom for a small one?", embedder.embed)
    turn(dialogue, "Are you open on Monday?", embedder.embed)
    assert turn(dialogue, "And on Friday?", embedder.embed) == "Yes, on Friday we are open from 9 am to 5 pm."
    assert turn(dialogue, "no, I meant Saturday", embedder.embed) == "Yes, on Saturday we are open from 8:30 am to 1 pm."


def test_respond_changes_nothing() -> None:
    dialogue = made()
    turn(dialogue, "Are you open on Monday?")
    before = plan(dialogue, "And on Friday?")
    plan(dialogue, "How much is a flea bath?")
    assert plan(dialogue, "And on Friday?") == before


def test_small_talk_needs_no_vector() -> None:
    dialogue = made()
    assert dialogue.queries("Hello, how are you?") == ()
    assert dialogue.queries("Hi, how much is a flea bath?") == ("how much is a flea bath?",)
    two = "Could you brush his teeth? And are you open on Monday?"
    assert dialogue.queries(two) == ("Could you brush his teeth?", "And are you open on Monday?")


@pytest.mark.parametrize(
    ("said", "hang_up"),
    [
        ("Thanks, bye!", True),
        ("no, that's all", True),
        ("Thank you very much.", False),
        ("Hello?", False),
        ("Are you a robot?", False),
    ],
)
def test_who_hangs_up(said: str, hang_up: bool) -> None:
    planned = plan(made(), said)
    assert isinstance(planned, Say)
    assert planned.hang_up is hang_up


def test_no_after_an_offer_of_more_help_ends_the_call() -> None:
    dialogue = made()
    assert plan(dialogue, "No.") != Say(GOODBYE, hang_up=True)
    turn(dialogue, "Thank you.")
    assert plan(dialogue, "No.") == Say(GOODBYE, hang_up=True)


def test_pardon_repeats_the_last_reply_slower_if_asked() -> None:
    dialogue = made()
    assert turn(dialogue, "Pardon?") == BOT["greeting"]
    turn(dialogue, "What's your phone number?")
    assert turn(dialogue, "Sorry, could you say that again?") == "Our phone number is 01632 960 133."
    slow = turn(dialogue, "Can you say that again slower?")
    assert "zero, one, six, three, two" in slow
    assert turn(dialogue, "Pardon?") == slow or turn(dialogue, "Pardon?") == "Our phone number is 01632 960 133."


def test_an_interrupted_reply_is_repeated_whole() -> None:
    dialogue = made()
    said = "How much is a flea bath?"
    dialogue.commit(said, "A flea bath", plan(dialogue, said))
    assert plan(dialogue, "Pardon?") == Say("Flea bath is £12 on top.")


def test_what_it_can_do_is_offered() -> None:
    offer = plan(made(), "Can I talk to a person?")
    assert isinstance(offer, Say)
    assert "our opening hours, prices and where to find us" in offer.text


def test_calls_share_what_was_read_but_not_their_history() -> None:
    first = made()
    second = first.fork(dt.date(2025, 6, 15))
    turn(first, "Are you open on Monday?")
    assert turn(second, "Are you open today?") == "No, today, on Sunday we are closed."
    assert turn(first, "And on Friday?") == "Yes, on Friday we are open from 9 am to 5 pm."
    assert first.prefix is second.prefix


def test_the_vocabulary_is_the_bot_s_own() -> None:
    words = made().vocabulary()
    assert {"Willow Lane Dog Grooming", "Bridget", "Sam", "Westie", "Pennick"} <= set(words)
    assert len(words) <= 60
    assert "Monday" not in words


@given(st.lists(st.text(max_size=60) | st.sampled_from(["and on Friday?", "how much", "no", "bye", "what about it"]), max_size=4))
def test_anything_said_gets_a_reply(sentences: list[str]) -> None:
    dialogue = SHARED.fork()
    for said in sentences:
        assert turn(dialogue, said)


SHARED = made()


@pytest.fixture(scope="module")
def embedder(product_settings: Settings) -> Embedder:  # noqa: F811
    return Embedder(resolve("mpnet-base-v2", product_settings.models_dir), trained().deltas)


@pytest.mark.models
@pytest.mark.parametrize(
    "said", ["Do you sell gift vouchers?", "Who won the football last night?", "Have you got a swimming pool?"]
)
def test_what_the_text_does_not_say_is_not_known(embedder: Embedder, said: str) -> None:
    assert turn(made(embedder.embed), said, embedder.embed) == UNKNOWN


@pytest.mark.models
def test_a_follow_up_does_not_hang_on_the_last_fact_where_another_is_likelier(embedder: Embedder) -> None:
    text = "MOT for a car £45, takes about an hour.\nThe re-test is free within 10 working days.\nNo cheques.\nYou pay when you pick it up."
    dialogue = Dialogue("Garage", "Hello.", text, UNKNOWN, GOODBYE, embedder.embed)
    said = "How much do you do an MOT for?"
    dialogue.commit(said, "£45.", plan(dialogue, said, embedder.embed))
    assert "free" in turn(dialogue, "And if it doesn't get through, do I pay all over again?", embedder.embed)


@pytest.mark.models
def test_each_of_two_requests_finds_its_own_fact(embedder: Embedder) -> None:
    brushed, shut = "No, we don't clean teeth.", "No, on Monday we are closed."
    first = "Could you brush his teeth? And are you open on Monday?"
    assert turn(made(embedder.embed), first, embedder.embed) == f"{brushed} {shut}"
    assert turn(made(embedder.embed), "Are you open on Monday? And do you clean teeth?", embedder.embed) == f"{shut} {brushed}"


@pytest.mark.models
def test_two_facts_that_are_as_likely_are_said_without_yes_or_no(embedder: Embedder) -> None:
    text = "Shirts are washed for £3.\nShirts are ironed for £2.\nOpen daily.\nNo cheques.\nParking behind the shop."
    dialogue = Dialogue("Press", "Hello.", text, UNKNOWN, GOODBYE, embedder.embed)
    reply = turn(dialogue, "What do you charge for shirts?", embedder.embed)
    assert "£3" in reply
    assert "£2" in reply


@pytest.mark.models
def test_a_day_in_a_question_about_something_else_is_not_answered_with_the_hours(embedder: Embedder) -> None:
    text = "Open Monday to Friday 9 am to 5 pm.\nA service wash is ready the next day, after 3 pm.\nNo cheques.\nParking behind the shop."
    dialogue = Dialogue("Press", "Hello.", text, UNKNOWN, GOODBYE, embedder.embed)
    assert "next day" in turn(dialogue, "If I leave a service wash on Tuesday, when is it ready?", embedder.embed)
    assert turn(dialogue, "I can't be there till half past five on Tuesday. Would that still work?", embedder.embed).startswith(
        "No"
    )


BARBER = """Tuesday, Wednesday and Friday we are open 9 am to 6 pm. Thursday 9 am to 8 pm.
Saturday 8 am to 4 pm. Closed Sunday and Monday.
Men's haircut £18. Boys under 12 £13.
Over 65s pay £14, Tuesdays and Wednesdays only.
Beard trim £10, or £25 for a haircut and beard together.
Frank is the owner. Norman does the beards.
You can't park on Castle Street. Use the Market car park behind us, the first hour is free."""


@pytest.mark.models
@pytest.mark.parametrize(
    ("turns", "has"),
    [
        (["Is there any evening I'd still catch you?"], "latest on Thursday, until 8 pm"),
        (["Do you have a late night?"], "latest on Thursday, until 8 pm"),
        (["What does it come to if I have my head and my beard both done?"], "£25"),
        (["How much is a beard trim?"], "£10"),
        (["Where's the best spot to leave the car?", "And would I have to pay there?"], "first hour is free"),
    ],
)
def test_what_callers_of_a_barber_ask(embedder: Embedder, turns: list[str], has: str) -> None:
    dialogue = Dialogue("Norris", "Hello.", BARBER, UNKNOWN, GOODBYE, embedder.embed)
    assert has in [turn(dialogue, said, embedder.embed) for said in turns][-1]


@pytest.mark.models
def test_of_somebody_whom_the_text_does_not_name_nothing_is_known(embedder: Embedder) -> None:
    dialogue = Dialogue("Norris", "Hello.", BARBER, UNKNOWN, GOODBYE, embedder.embed)
    assert turn(dialogue, "Is Tony cutting this Wednesday?", embedder.embed) == UNKNOWN
    assert turn(dialogue, "I saw Tony last time, is he working this Saturday?", embedder.embed) == UNKNOWN
    assert turn(dialogue, "Is Norma in on Wednesday?", embedder.embed) != UNKNOWN  # Norman, by a recogniser
    assert turn(dialogue, "Is Sunday free?", embedder.embed) != UNKNOWN


@pytest.mark.models
@pytest.mark.parametrize("name", ["tune-a", "tune-b"])
def test_every_question_of_the_tuning_bots_finds_its_fact(embedder: Embedder, name: str) -> None:
    bot = tomllib.loads((Path(__file__).parents[1] / f"fixtures/facts/{name}.toml").read_text("utf-8"))
    dialogue = Dialogue(bot["name"], bot["greeting"], bot["instructions"], UNKNOWN, GOODBYE, embedder.embed)
    for question in bot["questions"]:
        reply = turn(dialogue, question["ask"], embedder.embed)
        assert all(re.search(e, reply, re.IGNORECASE) for e in question["expect"]), (question["ask"], reply)
        assert not any(re.search(r, reply, re.IGNORECASE) for r in question["reject"]), (question["ask"], reply)
