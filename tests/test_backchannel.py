"""Who takes the floor, who only listens, and whose voice is the bot's own."""

from __future__ import annotations

import pytest

from pipeline.backchannel import is_echo, takes_the_floor, words_of

BOT = "We are open from Tuesday to Friday, from nine to six, and on Saturday until four."


@pytest.mark.parametrize(
    "text",
    ["", "...", "Mm-hmm.", "mhm", "Mmm.", "Hmm", "Uh-huh.", "Yeah.", "Okay, okay.", "I see.", "all right", "oh, great", "Hm mm"],
)
def test_a_hum_leaves_the_floor_to_the_bot(text: str) -> None:
    assert not takes_the_floor(text, BOT)


@pytest.mark.parametrize(
    "text",
    [
        "No.",
        "Stop",
        "wait",
        "no I meant Sunday",
        "yeah but what about Sunday",
        "okay okay okay okay",
        "how much is it",
        "What?",
        "excuse me",
    ],
)
def test_words_take_it(text: str) -> None:
    assert takes_the_floor(text, BOT)


@pytest.mark.parametrize("text", ["open from Tuesday to Friday", "from nine to six and on Saturday", "tuesday friday from nine to"])
def test_the_bots_own_words_do_not(text: str) -> None:
    assert not takes_the_floor(text, BOT)


def test_a_question_in_the_bots_words_is_not_its_echo() -> None:
    assert takes_the_floor("are you open on Saturday until five", BOT)


def test_an_echo_needs_three_words() -> None:
    assert not is_echo(["on", "saturday"], words_of(BOT))
    assert is_echo(["on", "saturday", "until"], words_of(BOT))
    assert not is_echo(["on", "saturday", "until"], [])


def test_words_lose_their_punctuation() -> None:
    assert words_of("Uh-huh, it’s 9 o'clock!") == ["uhhuh", "it's", "9", "o'clock"]


def test_what_the_recogniser_made_of_a_hum_is_a_hum() -> None:
    assert not takes_the_floor("Chain.", confidence=0.15)
    assert takes_the_floor("Stop.", confidence=0.5)
    assert takes_the_floor("What about the chain?", confidence=0.2)
