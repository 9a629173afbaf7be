"""When to transcribe what the caller has said so far, and how much of it to rely on. Pure.

A partial costs a whole pass of the encoder, so there is one only when the cores are idle and enough is new. The last word of a partial was
cut off in the middle as often as not; what two partials agree on, or all but the last word, stays.
"""

from __future__ import annotations

FIRST_MS = 700
NEXT_MS = 400


class ListenAhead:
    """The partials of one utterance. Samples are on the caller's timeline."""

    def __init__(self, rate_hz: int) -> None:
        self._first = rate_hz * FIRST_MS // 1000
        self._next = rate_hz * NEXT_MS // 1000
        self._heard_until = 0
        self._lost_until = 0
        self._text = ""

    def reset(self) -> None:
        """The utterance is over."""
        self._heard_until, self._lost_until, self._text = 0, 0, ""

    def due(self, start: int, now: int) -> bool:
        """Whether there is enough new speech, in an utterance that began at `start`, for another partial."""
        return now >= self._due_at(start)

    def passed_over(self, start: int, now: int) -> bool:
        """A partial is due that cannot be had. True once for each that is lost: when the one after it would be due as well."""
        lost = now - max(self._due_at(start), self._lost_until) >= self._next
        if lost:
            self._lost_until = now
        return lost

    def stable(self, text: str, until: int) -> str:
        """The words that the next transcript will most likely begin with; empty when they are those of last time."""
        self._heard_until = max(self._heard_until, until)
        words = text.split()[:-1]
        stable = " ".join(words)
        if stable == self._text or len(words) < 2:
            return ""
        self._text = stable
        return stable

    def _due_at(self, start: int) -> int:
        return self._heard_until + self._next if self._heard_until > start else start + self._first
