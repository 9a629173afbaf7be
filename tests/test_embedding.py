"""Sentence vectors: faults by name, and the real model against PyTorch."""

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
    return Embedder(resolve("mpnet-base-v2", product_settings.models_dir))


@pytest.mark.models
def test_the_cosines_are_those_of_the_network(embedder: Embedder) -> None:
    texts = ["That is a happy person", "That is a happy dog", "That is a very happy person", "Today is a sunny day"]
    vectors = np.stack([text.whole for text in embedder.embed(texts)])
    assert vectors.shape == (4, DIMENSIONS)
    # By PyTorch in 32 bits: 0.764, 0.967, 0.315.
    assert vectors[0] @ vectors[1:].T == pytest.approx([0.764, 0.967, 0.315], abs=0.015)


@pytest.mark.models
def test_a_text_does_not_depend_on_its_neighbours(embedder: Embedder) -> None:
    texts = ["Do you groom cats?", "Is there anywhere to park near you, or should we rather come by train?", ""]
    for together, text in zip(embedder.embed(texts), texts, strict=True):
        (alone,) = embedder.embed([text])
        assert np.allclose(together.whole, alone.whole, atol=1e-5)
        assert np.allclose(together.tokens, alone.tokens, atol=1e-5)


@pytest.mark.models
def test_each_token_has_a_vector_of_length_one(embedder: Embedder) -> None:
    question, nothing = embedder.embed(["Do you groom cats?", ""])
    assert question.tokens.shape == (5, DIMENSIONS)
    assert nothing.tokens.shape == (1, DIMENSIONS)
    assert np.linalg.norm(question.tokens, axis=1) == pytest.approx(np.ones(5))


@pytest.mark.models
def test_no_text_is_no_vector(embedder: Embedder) -> None:
    assert embedder.embed([]) == []
