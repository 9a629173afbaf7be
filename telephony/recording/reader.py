"""Reads recordings: whole ones, ones that were cut, and ones that are still being written."""

from __future__ import annotations

import fcntl
import gzip
import json
import os
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pipeline.event_log import EventLog, EventLogError, check_version, read_log
from pipeline.leg import Pcm
from telephony.recording.files import AUDIO, BOT, EVENTS, MANIFEST, TRANSCRIPT, TURNS, WIRE, write_manifest

State = Literal["complete", "incomplete", "cut", "open"]


class RecordingError(ValueError):
    """This is no recording that this program reads; the text names the file and what is wrong."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording's folder. Everything but the manifest is read when it is asked for, and raises RecordingError."""

    folder: Path
    manifest: dict[str, Any]

    @classmethod
    def open(cls, folder: Path) -> Recording:
        """Raises RecordingError for what is no recording, or one of a later program."""
        path = folder / MANIFEST
        try:
            manifest = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise RecordingError(f"{folder} is no recording: {error}") from error
        if not isinstance(manifest, dict):
            raise RecordingError(f"{path}: no JSON object")
        try:
            check_version(manifest, "recording")
        except EventLogError as error:
            raise RecordingError(f"{path}: {error}") from None
        return cls(folder, manifest)

    @property
    def state(self) -> State:
        """`complete`; `incomplete`: the disk was too slow; `cut`: its process died; `open`: the call goes on."""
        state: State = self.manifest.get("state", "open")
        return "cut" if state == "open" and not _is_held(self.folder / EVENTS) else state

    @property
    def call_sid(self) -> str:
        """The carrier's id of the call."""
        return str(self.manifest.get("call_sid", ""))

    @property
    def bot(self) -> Path | None:
        """The bot file as it was at the time."""
        path = self.folder / BOT
        return path if path.is_file() else None

    def events(self) -> EventLog:
        """The turn machine's log."""
        path = self.folder / EVENTS
        try:
            with path.open(encoding="utf-8", newline="\n") as file:
                return read_log(file)
        except (OSError, ValueError) as error:
            raise RecordingError(f"{path}: {error}") from error

    def wire(self) -> list[dict[str, Any]]:
        """Rows of `at_ms`, `from`, and `message` or `text`; or of `lost`. Empty if it was not kept."""
        packed = self.folder / f"{WIRE}.gz"
        return list(_rows(packed if packed.exists() else self.folder / WIRE))

    def transcript(self) -> list[dict[str, Any]]:
        """Rows of `pipeline.transcript.Line`, or of `lost`."""
        return list(_rows(self.folder / TRANSCRIPT))

    def turns(self) -> list[dict[str, Any]]:
        """The turns that were over, as `GET /calls/{call_sid}` has them."""
        return list(_rows(self.folder / TURNS))

    def audio(self) -> tuple[Pcm, Pcm, int]:
        """The caller, the bot as heard, and the rate in Hz."""
        path = self.folder / AUDIO
        try:
            with wave.open(str(path), "rb") as file:
                both = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
                return both[:, 0], both[:, 1], file.getframerate()
        except (OSError, EOFError, wave.Error, ValueError) as error:
            raise RecordingError(f"{path}: {error}") from error


def recordings(folder: Path) -> list[Path]:
    """The recordings in a folder, oldest first."""
    return sorted(path.parent for path in folder.glob(f"*/{MANIFEST}"))


def await_complete(folder: Path, within_s: float = 10.0) -> Recording:
    """The recording once its last batch is written. Raises RecordingError when that takes too long. Blocks."""
    give_up = time.monotonic() + within_s
    while (recording := Recording.open(folder)).manifest.get("state") == "open":
        if time.monotonic() > give_up:
            raise RecordingError(f"{folder} is still open after {within_s:g} s")
        time.sleep(0.05)
    return recording


def mark_cut(folder: Path) -> list[Path]:
    """Write into those whose process died that they were cut; returns them. What cannot be read is left alone."""
    found = []
    for path in recordings(folder):
        try:
            recording = Recording.open(path)
            if recording.manifest.get("state") == "open" and recording.state == "cut":
                write_manifest(path, {**recording.manifest, "state": "cut"})
                found.append(path)
        except (RecordingError, OSError):
            continue
    return found


def _is_held(path: Path) -> bool:
    """Whether a living process writes this file."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(file)
    return False


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    """Lines of JSON; a last one without its end was cut, and is left out."""
    if not path.exists():
        return
    try:
        text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text("utf-8")
        lines = text.split("\n")
        for number, line in enumerate(lines[:-1], 1):
            row = json.loads(line)
            if not isinstance(row, dict):
                raise RecordingError(f"{path}:{number}: no JSON object")
            yield row
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RecordingError(f"{path}: {error}") from error
