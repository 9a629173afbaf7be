"""Phrases where a person would breathe, out of a stream of text."""

from __future__ import annotations

import re

_END = re.compile(r"[.!?,;:…]+[\"')”’]*(?=\s)")


class Phraser:
    """Cuts a token stream into phrases."""

    def __init__(self, first_min_chars: int = 3) -> None:
        self._first_min = first_min_chars
        self._text = ""
        self._count = 0

    def feed(self, piece: str) -> list[str]:
        """What is complete now."""
        self._text += piece
        out = []
        at = 0
        while match := _END.search(self._text, at):
            cut = match.end()
            head = self._text[:cut]
            if len(head.strip()) < (self._first_min if not self._count else 16):
                at = cut
                continue
            out.append(head)
            self._count += 1
            self._text, at = self._text[cut:], 0
        return out

    def close(self) -> list[str]:
        """The rest."""
        rest, self._text = self._text, ""
        return [rest] if rest.strip() else []
