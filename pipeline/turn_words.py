"""Is the caller's turn over, by the words? What a small language model expects next: the end of the sentence, or another word.

The caller's words stand as a user's message in a chat; the answer is the probability that a full stop, a question or an exclamation mark
follows them. No training: the idea is LiveKit's turn detector (a fine-tuned model's P(end of turn) over the chat so far), with a base
model's own punctuation in place of the fine-tuning. docs/turn-taking.md has the measurements.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.llama import MAX_ROWS, LlamaEngine
from pipeline.llm import ChatTemplate
from pipeline.llm_batch import Batch, Row
from pipeline.prompts import Message

# The last words decide; each one costs a row.
MAX_WORDS = 20
_CHAT = (
    Message("system", "You answer the phone for a small business."),
    Message("user", "Do you take cards?"),
    Message("assistant", "Yes, we do."),
    Message("user", "And how much is that?"),
    Message("assistant", "It is 20 pounds."),
)
_WORDS = "words"
_SENTENCE_ENDS = re.compile(rb"[.?!]")


@dataclass(frozen=True, slots=True)
class WordsRequest:
    """`text`: what the caller has said so far, as transcribed; its own last punctuation does not count."""

    text: str


class TurnWordsEngine:
    """The `words` engine. `run` returns P(sentence over), 0 to 1. `model`: a GGUF file, as small as possible."""

    name = "words"
    concurrency = 1

    def __init__(self, model: Path, *, threads: int, device: str = "cpu") -> None:
        self._llama = LlamaEngine(model, n_ctx=512, max_sequences=1, threads=threads, device=device)
        self.device = device
        self.threads = threads
        vocabulary = self._llama.vocabulary
        self._ends = np.array([t for t in range(vocabulary.size) if _SENTENCE_ENDS.match(vocabulary.piece(t))])
        template = ChatTemplate(vocabulary.template, vocabulary.bos, vocabulary.eos)
        self._opening = vocabulary.tokens(template.opened([*_CHAT, Message("user", _WORDS)]).removesuffix(_WORDS))
        self._decode(0, self._opening)

    def cost_ms(self, request: WordsRequest) -> float:
        """About 6 ms a word on one core."""
        return 10.0 + 6.0 * min(MAX_WORDS, len(request.text.split()))

    def run(self, request: WordsRequest) -> float:
        """P(sentence over). 0 for no words."""
        words = re.sub(r"[\s.,?!…–-]+$", "", request.text).split()[-MAX_WORDS:]
        if not words:
            return 0.0
        tokens = self._llama.vocabulary.tokens(" ".join(words), first=False)
        return self._decode(len(self._opening), tokens)

    def _decode(self, start: int, tokens: list[int]) -> float:
        rollback: tuple[tuple[int, int], ...] = ((0, start),)
        share = 0.0
        for at in range(0, len(tokens), MAX_ROWS):
            rows = tuple(
                Row(0, start + at + i, token, sample=at + i == len(tokens) - 1)
                for i, token in enumerate(tokens[at : at + MAX_ROWS])
            )
            share = self._llama.share_of(Batch(rollbacks=rollback, rows=rows), self._ends)
            rollback = ()
        return share

    def close(self) -> None:
        """Free the native memory. The engine must be idle."""
        self._llama.close()
