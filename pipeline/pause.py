"""A pause in the caller's speech: what is known about it by now, whom to ask next, and how long a silence makes it the end of the turn. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.endpointing import Evidence, Waits


@dataclass(slots=True)
class Pause:
    """`sample`: where it began; `start` to `end` is what is judged. What is None is not known yet."""

    bet: int
    sample: int
    start: int = 0
    end: int = 0
    text: str | None = None
    ending: float = 0.0
    answered: bool | None = None
    words: float | None = None
    audio: float | None = None
    wordless: bool = False  # nobody will judge the words
    words_asked: bool = False
    sound_asked: bool = False
    fluency: float = 0.0  # log odds by how the caller has spoken so far
    silent: bool = True  # the caller fell silent; else they talked for too long, and still talk

    def next_judge(self, waits: Waits) -> Literal["words", "sound"] | None:
        """Who should be asked now. Each is only where those before are not sure: the transcript's own end, the words, the sound."""
        if not self.text or self._says_enough(waits):
            return None
        if not self.words_asked and not self.wordless:
            return "words"
        # A recogniser that does not say how it ended leaves so little that both are asked at once.
        if self.audio is None and not self.sound_asked and (not self._words_awaited or not self.ending):
            return "sound"
        return None

    def wait_ms(self, waits: Waits) -> int:
        """The silence that ends the turn, as far as is known by now.

        Nobody waits for the sound where words and ending are known: there it makes a long wait shorter or longer.
        """
        if self.text == "":  # the transcript failed, and nobody can judge nothing
            return waits.unsure_ms
        needed = self.answered is None or not self.ending or (self.sound_asked and self.words is None)
        if self.text is None or self._words_awaited or (self.audio is None and needed):
            return waits.max_ms
        silence_ms = waits.silence_ms(self._evidence().complete())
        return min(waits.max_ms, max(silence_ms, waits.lingering_ms) if self.lingering else silence_ms)

    @property
    def complete(self) -> float:
        """P(complete) by what is known now, to three places; 0 before there is a transcript."""
        return round(self._evidence().complete(), 3) if self.text else 0.0

    @property
    def lingering(self) -> bool:
        """Whether it is small talk that is often followed by more."""
        return bool(self.text) and self._evidence().lingering

    @property
    def _words_awaited(self) -> bool:
        return self.words_asked and self.words is None and not self.wordless

    def _says_enough(self, waits: Waits) -> bool:
        """Whether what is known without the sound, and as long as they are not known without the words, is enough."""
        enough = waits.certain if self.words is None else waits.sure  # the reply needs the reading anyway
        return bool(self.ending) and self.audio is None and self._evidence().complete() >= enough

    def _evidence(self) -> Evidence:
        return Evidence(self.text or "", self.audio, self.words, self.answered, self.ending, self.fluency)
