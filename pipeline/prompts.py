"""What the model is shown: one prefix for every call of a bot, then one fact and one question. Measured in docs/grounding.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation, in the roles that chat templates know."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Example:
    """One worked example: a fact, a question, and the answer as it should be."""

    fact: str
    question: str
    answer: str


EXAMPLES = (
    Example("No. We do not repair umbrellas.", "Could we mend your umbrella?", "No, we do not repair umbrellas."),
    Example("Key cutting: house key 6 pounds.", "What do we take for a house key?", "A house key is 6 pounds."),
    Example(
        "Yes. Dogs are allowed if they are on a lead.",
        "You have a small dog, may you bring her?",
        "Yes, dogs are allowed if they are on a lead.",
    ),
    Example("Engraving takes about 15 minutes, you can wait.", "And how long do we need for that?", "It takes about 15 minutes."),
    Example("Heels: new ones in an hour.", "What colour are the heels?", "I don't know that, I'm sorry."),
)

PERSONA = "You answer the phone for {name}. Answer the question in one short sentence, only from the fact."


def prefix(bot_name: str) -> tuple[Message, ...]:
    """Persona and worked examples: the same in every call, so prefilled once and shared."""
    messages = [Message("system", PERSONA.format(name=bot_name))]
    for example in EXAMPLES:
        messages += [Message("user", request(example.fact, example.question)), Message("assistant", example.answer)]
    return tuple(messages)


def request(fact: str, question: str) -> str:
    """The one message that is new in a turn; the fact first, because it may be known before the question's last word."""
    return f"Fact: {fact}\nQuestion: {question}"
