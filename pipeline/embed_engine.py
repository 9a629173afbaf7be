"""Sentence embeddings as an engine: which fact bears on a question, asked off the event loop."""

from __future__ import annotations

from pathlib import Path

from pipeline.embedding import Embedder, Floats
from pipeline.picking import trained


class EmbedEngine:
    """The `embed` engine: `run` takes a text and returns its vector, shape (384,), L2-normalised. `model`: a MiniLM folder."""

    name = "embed"
    device = "cpu"
    threads = 1
    concurrency = 1

    def __init__(self, model: Path) -> None:
        self.embed = Embedder(model, trained().deltas).embed

    def cost_ms(self, request: str) -> float:
        """By length."""
        return 3.0 + 0.1 * len(request)

    def run(self, request: str) -> Floats:
        """The text's vector."""
        vector: Floats = self.embed([request])[0]
        return vector
