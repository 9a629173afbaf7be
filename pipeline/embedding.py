"""Sentences as vectors: all-mpnet-base-v2 in 8 bits on CTranslate2, so that meaning can be compared.

The network is MPNet (Song et al. 2020, https://arxiv.org/abs/2004.09297) with 12 layers of 768, mean-pooled as sentence-transformers does. CTranslate2 has
no converter for it: it is BERT with T5's bias of relative positions in its attention, and an encoder with such a bias has no absolute positions there.
Those are given as a second embedding that is added, as BERT's token types are. What training changed (`pipeline.picking`) is added to the weights before they
are rounded, so the conversion is done when the model is loaded: about a second.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import ctranslate2
import numpy as np
from ctranslate2.specs import common_spec, transformer_spec
from numpy.typing import NDArray
from tokenizers import Tokenizer

from pipeline.likeness import TextVectors

Floats = NDArray[np.float32]

DIMENSIONS = 768
MAX_TOKENS = 128
"""Longer texts are cut."""

_LAYERS, _HEADS = 12, 12
_LAYER_NORM_EPS = 1e-5
_FARTHEST = 128
"""Tokens that lie farther apart than this share one bias."""
_FIRST_POSITION = 2
"""MPNet counts positions from behind its padding token."""
_TOGETHER = 32
"""Texts of about the same length that go through the model together, so that little is padding."""


class EmbeddingError(Exception):
    """A file of the embedding model is missing or is not what it should be; the text says which."""


def read_safetensors(path: Path) -> dict[str, Floats]:
    """Every float32 tensor of a safetensors file (8 bytes of length, a JSON header, raw little-endian data), mapped.

    What is written to them is in memory alone: CTranslate2 rounds weights in place.
    """
    try:
        raw = np.memmap(path, dtype=np.uint8, mode="c")
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


class _Conversion:
    """The tensors of the file, with what training adds, as CTranslate2 wants them."""

    def __init__(self, tensors: Mapping[str, Floats], deltas: Mapping[str, Floats]) -> None:
        self._tensors = tensors
        self._deltas = deltas

    def save(self, folder: Path) -> None:
        """Write a model of CTranslate2. `KeyError` names a tensor that the file lacks."""
        encoder = transformer_spec.TransformerEncoderSpec(
            _LAYERS,
            _HEADS,
            pre_norm=False,
            activation=common_spec.Activation.GELU,
            layernorm_embedding=True,
            num_source_embeddings=2,
            embeddings_merge=common_spec.EmbeddingsMerge.ADD,
            relative_attention_bias=True,
        )
        encoder.scale_embeddings = False
        words = self._tensors["embeddings.word_embeddings.weight"]
        encoder.embeddings[0].weight = words
        encoder.embeddings[1].weight = self._tensors["embeddings.position_embeddings.weight"]
        self._norm(encoder.layernorm_embedding, "embeddings.LayerNorm")
        for index, layer in enumerate(encoder.layer):
            self._layer(layer, f"encoder.layer.{index}.")
        spec = transformer_spec.TransformerEncoderModelSpec(encoder)
        # Texts come as numbers of tokens: the names are never looked at.
        spec.register_vocabulary([str(number) for number in range(len(words))])
        spec.config.layer_norm_epsilon = _LAYER_NORM_EPS
        spec.validate()
        spec.optimize(quantization="int8")
        spec.save(str(folder))

    def _layer(self, layer: transformer_spec.TransformerEncoderLayerSpec, prefix: str) -> None:
        attention, parts = layer.self_attention, [f"{prefix}attention.attn.{part}" for part in "qkv"]
        attention.linear[0].weight = np.concatenate([self._weight(part) for part in parts])
        attention.linear[0].bias = np.concatenate([self._tensors[f"{part}.bias"] for part in parts])
        self._dense(attention.linear[1], f"{prefix}attention.attn.o")
        attention.relative_attention_bias = self._tensors["encoder.relative_attention_bias.weight"]
        attention.relative_attention_max_distance = np.dtype("int32").type(_FARTHEST)
        self._norm(attention.layer_norm, f"{prefix}attention.LayerNorm")
        self._dense(layer.ffn.linear_0, f"{prefix}intermediate.dense")
        self._dense(layer.ffn.linear_1, f"{prefix}output.dense")
        self._norm(layer.ffn.layer_norm, f"{prefix}output.LayerNorm")

    def _dense(self, spec: common_spec.LinearSpec, name: str) -> None:
        spec.weight, spec.bias = self._weight(name), self._tensors[f"{name}.bias"]

    def _norm(self, spec: common_spec.LayerNormSpec, name: str) -> None:
        spec.gamma, spec.beta = self._tensors[f"{name}.weight"], self._tensors[f"{name}.bias"]

    def _weight(self, name: str) -> Floats:
        """Shape (out, in); changes are kept as (in, out)."""
        weight, delta = self._tensors[f"{name}.weight"], self._deltas.get(name)
        return weight if delta is None else weight + delta.T


class Embedder:
    """all-mpnet-base-v2 from a folder with `model.safetensors` and `tokenizer.json`. About 20 ms for a question, on one thread.

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
        with tempfile.TemporaryDirectory(prefix="firstword-") as made:
            try:
                _Conversion(tensors, deltas or {}).save(Path(made))
            except KeyError as error:
                raise EmbeddingError(f"{path} has no tensor {error}") from error
            self._encoder = ctranslate2.Encoder(made, device="cpu", compute_type="int8", inter_threads=1, intra_threads=1)

    def embed(self, texts: Sequence[str]) -> list[TextVectors]:
        """The vectors of each text, as a whole and of its tokens between the two that frame it: a dot product is a cosine."""
        found: dict[int, TextVectors] = {}
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(tokens)), key=lambda number: len(tokens[number]))
        for at in range(0, len(order), _TOGETHER):
            some = order[at : at + _TOGETHER]
            ids = [tokens[number] for number in some]
            positions = [list(range(_FIRST_POSITION, _FIRST_POSITION + len(text))) for text in ids]
            states = np.array(self._encoder.forward_batch(ids, token_type_ids=positions).last_hidden_state)
            for number, text, state in zip(some, ids, states, strict=True):
                whole, own = state[: len(text)].mean(axis=0), state[1 : len(text) - 1]
                found[number] = TextVectors(_unit(whole), _unit(own if len(own) else whole[None]))
        return [found[number] for number in range(len(tokens))]


def _unit(vectors: Floats) -> Floats:
    """Of length one along the last axis."""
    made: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return made
