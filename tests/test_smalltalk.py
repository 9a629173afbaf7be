"""Small talk is told from questions, and what leads up to a question is taken off."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.smalltalk import Talk, talk, without_openers


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("", Talk.NOTHING),
        ("um", Talk.NOTHING),
        ("Hello?", Talk.GREETING),
        ("Hi, how are you?", Talk.HOW_ARE_YOU),
        ("Thanks very much.", Talk.THANKS),
        ("Great, thank you.", Talk.THANKS),
        ("Okay, bye bye.", Talk.GOODBYE),
        ("Thank you, goodbye!", Talk.GOODBYE),
        ("No, that's all, thanks.", Talk.DONE),
        ("no thank you", Talk.DONE),
        ("Pardon?", Talk.REPEAT),
        ("Sorry, could you say that again?", Talk.REPEAT),
        ("I didn't catch that", Talk.REPEAT),
        ("Can you say that again slower please?", Talk.SLOWER),
        ("Who am I talking to?", Talk.WHO),
        ("Are you a robot?", Talk.ROBOT),
        ("Am I speaking to a real person?", Talk.ROBOT),
        ("sorry, can I talk to a person?", Talk.PERSON),
        ("What can you do?", Talk.ABILITY),
        ("Hello, can you hear me?", Talk.THERE),
        ("I have a question.", Talk.PREAMBLE),
        ("sorry, can I ask something else?", Talk.PREAMBLE),
        ("hang on a second", Talk.WAIT),
        ("actually, forget that", Talk.FORGET),
        ("no, that's not what I asked", Talk.MISSED),
        ("No.", Talk.NO),
        ("mhm", Talk.YES),
        ("ah, okay", Talk.YES),
    ],
)
def test_small_talk(said: str, kind: Talk) -> None:
    assert talk(said) is kind


@pytest.mark.parametrize(
    "said",
    [
        "Hi, could I bring my dog round this Monday?",
        "Thanks, and how much is a bath?",
        "wait, how much is that?",
        "hold on, which day was that?",
        "Do I need to speak to you first to book?",
        "Can you tell me when you open?",
        "no, I meant Saturday",
        "What do you charge?",
        "just the price, please",
        "How are your prices?",
    ],
)
def test_questions_are_none(said: str) -> None:
    assert talk(said) is None


@pytest.mark.parametrize(
    ("said", "rest"),
    [
        ("Hi, thanks, could you tell me when you open?", "when you open?"),
        ("wait, how much is that?", "how much is that?"),
        ("Do you do cats?", "Do you do cats?"),
        ("Hello?", "Hello?"),
    ],
)
def test_openers_are_taken_off(said: str, rest: str) -> None:
    assert without_openers(said) == rest


@given(st.text(st.sampled_from("okay yes no thanks, um. so well ?!"), max_size=200))
def test_no_input_takes_long(said: str) -> None:
    talk(said)
    without_openers(said)


@pytest.mark.parametrize(
    "said",
    [
        "Does he need a letter before he comes in to see you?",
        "Can I pay, bye?",
        "Do you take care of old bikes?",
        "When can I see you tomorrow?",
    ],
)
def test_nobody_is_hung_up_on_for_a_question(said: str) -> None:
    assert talk(said) is not Talk.GOODBYE


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Is there anyone there on a Sunday?", None),
        ("Is there anyone I can talk to over the phone?", Talk.PERSON),
        ("Is there anybody there at the moment?", Talk.PERSON),
        ("Have I got to book?", None),
        ("Have I got the vet's?", Talk.WHO),
        ("Have I reached A Cut Above?", Talk.WHO),
    ],
)
def test_who_is_there_and_when_and_what_one_has_got(said: str, kind: Talk | None) -> None:
    assert talk(said) is kind
