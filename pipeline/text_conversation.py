"""A conversation in text: the call's dialogue, model and guard, without ears and voice. For owners who check their bot's answers."""

from __future__ import annotations

from pipeline.dialogue import Ask, Dialogue, Say
from pipeline.engines import Engines
from pipeline.jobs import Priority, Work
from pipeline.turn_reader import TurnReader
from pipeline.wording import worded


class TextConversation:
    """`say` returns the whole reply as a caller would hear it, and the fact that it was made from."""

    def __init__(self, name: str, engines: Engines, dialogue: Dialogue, max_tokens: int) -> None:
        self._name = name
        self._engines = engines
        self._shared = dialogue
        self._dialogue = dialogue.fork()
        self._max_tokens = max_tokens
        self._session = engines.llm.session(name)
        reader = engines.reader
        self._reader = None if reader is None else TurnReader(name, reader, engines.scheduler, lambda: self._dialogue.before())
        self._turn = 0

    async def say(self, text: str) -> tuple[str, str]:
        """(reply, fact). Raises what the engines raise."""
        self._turn += 1
        vectors = reading = None
        if queries := self._dialogue.queries(text):
            work = Work("embed", Priority.FIRST_PHRASE, (self._name, self._turn))
            vectors = (await self._engines.scheduler.run(self._engines.embed, work, queries)).value
            if self._reader is not None:
                reading = (await self._reader.read(text, Priority.FIRST_PHRASE, self._turn)).value
        plan = self._dialogue.respond(text, vectors, reading)
        reply = plan.text if isinstance(plan, Say) else await self._generate(plan)
        self._dialogue.commit(text, reply, plan)
        return reply, plan.fact if isinstance(plan, Ask) else ""

    async def _generate(self, plan: Ask) -> str:
        phrases = worded(self._session, plan, self._turn, priority=Priority.FIRST_PHRASE, max_tokens=self._max_tokens)
        return " ".join([plan.lead, *[phrase.strip() async for phrase in phrases]]).strip()

    def forget(self) -> None:
        """As if somebody else had called."""
        self._dialogue = self._shared.fork()

    def close(self) -> None:
        """Give the model's sequence back."""
        self._session.close()
