"""Is the caller's turn over, by the words? What a small language model makes of them, and a line through it.

The caller's words stand as a user's message in a chat. A logistic regression reads the model's last hidden state, and the probability that it gives a
full stop, a question or an exclamation mark. `fixtures/turn_words` has what it was taught with. The idea is LiveKit's turn detector (a fine-tuned model's
P(end of turn) over the chat so far), with a line in place of the fine-tuning. docs/turn-taking.md has the measurements.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import config
from pipeline.llama import MAX_ROWS, LlamaEngine, LlamaError
from pipeline.llm import ChatTemplate
from pipeline.llm_batch import Batch, Row
from pipeline.prompts import Message

FILE = Path(config.__file__).parent / "turn_words.npz"
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
_LEAST = 1e-4
_SENTENCE_ENDS = re.compile(rb"[.?!]")


@dataclass(frozen=True, slots=True)
class WordsRequest:
    """`text`: what the caller has said so far, as transcribed; its own last punctuation does not count."""

    text: str


class TurnWordsEngine:
    """The `words` engine. `run` returns P(turn over), 0 to 1. `model`: the GGUF file that `config/turn_words.npz` was made with (SmolLM2-135M).

    Raises LlamaError for another, whose states are of another shape.
    """

    name = "words"
    concurrency = 1

    def __init__(self, model: Path, *, threads: int, device: str = "cpu") -> None:
        self._llama = LlamaEngine(model, n_ctx=512, max_sequences=1, threads=threads, device=device, states=True)
        self.device = device
        self.threads = threads
        vocabulary = self._llama.vocabulary
        self._ends = np.array([t for t in range(vocabulary.size) if _SENTENCE_ENDS.match(vocabulary.piece(t))])
        template = ChatTemplate(vocabulary.template, vocabulary.bos, vocabulary.eos)
        self._opening = vocabulary.tokens(template.opened([*_CHAT, Message("user", _WORDS)]).removesuffix(_WORDS))
        _, state = self._decode(0, self._opening)
        if len(state) + 2 != len(_line()):
            self.close()
            raise LlamaError(
                f"{model} is not the model that {FILE.name} was made with: set FIRSTWORD_TURN__WORDS=smollm2-135m-q8_0, or none"
            )

    def cost_ms(self, request: WordsRequest) -> float:
        """About 6 ms a word on one core."""
        return 10.0 + 6.0 * min(MAX_WORDS, len(request.text.split()))

    def run(self, request: WordsRequest) -> float:
        """P(turn over). 0 for no words."""
        features = self.features(request.text)
        return 1 / (1 + math.exp(-float(features @ _line()))) if features is not None else 0.0

    def features(self, text: str) -> NDArray[np.float32] | None:
        """What the line goes through: the hidden state after the last word, log P(sentence over), and a one. None for no words."""
        words = re.sub(r"[\s.,?!…–-]+$", "", text).split()[-MAX_WORDS:]
        if not words:
            return None
        share, state = self._decode(len(self._opening), self._llama.vocabulary.tokens(" ".join(words), first=False))
        return np.array([*state, math.log(max(share, _LEAST)), 1.0], np.float32)

    def _decode(self, start: int, tokens: list[int]) -> tuple[float, NDArray[np.float32]]:
        rollback: tuple[tuple[int, int], ...] = ((0, start),)
        for at in range(0, len(tokens), MAX_ROWS):
            some = tokens[at : at + MAX_ROWS]
            rows = tuple(Row(0, start + at + i, token, sample=i == len(some) - 1) for i, token in enumerate(some))
            found = self._llama.read(Batch(rollbacks=rollback, rows=rows), self._ends)
            rollback = ()
        return found

    def close(self) -> None:
        """Free the native memory. The engine must be idle."""
        self._llama.close()


@cache
def _line(path: Path = FILE) -> NDArray[np.float32]:
    """Weights of `features`. Raises OSError or KeyError when the file is not what it should be: it comes with the package."""
    with np.load(path) as file:
        line: NDArray[np.float32] = file["line"]
        return line
