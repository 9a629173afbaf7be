"""Sentence vectors: faults by name, and the real model against its published cosines."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from fixtures_models import product_settings  # noqa: F401 - fixture

from config.models import resolve
from config.settings import Settings
from pipeline.embedding import DIMENSIONS, Embedder, EmbeddingError


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(EmbeddingError, match=r"tokenizer\.json is missing"):
        Embedder(tmp_path)


def test_a_file_of_another_kind_is_named(tmp_path: Path) -> None:
    tokenizer = {"version": "1.0", "added_tokens": [], "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}}
    (tmp_path / "tokenizer.json").write_text(json.dumps(tokenizer))
    (tmp_path / "model.safetensors").write_bytes(b"no such thing")
    with pytest.raises(EmbeddingError, match=r"cannot read .*model\.safetensors"):
        Embedder(tmp_path)


@pytest.fixture(scope="module")
def embedder(product_settings: Settings) -> Embedder:  # noqa: F811
    return Embedder(resolve("minilm-l6-v2", product_settings.models_dir))


@pytest.mark.models
def test_the_published_cosines(embedder: Embedder) -> None:
    vectors = embedder.embed(
        ["That is a happy person", "That is a happy dog", "That is a very happy person", "Today is a sunny day"]
    )
    assert vectors.shape == (4, DIMENSIONS)
    # The first three are the example of the model's card: 0.695, 0.943, 0.257.
    assert vectors[0] @ vectors[1:].T == pytest.approx([0.6946, 0.9429, 0.2569], abs=2e-4)


@pytest.mark.models
def test_a_text_does_not_depend_on_its_neighbours(embedder: Embedder) -> None:
    texts = ["Do you groom cats?", "Is there anywhere to park near you, or should we rather come by train?", ""]
    assert np.allclose(embedder.embed(texts), np.concatenate([embedder.embed([t]) for t in texts]), atol=1e-5)


@pytest.mark.models
def test_no_text_is_no_vector(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, DIMENSIONS)
