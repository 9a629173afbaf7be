"""A reply as the turn machine knows it: which phrases there are, how far they were given to the leg, and where it was cut. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(slots=True)
class TurnPhrase:
    """`samples` of speech that say `text`. `start`: on the bot's timeline, of the part that was played last; `offset`: from where in the phrase that part began."""

    samples: int
    text: str
    start: int | None = None
    offset: int = 0


@dataclass(slots=True)
class TurnReply:
    """A reply being made, held, spoken or suspended. `text`: what it answers; `played`: phrases given to the leg; `cut`: (phrase, offset) where it was silenced."""

    turn_id: int
    text: str = ""
    kind: Literal["greeting", "answer", "keys", "reprompt", "goodbye", "pardon"] = "answer"
    phrases: list[TurnPhrase] = field(default_factory=list)
    complete: bool = False
    hang_up: bool = False
    played: int = 0
    cut: tuple[int, int] | None = None
    error_ms: int = 0

    def place(self, sample: int) -> tuple[int, int]:
        """(phrase, offset in it) of a sample of the bot's timeline."""
        for index, phrase in enumerate(self.phrases[: self.played]):
            if phrase.start is None or sample < phrase.start:
                return index, phrase.offset if phrase.start is not None else 0
            if sample < phrase.start + phrase.samples - phrase.offset:
                return index, phrase.offset + sample - phrase.start
        return self.played, 0

    def samples_before(self, place: tuple[int, int]) -> int:
        """How much speech lies before a place in it."""
        index, offset = place
        return sum(phrase.samples for phrase in self.phrases[:index]) + offset

    def heard_whole(self, sample: int) -> bool:
        """Whether all of it was made, given to the leg, and heard by somebody who has heard the bot's timeline up to `sample`."""
        if not self.complete or self.played < len(self.phrases):
            return False
        last = self.phrases[-1] if self.phrases else None
        return last is None or last.start is None or sample >= last.start + last.samples - last.offset
