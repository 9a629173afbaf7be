"""What of a model's words is said, and what is said in their place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from pipeline.dialogue import Ask
from pipeline.guard import Guard
from pipeline.jobs import Priority
from pipeline.llm import Generation, LlmFailedError
from pipeline.prompts import Message, request
from pipeline.wording import phrases_of, worded

FACT = "A new chain costs 35 pounds, fitted."
FALLBACK = "I'm sorry, I don't know that. I can take a message."


class Says:
    """A session whose model says these pieces; a None among them is a failure."""

    def __init__(self, *pieces: str | None) -> None:
        self.last = Generation()
        self._pieces = pieces
        self.closed = False

    def prepare(self, messages: Sequence[Message], turn: int) -> None:
        raise NotImplementedError

    async def generate(
        self, messages: Sequence[Message], turn: int, *, priority: Priority, max_tokens: int, stop: Sequence[str] = ()
    ) -> AsyncIterator[str]:
        try:
            for piece in self._pieces:
                if piece is None:
                    raise LlmFailedError("no room")
                yield piece
        finally:
            self.closed = True

    def prioritise(self, priority: Priority) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        (("A new chain", " costs 35", " pounds."), ["A new chain costs 35 pounds."]),
        (("A new chain costs 40 pounds.",), ["I'm sorry, ", "I don't know that. ", "I can take a message."]),
        (("I'm sorry, ", "a chain costs 40 pounds."), ["I'm sorry, ", "I don't know that. ", "I can take a message."]),
        (("A new chain, ", "fitted", None), ["A new chain, ", "I'm sorry, ", "I don't know that. ", "I can take a message."]),
        ((), ["I'm sorry, ", "I don't know that. ", "I can take a message."]),
    ],
    ids=["grounded", "refused", "refused after an opener", "failed", "silent"],
)
def test_what_is_said(pieces: tuple[str | None, ...], said: list[str]) -> None:
    session = Says(*pieces)
    plan = Ask((Message("user", request(FACT, "How much is a chain?")),), Guard((FACT,), "How much is a chain?"), FALLBACK)

    async def phrases() -> list[str]:
        return [phrase async for phrase in worded(session, plan, 1, priority=Priority.BET, max_tokens=40)]

    assert asyncio.run(phrases()) == said
    assert session.closed


def test_a_text_is_cut_where_one_breathes() -> None:
    assert phrases_of(FALLBACK) == ["I'm sorry, ", "I don't know that. ", "I can take a message."]
