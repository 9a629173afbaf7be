"""What the stages are given to work on: what recorded callers say, and what the bot would answer."""

from __future__ import annotations

from dataclasses import dataclass

from config.bot import Bot
from pipeline.leg import Pcm
from pipeline.prompts import Message, prefix, request
from pipeline.spoken import spoken
from pipeline.wording import phrases_of
from telephony.caller.fixture import load_fixture
from telephony.caller.script import Say

RATE_HZ = 8000


@dataclass(frozen=True, slots=True)
class Utterance:
    """One thing that a recorded caller says: int16 mono at 8 kHz, and its words."""

    pcm: Pcm
    text: str


def utterances(fixture: str = "default") -> list[Utterance]:
    """What is said in a recorded call."""
    return [Utterance(step.pcm, step.text) for step in load_fixture(fixture).steps if isinstance(step, Say)]


def phrases(bot: Bot) -> list[str]:
    """The owner's statements as the synthesiser gets them."""
    return [spoken(phrase) for line in bot.instructions.splitlines() for phrase in phrases_of(line)]


def shared(bot: Bot) -> tuple[Message, ...]:
    """What all prompts of this bot begin with."""
    return prefix(bot.name)


def prompts(bot: Bot) -> list[tuple[Message, ...]]:
    """Prompts as a call has them: what is shared, one statement of the owner's and one question of a caller's."""
    facts = [line.strip() for line in bot.instructions.splitlines() if line.strip()]
    asked = utterances()
    return [(*shared(bot), Message("user", request(fact, asked[i % len(asked)].text))) for i, fact in enumerate(facts)]
