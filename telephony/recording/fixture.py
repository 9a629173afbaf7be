"""Recordings as tests: `fixtures/replays/NAME`, small enough to be committed, replayed by tests/test_replays.py."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from pathlib import Path
from typing import Any

from telephony.recording.expectation import Expectation
from telephony.recording.files import BOT, EVENTS, TRANSCRIPT, WIRE, write_manifest
from telephony.recording.reader import Recording, RecordingError

REPLAYS = Path(__file__).resolve().parents[2] / "fixtures" / "replays"
EXPECT = "expect.json"

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def save_fixture(recording: Recording, name: str, *, with_audio: bool = False, folder: Path = REPLAYS) -> Path:
    """Make a test of a recording: its event log, transcript, bot file, and what it came to. A fixture of this name is replaced.

    `with_audio`: the caller's wire messages too, 9 kB a second, for a replay at real pace. Raises RecordingError for a recording that is
    not whole: half a call is no test.
    """
    if not _NAME.fullmatch(name):
        raise RecordingError(f"{name!r} is no name for a fixture: small letters, digits and hyphens")
    if recording.state != "complete" or not recording.events().complete:
        raise RecordingError(f"{recording.folder} is {recording.state}: only a complete recording makes a test")
    expectation = Expectation.of_recording(recording)
    wire = _wire(recording) if with_audio else b""
    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    for file in (EVENTS, TRANSCRIPT, BOT):
        shutil.copyfile(recording.folder / file, target / file)
    write_manifest(target, recording.manifest)
    (target / EXPECT).write_text(expectation.to_json(), "utf-8")
    packed = target / f"{WIRE}.gz"
    packed.unlink(missing_ok=True)
    if with_audio:
        packed.write_bytes(gzip.compress(wire, 9, mtime=0))
    return target


def expectation_of(recording: Recording, file: Path | None = None) -> Expectation:
    """From `file`, else from the fixture's own, else from the recording itself. Raises RecordingError."""
    path = file or recording.folder / EXPECT
    if file is None and not path.exists():
        return Expectation.of_recording(recording)
    try:
        return Expectation.from_json(path.read_text("utf-8"), str(path))
    except OSError as error:
        raise RecordingError(f"{path}: {error}") from error


def _wire(recording: Recording) -> bytes:
    """The caller's side only, without the stream's token."""
    rows = [_without_token(row) for row in recording.wire() if row.get("from") == "twilio" and "message" in row]
    if not rows:
        raise RecordingError(f"{recording.folder} holds no wire messages")
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def _without_token(row: dict[str, Any]) -> dict[str, Any]:
    start = row["message"].get("start")
    if not isinstance(start, dict):
        return row
    return {**row, "message": {**row["message"], "start": {**start, "customParameters": {}}}}
