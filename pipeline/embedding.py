"""Sentences as vectors: all-MiniLM-L6-v2 in plain numpy, so that meaning can be compared without another runtime.

The network is BERT (Devlin et al. 2018) with 6 layers of 384, mean-pooled as sentence-transformers does. Texts of one call are
concatenated without padding: the dense layers see one matrix, attention runs text by text, and a text's vector does not depend
on its neighbours. OpenBLAS takes its thread count from `OPENBLAS_NUM_THREADS` when numpy is first imported; one thread is enough.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

Floats = NDArray[np.float32]

DIMENSIONS = 384
MAX_TOKENS = 128
"""Longer texts are cut, as in the model's own tokenizer settings."""

_HEADS = 12
_LAYER_NORM_EPS = 1e-12


class EmbeddingError(Exception):
    """A file of the embedding model is missing or is not what it should be; the text says which."""


@dataclass(frozen=True, slots=True)
class _Layer:
    qkv: Floats
    qkv_bias: Floats
    out: Floats
    out_bias: Floats
    norm1: tuple[Floats, Floats]
    up: Floats
    up_bias: Floats
    down: Floats
    down_bias: Floats
    norm2: tuple[Floats, Floats]


def read_safetensors(path: Path) -> dict[str, Floats]:
    """Every float32 tensor of a safetensors file (8 bytes of length, a JSON header, raw little-endian data), mapped."""
    try:
        raw = np.memmap(path, dtype=np.uint8, mode="r")
        length = int.from_bytes(raw[:8].tobytes(), "little")
        header = json.loads(raw[8 : 8 + length].tobytes())
    except (OSError, ValueError) as error:
        raise EmbeddingError(f"cannot read {path}: {error}") from error
    tensors: dict[str, Floats] = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        start, end = entry["data_offsets"]
        data = raw[8 + length + start : 8 + length + end]
        if len(data) != end - start:
            raise EmbeddingError(f"{path} is cut short: {name} is incomplete")
        tensors[name] = data.view(np.float32).reshape(entry["shape"])
    return tensors


def _layer(tensors: dict[str, Floats], deltas: Mapping[str, Floats], index: int) -> _Layer:
    prefix = f"encoder.layer.{index}."

    def get(name: str) -> Floats:
        return np.ascontiguousarray(tensors[prefix + name])

    def weight(name: str) -> Floats:
        matrix = np.ascontiguousarray(tensors[f"{prefix}{name}.weight"].T)
        delta = deltas.get(prefix + name)
        return matrix if delta is None else matrix + delta

    parts = [f"attention.self.{part}" for part in ("query", "key", "value")]
    return _Layer(
        qkv=np.concatenate([weight(part) for part in parts], axis=1),
        qkv_bias=np.concatenate([get(f"{part}.bias") for part in parts]),
        out=weight("attention.output.dense"),
        out_bias=get("attention.output.dense.bias"),
        norm1=(get("attention.output.LayerNorm.weight"), get("attention.output.LayerNorm.bias")),
        up=weight("intermediate.dense"),
        up_bias=get("intermediate.dense.bias"),
        down=weight("output.dense"),
        down_bias=get("output.dense.bias"),
        norm2=(get("output.LayerNorm.weight"), get("output.LayerNorm.bias")),
    )


def _normed(x: Floats, norm: tuple[Floats, Floats]) -> Floats:
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = np.mean(centred * centred, axis=-1, keepdims=True)
    result: Floats = centred / np.sqrt(variance + _LAYER_NORM_EPS) * norm[0] + norm[1]
    return result


def _gelu(x: Floats) -> Floats:
    """x·Φ(x), erf after Abramowitz and Stegun 7.1.26 (error below 1.5e-7, the size of float32's own)."""
    z = np.abs(x)
    z *= np.float32(0.70710678)
    t = z * np.float32(0.3275911)
    t += 1
    np.reciprocal(t, out=t)
    series = t * np.float32(1.061405429)
    for coefficient in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series += np.float32(coefficient)
        series *= t
    series *= np.exp(-z * z)
    erf = np.copysign(1 - series, x)
    result: Floats = np.float32(0.5) * x * (1 + erf)
    return result


def _attend(qkv: Floats) -> Floats:
    """One text's self-attention: (n, 3·384) to (n, 384)."""
    n = len(qkv)
    query, key, value = (part.reshape(n, _HEADS, -1).transpose(1, 0, 2) for part in np.split(qkv, 3, axis=1))
    scores = query @ key.transpose(0, 2, 1) / np.float32(np.sqrt(DIMENSIONS // _HEADS))
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    scores /= scores.sum(axis=-1, keepdims=True)
    result: Floats = (scores @ value).transpose(1, 0, 2).reshape(n, DIMENSIONS)
    return result


class Embedder:
    """all-MiniLM-L6-v2 from a folder with `model.safetensors` and `tokenizer.json`. About 5 ms for a question, on one thread.

    `deltas` are added to its dense layers, by their names (`pipeline.picking`). Raises `EmbeddingError` when a file is missing or damaged.
    `embed` may be called from any thread.
    """

    def __init__(self, folder: Path, deltas: Mapping[str, Floats] | None = None) -> None:
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise EmbeddingError(f"{path} is missing")
        self._tokenizer = Tokenizer.from_file(str(path))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        path = folder / "model.safetensors"
        tensors = read_safetensors(path)
        try:
            self._words = tensors["embeddings.word_embeddings.weight"]
            # Every text is segment 0: its embedding can be added to the positions' once and for all.
            self._positions: Floats = (
                tensors["embeddings.position_embeddings.weight"] + tensors["embeddings.token_type_embeddings.weight"][0]
            )
            self._norm = (tensors["embeddings.LayerNorm.weight"], tensors["embeddings.LayerNorm.bias"])
            self._layers = [_layer(tensors, deltas or {}, index) for index in range(6)]
        except KeyError as error:
            raise EmbeddingError(f"{path} has no tensor {error}") from error
        if self._words.shape[1] != DIMENSIONS:
            raise EmbeddingError(f"{path}: vectors of {self._words.shape[1]}, expected {DIMENSIONS}")

    def embed(self, texts: Sequence[str]) -> Floats:
        """Vectors of shape (len(texts), 384), float32, of length one: a dot product is the cosine."""
        if not texts:
            return np.zeros((0, DIMENSIONS), dtype=np.float32)
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        edges = np.cumsum([0, *map(len, ids)])
        spans = [slice(int(a), int(b)) for a, b in pairwise(edges)]
        x: Floats = self._words[np.concatenate(ids)] + np.concatenate([self._positions[: len(i)] for i in ids])
        x = _normed(x, self._norm)
        for layer in self._layers:
            qkv = x @ layer.qkv + layer.qkv_bias
            attended = np.concatenate([_attend(qkv[span]) for span in spans])
            projected: Floats = attended @ layer.out + layer.out_bias
            x = _normed(x + projected, layer.norm1)
            widened: Floats = _gelu(x @ layer.up + layer.up_bias) @ layer.down + layer.down_bias
            x = _normed(x + widened, layer.norm2)
        pooled: Floats = np.stack([x[span].mean(axis=0) for span in spans]).astype(np.float32)
        result: Floats = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return result
