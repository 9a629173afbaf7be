"""Which work of a reply goes first: what a caller waits for before what a bet would like to have."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pytest
from fake_leg import FakeLeg

from pipeline.dialogue import Say
from pipeline.jobs import Job, Priority, Work
from pipeline.reply import Reply, ReplyMaker
from pipeline.scheduler import Ran
from pipeline.speaker import SpokenPhrase
from pipeline.trace import TurnTrace
from pipeline.tts import Speech

TWO_PHRASES = Say("We are open from nine to five on every day of the week. On Sunday we are closed, and on holidays too.")


@dataclass
class Session:
    """Of the language model, which is not asked."""

    urgency: list[Priority] = field(default_factory=list)

    def prioritise(self, priority: Priority) -> None:
        self.urgency.append(priority)


@dataclass
class Speaker:
    """Phrases are ready when the test says so."""

    jobs: list[Job] = field(default_factory=list)
    futures: list[asyncio.Future[Ran[Speech]]] = field(default_factory=list)

    def ready(self, *_: Any) -> None:
        return None

    def ask(self, text: str, _rate_hz: int, work: Work, _speed: float) -> tuple[Job, asyncio.Future[Ran[Speech]]]:
        self.jobs.append(Job(work, 1, lambda: text, 0))
        self.futures.append(asyncio.get_running_loop().create_future())
        return self.jobs[-1], self.futures[-1]

    def keep(self, text: str, *_: Any) -> SpokenPhrase:
        return SpokenPhrase(text, b"x", 1, 0)

    def reprioritise(self, job: Job, priority: Priority) -> None:
        job.work = Work(job.work.engine, priority, job.work.turn)

    @property
    def urgency(self) -> list[Priority]:
        return [job.work.priority for job in self.jobs]


async def settled() -> None:
    """Until nobody has anything left to do: nothing here waits for a clock."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("committed_after", "expected"),
    [
        (0, [Priority.FIRST_PHRASE, Priority.NEXT_PHRASE]),
        (1, [Priority.FIRST_PHRASE, Priority.NEXT_PHRASE]),
        (2, [Priority.BET, Priority.NEXT_PHRASE]),
        (None, [Priority.BET, Priority.BET]),
    ],
    ids=["committed before", "while the first is made", "while the second is made", "a bet to its end"],
)
def test_a_phrase_is_as_urgent_as_whoever_waits_for_it(committed_after: int | None, expected: list[Priority]) -> None:
    speaker, session = Speaker(), Session()
    maker = ReplyMaker(
        FakeLeg(),
        cast("Any", session),
        cast("Any", speaker),
        lambda: 0,
        max_tokens=8,
        phrase_ready=lambda *_: None,
        complete=lambda *_: None,
    )
    reply = Reply(2, "when are you open", TurnTrace(2, 0), committed=False)

    async def made() -> None:
        for step in range(3):
            if step == committed_after:
                maker.commit(reply)
            if step == 0:
                making = asyncio.create_task(maker.make(reply, TWO_PHRASES))
            else:
                speaker.futures[-1].set_result(Ran(Speech(np.zeros(1, np.int16), 8000), 0, 0, 0))
            await settled()
        waited = {0: [Priority.FIRST_PHRASE], 1: [Priority.FIRST_PHRASE], 2: [Priority.NEXT_PHRASE], None: []}
        # The test commits before it lets the step's phrase be ready.
        assert session.urgency == waited[committed_after]
        making.cancel()

    asyncio.run(made())
    assert speaker.urgency[:2] == expected
