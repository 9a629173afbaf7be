"""Sentence embeddings as an engine: which fact bears on a question, asked off the event loop."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.embedding import Embedder
from pipeline.likeness import TextVectors
from pipeline.picking import trained


class EmbedEngine:
    """The `embed` engine: `run` takes texts and returns their vectors. `model`: an MPNet folder."""

    name = "embed"
    device = "cpu"
    threads = 1
    concurrency = 1

    def __init__(self, model: Path) -> None:
        self.embed = Embedder(model, trained().deltas).embed

    def cost_ms(self, request: Sequence[str]) -> float:
        """By length."""
        return sum(12.0 + 0.2 * len(text) for text in request)

    def run(self, request: Sequence[str]) -> list[TextVectors]:
        """The texts' vectors."""
        return self.embed(request)
