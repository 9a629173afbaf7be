"""Sessions with the language model: prompts in, words out, and the model's place in the cache kept. The model is fake_leg's."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence

import pytest
from fake_leg import Mind

from pipeline.jobs import Priority
from pipeline.llm import ChatTemplate, LlamaLlm, LlamaSession, LlmFailedError
from pipeline.llm_batch import OutOfSequencesError
from pipeline.prompts import Message, prefix, request
from pipeline.scheduler import Scheduler

PREFIX = prefix("Spoke and Chain")


def about(fact: str) -> tuple[Message, ...]:
    return (*PREFIX, Message("user", request(fact, "Is it so?")))


def with_llm(script: Callable[[LlamaLlm], Awaitable[None]], mind: Mind | None = None, share: bool = True) -> Mind:
    mind = mind or Mind()

    async def main() -> None:
        async with Scheduler(2, [mind], time.monotonic_ns) as scheduler:
            llm = LlamaLlm(mind, scheduler, 16)
            if share:
                await llm.share(PREFIX)
            await script(llm)
            await asyncio.gather(*llm._tasks)

    asyncio.run(main())
    return mind


async def words(session: LlamaSession, fact: str, max_tokens: int = 40, stop: Sequence[str] = ()) -> list[str]:
    reply = session.generate(about(fact), 1, priority=Priority.BET, max_tokens=max_tokens, stop=stop)
    return [piece async for piece in reply]


def test_a_reply_comes_word_by_word_and_only_what_is_new_is_computed() -> None:
    async def script(llm: LlamaLlm) -> None:
        session = llm.session("CA1")
        assert await words(session, "We are open.") == ["We", " are", " open", "."]
        assert session.last.sampled == 5
        assert session.last.prefilled < 50 < len(llm.tokens(llm.template.render(PREFIX, reply=False)))
        assert session.last.started_ns <= session.last.first_ns <= session.last.last_ns
        session.close()

    with_llm(script)


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        ("We open. Question: no", "We open. "),
        ("Question: no", ""),
        ("A Quest and a Question: no", "A Quest and a "),
        ("It is in Question", "It is in Question"),
    ],
)
def test_a_reply_ends_before_its_stop_and_no_part_of_it_slips_out(fact: str, expected: str) -> None:
    async def script(llm: LlamaLlm) -> None:
        session = llm.session("CA1")
        assert "".join(await words(session, fact, stop=("\n", "Question:", "Fact:"))) == expected
        assert await words(session, "Yes.") == ["Yes", "."]  # and the session goes on
        session.close()

    with_llm(script)


def test_a_reply_is_bounded() -> None:
    async def script(llm: LlamaLlm) -> None:
        session = llm.session("CA1")
        assert await words(session, "one two three four", max_tokens=2) == ["one", " two"]
        session.close()

    with_llm(script)


def test_a_reply_that_nobody_listens_to_any_more_is_not_computed() -> None:
    async def script(llm: LlamaLlm) -> None:
        session = llm.session("CA1")
        reply = session.generate(about("one two three four five six"), 1, priority=Priority.BET, max_tokens=40)
        async with contextlib.aclosing(reply):
            async for _piece in reply:
                break
        await asyncio.gather(*llm._tasks)
        runs = llm.engine.runs
        session.prioritise(Priority.FIRST_PHRASE)
        assert llm.planner.urgency() is None
        assert llm.engine.runs == runs
        session.close()

    with_llm(script)


@pytest.mark.parametrize(("priority", "awaited"), [(Priority.BET, False), (Priority.FIRST_PHRASE, True)])
def test_what_is_computed_before_somebody_waits_is_the_bets(priority: Priority, awaited: bool) -> None:
    async def script(llm: LlamaLlm) -> None:
        session = llm.session("CA1")
        reply = session.generate(about("one two three"), 1, priority=priority, max_tokens=40)
        async with contextlib.aclosing(reply):
            async for _piece in reply:
                session.prioritise(Priority.FIRST_PHRASE)  # the turn is over
        assert session.last.bet is not None
        waited_for = session.last.prefilled - session.last.bet
        assert (waited_for > 0) is awaited
        session.close()

    with_llm(script)


def test_what_was_prepared_is_not_computed_again() -> None:
    async def script(llm: LlamaLlm) -> None:
        session = llm.session("CA1")
        session.prepare(about("We are open."), 1)
        await asyncio.gather(*llm._tasks)
        await words(session, "We are open.")
        assert session.last.prefilled < 16  # what the template puts behind the last word
        session.close()

    with_llm(script)


def test_two_calls_at_once_get_their_own_words() -> None:
    async def script(llm: LlamaLlm) -> None:
        sessions = [llm.session("CA1"), llm.session("CA2")]
        said = await asyncio.gather(words(sessions[0], "one two three four"), words(sessions[1], "five six seven"))
        assert ["".join(s) for s in said] == ["one two three four", "five six seven"]
        for session in sessions:
            session.close()

    with_llm(script)


def test_a_broken_step_ends_the_reply_and_the_session_can_be_asked_again() -> None:
    async def script(llm: LlamaLlm) -> None:
        session = llm.session("CA1")
        llm.engine.broken = True
        with pytest.raises(LlmFailedError, match="llm broke"):
            await words(session, "We are open.")
        llm.engine.broken = False
        assert "".join(await words(session, "We are open.")) == "We are open."
        session.close()

    with_llm(script)


def test_a_prefix_that_does_not_fit_is_told_and_takes_no_sequence() -> None:
    async def script(llm: LlamaLlm) -> None:
        with pytest.raises(LlmFailedError, match="llm broke"):
            await llm.share(PREFIX)
        assert len(llm.planner) == 0

    with_llm(script, Mind(broken=True), share=False)


def test_a_reply_that_waits_while_the_process_goes_down_fails() -> None:
    async def main() -> None:
        mind = Mind()
        async with Scheduler(2, [mind], time.monotonic_ns) as scheduler:
            llm = LlamaLlm(mind, scheduler, 16)
            session = llm.session("CA1")
            reply = asyncio.create_task(words(session, "We are open."))
            await asyncio.sleep(0)
        with pytest.raises(LlmFailedError):
            await reply

    asyncio.run(main())


def test_there_is_a_sequence_for_each_call_and_it_is_given_back() -> None:
    async def script(llm: LlamaLlm) -> None:
        sessions = [llm.session(f"CA{n}") for n in range(3)]  # of four, one holds the prefix
        with pytest.raises(OutOfSequencesError):
            llm.session("CA9")
        for session in sessions:
            session.close()
            session.close()
        assert await words(sessions[0], "We are open.") == []
        sessions[0].prepare(about("We are open."), 1)
        again = llm.session("CA9")
        assert "".join(await words(again, "We are open.")) == "We are open."
        again.close()
        assert len(llm.planner) == 1

    mind = with_llm(script)
    assert sum(bool(cells) for cells in mind.cells.values()) == 1


# templates


def test_without_a_template_of_its_own_a_model_gets_chatml() -> None:
    template = ChatTemplate("", "", "")
    assert template.render([Message("user", "Hi")], reply=True) == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"


def test_an_open_prompt_begins_whatever_the_last_message_becomes() -> None:
    template = ChatTemplate("", "", "")
    opened = template.opened([*PREFIX, Message("user", "Fact: one.\nQuestion: Are you")])
    whole = template.render([*PREFIX, Message("user", "Fact: one.\nQuestion: Are you open?")], reply=True)
    assert opened.endswith("Are you")
    assert whole.startswith(opened)


def test_a_template_may_refuse() -> None:
    template = ChatTemplate("{{ raise_exception('no system message') }}", "", "")
    with pytest.raises(LlmFailedError, match="no system message"):
        template.render([Message("user", "Hi")], reply=True)
