"""What was heard, in words: from samples heard and an estimate of each word's place in its phrase.

A word's share of a phrase is taken by its letters, plus a little for the gap; Piper and hibari give no alignments. How good that is: see
docs/turn-taking.md.
"""

from __future__ import annotations

import re

_GAP = 1.5


def heard_words(text: str, samples: int, heard: int, *, tail: int = 0) -> str:
    """The words of a phrase of `samples` (with `tail` samples of silence at its end) of which over half was heard after `heard` samples."""
    if heard >= samples - tail:
        return text
    words = list(re.finditer(r"\S+", text))
    if not words or heard <= 0:
        return ""
    weights = [len(re.sub(r"\W", "", w.group())) + _GAP + (2.0 if w.group()[-1] in ",;:" else 0.0) for w in words]
    scale = max(1, samples - tail) / sum(weights)
    at = 0.0
    end = 0
    for word, weight in zip(words, weights, strict=True):
        if at + weight * scale / 2 > heard:
            break
        at += weight * scale
        end = word.end()
    return text[:end]
