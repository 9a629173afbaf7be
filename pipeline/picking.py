"""What training knows about picking a fact: a small change of the embedding model, and how much each sign of a statement counts.

`config/picking.npz` is made by `fixtures/picking/train.py` from questions of callers whose answering line somebody marked. The change of the
model is low-rank (LoRA, Hu et al. 2021, https://arxiv.org/abs/2106.09685) and is added to its weights when it is loaded: it costs a call nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import config

Floats = NDArray[np.float32]

FILE = Path(config.__file__).parent / "picking.npz"


@dataclass(frozen=True, slots=True)
class Weights:
    """What each of a statement's scores adds to its log odds of being the answer, and `nothing`, those of no statement being it."""

    meaning: float
    detail: float
    words: float
    kind: float
    context: float
    nothing: float


@dataclass(frozen=True, slots=True)
class Trained:
    """`deltas`: by name of a dense layer ("encoder.layer.3.output.dense") what is added to its matrix, shape (in, out), float32.

    `worth`: how much a token of the question tells (`pipeline.likeness`), shape (768,).
    """

    deltas: dict[str, Floats]
    weights: Weights
    worth: Floats


@cache
def trained(path: Path = FILE) -> Trained:
    """The file, read once. Raises `OSError` or `KeyError` when it is not there or not what it should be: it comes with the package."""
    with np.load(path) as file:
        names = [name.removesuffix(".down") for name in file.files if name.endswith(".down")]
        deltas = {name: file[f"{name}.down"].astype(np.float32) @ file[f"{name}.up"].astype(np.float32) for name in names}
        return Trained(deltas, Weights(*map(float, file["weights"])), file["worth"])
