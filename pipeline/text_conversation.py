"""A conversation in text: the call's dialogue, model and guard, without ears and voice. For owners who check their bot's answers."""

from __future__ import annotations

from pipeline.dialogue import Ask, Dialogue, Say
from pipeline.engines import Engines
from pipeline.jobs import Priority
from pipeline.planner import Planner
from pipeline.wording import worded


class TextConversation:
    """`say` returns the whole reply as a caller would hear it, and the fact that it was made from."""

    def __init__(self, name: str, engines: Engines, dialogue: Dialogue, max_tokens: int) -> None:
        self._shared = dialogue
        self._max_tokens = max_tokens
        self._session = engines.llm.session(name)
        self._planner = Planner(name, engines, dialogue.fork())
        self._turn = 0

    async def say(self, text: str) -> tuple[str, str]:
        """(reply, fact). Raises what the embedding and the language model raise; where a reading fails, that is logged and the embeddings answer."""
        self._turn += 1
        plan = await self._planner.plan(text, Priority.FIRST_PHRASE, self._turn)
        reply = plan.text if isinstance(plan, Say) else await self._generate(plan)
        self._planner.dialogue.commit(text, reply, plan)
        return reply, plan.fact if isinstance(plan, Ask) else ""

    async def _generate(self, plan: Ask) -> str:
        phrases = worded(self._session, plan, self._turn, priority=Priority.FIRST_PHRASE, max_tokens=self._max_tokens)
        return " ".join([plan.lead, *[phrase.strip() async for phrase in phrases]]).strip()

    def forget(self) -> None:
        """As if somebody else had called."""
        self._planner.dialogue = self._shared.fork()

    def close(self) -> None:
        """Give the model's sequence back."""
        self._session.close()
