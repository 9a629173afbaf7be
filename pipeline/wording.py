"""A plan put into words: the model's phrases as they come, each checked against the facts, the fallback where they don't hold."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator

import structlog

from pipeline.dialogue import Ask
from pipeline.jobs import Priority
from pipeline.llm import LlmFailedError, LlmSession
from pipeline.phrases import Phraser
from pipeline.words import plain

log = structlog.get_logger()


def phrases_of(text: str) -> list[str]:
    """A whole text cut into phrases."""
    phraser = Phraser()
    return [*phraser.feed(text), *phraser.close()]


async def worded(session: LlmSession, plan: Ask, turn: int, *, priority: Priority, max_tokens: int) -> AsyncGenerator[str, None]:
    """The reply's phrases, without `plan.lead`. Close the iterator to cancel; nothing is computed after the running step.

    From the first phrase that `plan.guard` refuses on, and when the model fails, it is `plan.fallback`, less what of it was said already.
    """
    said: set[str] = set()
    try:
        async with contextlib.aclosing(_checked(session, plan, turn, priority, min(plan.max_tokens, max_tokens))) as checked:
            async for phrase in checked:
                said.add(plain(phrase))
                yield phrase
        if said:
            return
    except RefusedError:
        log.info("phrase_refused", turn=turn)
    except LlmFailedError as e:
        log.warning("llm_failed", turn=turn, error=str(e))
    for phrase in phrases_of(plan.fallback):
        if plain(phrase) not in said:
            yield phrase


class RefusedError(Exception):
    """The facts do not bear a phrase out."""


async def _checked(session: LlmSession, plan: Ask, turn: int, priority: Priority, max_tokens: int) -> AsyncGenerator[str, None]:
    phraser = Phraser()
    tokens = session.generate(plan.messages, turn, priority=priority, max_tokens=max_tokens, stop=plan.stop)
    async with contextlib.aclosing(tokens):  # type: ignore[type-var]
        async for piece in tokens:
            for phrase in phraser.feed(piece):
                yield _grounded(plan, phrase)
    for phrase in phraser.close():
        yield _grounded(plan, phrase)


def _grounded(plan: Ask, phrase: str) -> str:
    if not plan.guard.check(phrase):
        raise RefusedError
    return phrase
