"""What to say to a text: one call's questions to the models that understand, put together by the dialogue.

Embedding, reading and judging are asked for once each, however many want to know: the bet on a pause, the reply, and whoever doubts the transcript.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TypeVar

import structlog

from pipeline.asked_once import AskedOnce
from pipeline.dialogue import Dialogue, Plan
from pipeline.engines import Engines
from pipeline.jobs import Priority, Work
from pipeline.likeness import TextVectors
from pipeline.reading import Reading
from pipeline.reranking import Judged, RerankRequest
from pipeline.scheduler import JobDroppedError, Ran, SchedulerClosedError
from pipeline.turn_reader import TurnReader

log = structlog.get_logger()

Result = TypeVar("Result")


class Planner:
    """One call's. `dialogue` may be exchanged between turns. `reader` is None where nobody reads."""

    def __init__(self, call: str, engines: Engines, dialogue: Dialogue) -> None:
        self.dialogue = dialogue
        self._call = call
        self._engines = engines
        self.reader = (
            TurnReader(call, engines.reader, engines.scheduler, lambda: self.dialogue.before())
            if engines.reader is not None
            else None
        )
        self._reranker: AskedOnce[RerankRequest, Judged] | None = (
            AskedOnce(call, "reranker", engines.reranker, engines.scheduler) if engines.reranker is not None else None
        )
        # What was looked up last: the same is asked for twice.
        self._embedded: tuple[tuple[str, ...], Sequence[TextVectors]] = (), ()

    async def plan(self, text: str, priority: Priority, turn: int) -> Plan:
        """What to say to it. A hint ahead of the caller's end (`Priority.PARTIAL`) goes by the embeddings alone. Raises JobDroppedError, and what the embedding model raises."""
        queries = self.dialogue.queries(text)
        if not queries:
            return self.dialogue.respond(text, None)
        if queries != self._embedded[0]:
            work = Work("embed", priority, (self._call, turn))
            self._embedded = queries, (await self._engines.scheduler.run(self._engines.embed, work, queries)).value
        vectors = self._embedded[1]
        if priority is Priority.PARTIAL:
            return self.dialogue.respond(text, vectors)
        reading = await self._read(text, priority, turn)
        return self.dialogue.respond(text, vectors, reading, await self._judge(text, vectors, reading, priority, turn))

    async def _read(self, text: str, priority: Priority, turn: int) -> Reading | None:
        """What the reader makes of a text; None where nobody reads, or it could not be had: the embeddings answer by themselves."""
        if self.reader is None:
            return None
        return await self._had("reader", self.reader.read(text, priority, turn), turn)

    async def _judge(
        self, text: str, vectors: Sequence[TextVectors], reading: Reading | None, priority: Priority, turn: int
    ) -> Sequence[Judged | None] | None:
        """What the reranker makes of the lines in doubt."""
        if self._reranker is None:
            return None
        judged: list[Judged | None] = []
        for request in self.dialogue.doubts(text, vectors, reading):
            found = await self._had("reranker", self._reranker.ask(request, priority, turn), turn) if request.lines else None
            judged.append(found)
        return judged

    async def _had(self, engine: str, asked: Awaitable[Ran[Result]], turn: int) -> Result | None:
        try:
            return (await asked).value
        except SchedulerClosedError:
            raise
        except JobDroppedError:
            return None
        except Exception:
            log.exception("engine_failed", engine=engine, call=self._call, turn=turn)
            return None

    def hurry(self) -> None:
        """The caller waits now."""
        for asked in (self.reader, self._reranker):
            if asked is not None:
                asked.hurry()
