"""A pause in the caller's speech: what is known about it by now, and how long a silence that makes the end of the turn. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.endpointing import Evidence, Waits


@dataclass(slots=True)
class Pause:
    """`sample`: where it began. What is None is not known yet."""

    bet: int
    sample: int
    audio: float | None = None
    text: str | None = None
    ending: float = 0.0
    words: float | None = None
    wordless: bool = False  # nobody will judge the words
    judging: bool = False  # somebody does
    answered: bool | None = None

    def words_wanted(self, waits: Waits) -> bool:
        """Whether somebody should be asked about the words: not where the sound and the transcript's end say enough."""
        return bool(self.text) and not (self.wordless or self.judging or self._says_enough(waits))

    def _says_enough(self, waits: Waits) -> bool:
        if not self.ending or self.audio is None:
            return False
        return Evidence(self.text or "", self.audio, None, self.answered, self.ending).complete() >= waits.surely

    def wait_ms(self, waits: Waits) -> int:
        """The silence that ends the turn, as far as is known by now."""
        undecided = (
            self.judging or self.text is None or self.answered is None
        )  # whether the words are to be judged depends on these
        if self.audio is None or (self.words is None and undecided and not self.wordless):
            return waits.max_ms
        evidence = Evidence(self.text or "", self.audio, self.words, self.answered, self.ending)
        silence_ms = waits.silence_ms(evidence.complete())
        return min(waits.max_ms, max(silence_ms, waits.unsure_ms) if self.text and evidence.lingering else silence_ms)
