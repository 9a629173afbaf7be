"""The lock file of the models: what each is, what it weighs and hashes to, and where it comes from."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from config.errors import ModelError

LOCK_FILE = Path(__file__).with_name("models.lock.toml")

Role = Literal["asr", "llm", "tts", "vad", "turn", "embed"]


def _inside(path: str) -> str:
    """A relative path that stays inside its folder: the lock must not be able to write elsewhere."""
    pure = PurePosixPath(path)
    if not path or pure.is_absolute() or ".." in pure.parts:
        raise ValueError(f"{path!r} does not stay inside the model's folder")
    return path


def _name(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name):
        raise ValueError(f"{name!r} is not a model name: small letters, digits, . _ -")
    return name


InsidePath = Annotated[str, AfterValidator(_inside)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Part(_Table):
    """One member of one wheel. `wheel` is a pinned requirement, `name==version`."""

    wheel: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*==[0-9][A-Za-z0-9._]*$")
    member: InsidePath


class ModelFile(_Table):
    """One file of a model: `size` in bytes, `sha256` in full. Its parts, joined in order, are the file, or a zip that holds it as `unzip`."""

    path: InsidePath
    size: int = Field(gt=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    hub_path: str = ""
    unzip: InsidePath | None = None
    parts: tuple[Part, ...] = Field(min_length=1)


class Derive(_Table):
    """Made here by requantising the `entry` of another model; `size` in bytes is an estimate for the progress bar and the disk."""

    from_: str = Field(alias="from")
    file_type: Literal["Q4_0", "Q8_0"]
    size: int = Field(gt=0)


class Model(_Table):
    """One model of the lock. `entry` is the file an engine is given, empty: the model's folder. `hub` is a repository id or empty."""

    name: Annotated[str, AfterValidator(_name)]
    role: Role
    licence: str = Field(min_length=1)
    version: str = Field(min_length=1)
    entry: str = ""
    hub: str = ""
    files: tuple[ModelFile, ...] = ()
    derive: Derive | None = None

    @property
    def size(self) -> int:
        """Bytes on disk (of a derived model: about)."""
        return self.derive.size if self.derive else sum(file.size for file in self.files)

    @property
    def wheels(self) -> tuple[str, ...]:
        """The pinned wheels that carry the files, each once, in order."""
        return tuple(dict.fromkeys(part.wheel for file in self.files for part in file.parts))

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.derive is None) == (not self.files):
            raise ValueError("a model has either files or derive")
        if self.derive and not self.entry:
            raise ValueError("a derived model needs an entry")
        if self.entry and self.files and self.entry not in {file.path for file in self.files}:
            raise ValueError(f"entry {self.entry!r} is none of its files")
        return self


class Lock(_Table):
    """All models, by name."""

    version: Literal[1]
    model: Mapping[str, Model]

    @model_validator(mode="after")
    def _sources_known(self) -> Self:
        for model in self.model.values():
            source = self.model.get(model.derive.from_) if model.derive else None
            if model.derive and (source is None or not source.entry or source.derive):
                raise ValueError(f"{model.name} is derived from {model.derive.from_!r}, which is no downloaded model with an entry")
        return self

    def __getitem__(self, name: str) -> Model:
        """The model of that name; `ModelError` naming the known ones if there is none."""
        if name not in self.model:
            raise ModelError(
                f"there is no model {name!r}; known are: {', '.join(self.model)}", "see them with: firstword models list"
            )
        return self.model[name]


def load_lock(path: Path = LOCK_FILE) -> Lock:
    """Read a lock file. A malformed one is a `ModelError`: it is ours, and shipped."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
        models = {name: {"name": name, **model} for name, model in table.pop("model", {}).items()}
        return Lock.model_validate({**table, "model": models})
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise ModelError(f"{path}: the lock file of the models can't be used: {error}", "install firstword again") from error
