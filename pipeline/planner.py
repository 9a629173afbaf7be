"""What to say to a text: one call's questions to the models that understand, put together by the dialogue.

Embedding and reading are asked for once each, however many want to know: the bet on a pause, the reply, and whoever doubts the transcript.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from pipeline.dialogue import Dialogue, Plan
from pipeline.engines import Engines
from pipeline.jobs import Priority, Work
from pipeline.likeness import TextVectors
from pipeline.reading import Reading
from pipeline.scheduler import JobDroppedError, SchedulerClosedError
from pipeline.turn_reader import TurnReader

log = structlog.get_logger()


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
        return self.dialogue.respond(
            text, vectors, None if priority is Priority.PARTIAL else await self._read(text, priority, turn)
        )

    async def _read(self, text: str, priority: Priority, turn: int) -> Reading | None:
        """What the reader makes of a text; None where nobody reads, or it could not be had: the embeddings answer by themselves."""
        if self.reader is None:
            return None
        try:
            return (await self.reader.read(text, priority, turn)).value
        except SchedulerClosedError:
            raise
        except JobDroppedError:
            return None
        except Exception:
            log.exception("engine_failed", engine="reader", call=self._call, turn=turn)
            return None

    def hurry(self) -> None:
        """The caller waits now."""
        if self.reader is not None:
            self.reader.hurry()
