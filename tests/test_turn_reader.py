"""A turn is read once, however many want to know."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import numpy as np
import pytest
from fake_leg import Engine

from pipeline.jobs import Priority
from pipeline.reader import ReadRequest
from pipeline.reading import Reading
from pipeline.scheduler import Scheduler
from pipeline.turn_reader import Before, TurnReader


@dataclass
class Reads(Engine):
    name: str = "reader"
    threads: int = 2
    asked: list[ReadRequest] = field(default_factory=list)

    def run(self, request: ReadRequest) -> Reading:
        self.begin()
        self.asked.append(request)
        return Reading(float(self.runs), np.zeros(2, np.float32), (0.0, 0.0, 1.0))


@dataclass
class Desk:
    scheduler: Scheduler
    engine: Reads
    reader: TurnReader
    before: list[Before]


async def _with(script: object) -> None:
    engine = Reads()
    before: list[Before] = [None]
    async with Scheduler(2, [engine], time.monotonic_ns) as scheduler:
        reader = TurnReader("CA1", engine, scheduler, lambda: before[0])  # type: ignore[arg-type]
        await script(Desk(scheduler, engine, reader, before))  # type: ignore[operator]


def test_two_who_ask_get_one_reading() -> None:
    async def script(desk: Desk) -> None:
        one, other = await asyncio.gather(
            desk.reader.read("Do you deliver?", Priority.BET, 1), desk.reader.read("Do you deliver?", Priority.BET, 1)
        )
        again = await desk.reader.read("Do you deliver?", Priority.FIRST_PHRASE, 1)
        assert one is other is again
        assert desk.engine.asked == [ReadRequest("CA1", "Do you deliver?", None)]

    asyncio.run(_with(script))


def test_other_words_and_another_question_before_are_read_anew() -> None:
    async def script(desk: Desk) -> None:
        await desk.reader.read("And on Sunday?", Priority.BET, 1)
        desk.before[0] = ("Are you open on Friday?", 3)
        await desk.reader.read("And on Sunday?", Priority.BET, 2)
        await desk.reader.read("And on Monday?", Priority.BET, 3)
        assert [(one.said, one.before) for one in desk.engine.asked] == [
            ("And on Sunday?", None),
            ("And on Sunday?", ("Are you open on Friday?", 3)),
            ("And on Monday?", ("Are you open on Friday?", 3)),
        ]

    asyncio.run(_with(script))


def test_one_who_gives_up_does_not_take_it_from_the_other_and_the_last_one_withdraws_it() -> None:
    async def script(desk: Desk) -> None:
        # Nothing runs yet: all is asked in one turn of the loop, while another reading has the cores.
        first = asyncio.create_task(desk.reader.read("Do you", Priority.BET, 1))
        await asyncio.sleep(0)
        one = asyncio.create_task(desk.reader.read("Do you deliver?", Priority.BET, 2))
        other = asyncio.create_task(desk.reader.read("Do you deliver?", Priority.BET, 2))
        await asyncio.sleep(0)
        one.cancel()
        assert (await other).value.over == 2.0
        assert (await first).value.over == 1.0
        first = asyncio.create_task(desk.reader.read("Is it", Priority.BET, 3))
        await asyncio.sleep(0)
        alone = asyncio.create_task(desk.reader.read("Is it far?", Priority.BET, 4))
        await asyncio.sleep(0)
        alone.cancel()
        await first
        with pytest.raises(asyncio.CancelledError):
            await alone

    asyncio.run(_with(script))


def test_a_reading_that_failed_is_tried_again() -> None:
    async def script(desk: Desk) -> None:
        desk.engine.broken = True
        with pytest.raises(RuntimeError, match="reader broke"):
            await desk.reader.read("Do you deliver?", Priority.BET, 1)
        desk.engine.broken = False
        assert (await desk.reader.read("Do you deliver?", Priority.BET, 1)).value.over == 2.0

    asyncio.run(_with(script))
