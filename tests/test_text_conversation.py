"""A conversation in text: the dialogue and the guard of a call, with fake_leg's model."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from fake_leg import Meaning, Mind, as_engines

from pipeline.dialogue import Dialogue
from pipeline.llm import LlamaLlm
from pipeline.scheduler import Scheduler
from pipeline.text_conversation import TextConversation

FACTS = "We are open Tuesday to Friday from 9 am to 6 pm. A full service costs 90 pounds with a wash and a long test ride. We do not rent out bikes."


def converse(script: Callable[[TextConversation], Awaitable[None]], mind: Mind | None = None) -> None:
    mind, embed = mind or Mind(), Meaning()

    async def main() -> None:
        async with Scheduler(2, [mind, embed], time.monotonic_ns) as scheduler:
            llm = LlamaLlm(mind, scheduler, 16)
            dialogue = Dialogue("Spoke and Chain", "Hello.", FACTS, "I don't know that.", "Goodbye.", embed.embed, as_written=0)
            await llm.share(dialogue.prefix)
            conversation = TextConversation(
                "check", as_engines(scheduler=scheduler, embed=embed, llm=llm, reader=None), dialogue, 40
            )
            await script(conversation)
            conversation.close()
            await asyncio.gather(*llm._tasks)
            assert len(llm.planner) == 1

    asyncio.run(main())


def test_a_question_is_answered_and_the_fact_is_named() -> None:
    async def script(conversation: TextConversation) -> None:
        reply, fact = await conversation.say("How much is a full service?")
        assert "90" in reply
        assert "90" in fact

    converse(script)


def test_hours_need_no_model() -> None:
    async def script(conversation: TextConversation) -> None:
        reply, fact = await conversation.say("Are you open on Monday?")
        assert reply.startswith("No")
        assert fact == ""

    converse(script)


def test_a_follow_up_hangs_on_the_turn_before_until_it_is_forgotten() -> None:
    async def script(conversation: TextConversation) -> None:
        await conversation.say("Are you open on Monday?")
        follow_up, _ = await conversation.say("And on Tuesday?")
        assert follow_up.startswith("Yes")
        conversation.forget()
        repeated, _ = await conversation.say("Can you say that again?")
        assert repeated == "Hello."

    converse(script)


def test_an_invented_price_is_not_said() -> None:
    class Liar(Mind):
        def _next(self, cells: list[int]) -> int:
            said = b"".join(self.vocabulary.piece(t) for t in cells).decode().rsplit("assistant\n", 1)[1]
            lie = self.vocabulary.tokens("It is 12 pounds.")
            at = len(self.vocabulary.tokens(said))
            return lie[at] if at < len(lie) else 0

    async def script(conversation: TextConversation) -> None:
        reply, _ = await conversation.say("How much is a full service?")
        assert "12" not in reply
        assert "90" in reply

    converse(script, Liar())
