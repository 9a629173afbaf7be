"""The files of one recording while it grows: after every batch they can be read up to there, whatever happens to the process next.

Blocking I/O: for the writer's thread only. Nothing is buffered in the process, so what `write` has returned from survives `kill -9`;
it is not synced, so a power failure may take the last seconds.
"""

from __future__ import annotations

import fcntl
import json
import os
import struct
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.event_log import Gap, entry_line, header_line
from pipeline.leg import Pcm
from pipeline.recorder import Batch, WireMessage
from pipeline.turn import TurnTaking

VERSION = 1
MANIFEST, AUDIO, TRANSCRIPT, WIRE = "recording.json", "audio.wav", "transcript.jsonl", "wire.jsonl"
EVENTS, TURNS, BOT = "events.jsonl", "turns.jsonl", "bot.toml"

RECORDING_FOLDER = "FIRSTWORD_RECORDING__FOLDER"
"""The setting, as a variable of the environment."""

_WAV_HEADER = 44
_FRAME_BYTES = 4


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of a call when it begins. `bot_text`: the bot file as it was read. `began`: aware."""

    call_sid: str
    bot: str
    bot_text: str
    rate_hz: int
    turn: TurnTaking
    began: datetime


@dataclass(frozen=True, slots=True)
class Ending:
    """What is known when it is over."""

    reason: str
    counters: Mapping[str, int] = field(default_factory=dict)


class GrowingWav:
    """A stereo 16-bit WAV whose header is true after every append."""

    def __init__(self, path: Path, rate_hz: int) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self.samples = 0
        fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 2, rate_hz, rate_hz * _FRAME_BYTES, _FRAME_BYTES, 16)
        _write(self._file, b"RIFF" + struct.pack("<I", _WAV_HEADER - 8) + b"WAVE" + fmt + b"data" + struct.pack("<I", 0))

    def append(self, first_sample: int, left: Pcm, right: Pcm) -> None:
        """`left` and `right` are of one length. What was left out before `first_sample` becomes silence."""
        both = np.zeros((first_sample - self.samples + len(left), 2), "<i2")
        both[first_sample - self.samples :, 0] = left
        both[first_sample - self.samples :, 1] = right
        if not len(both):
            return
        _write(self._file, both.tobytes())
        self.samples += len(both)
        size = self.samples * _FRAME_BYTES
        os.pwrite(self._file, struct.pack("<I", _WAV_HEADER - 8 + size), 4)
        os.pwrite(self._file, struct.pack("<I", size), 40)

    def close(self) -> None:
        """The file is whole already."""
        os.close(self._file)


class GrowingLines:
    """A text file that grows by whole lines."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)

    def append(self, lines: Iterable[str]) -> None:
        """Lines without their ends."""
        if text := "".join(f"{line}\n" for line in lines):
            _write(self._file, text.encode("utf-8", "replace"))

    def lock(self) -> None:
        """Held as long as this process lives: how a reader tells a call that goes on from one that was cut."""
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def close(self) -> None:
        """Gives the lock back as well."""
        os.close(self._file)


class RecordingFiles:
    """One call's files, in a folder of their own below `folder`. Every method raises OSError."""

    def __init__(self, folder: Path, head: Head) -> None:
        self.folder = _new_folder(folder, f"{head.began:%Y%m%dT%H%M%SZ}-{head.call_sid}")
        self._head = head
        self.lost: dict[str, int] = {}
        with ExitStack() as stack:
            self._events, self._wire, self._transcript, self._turns = (
                stack.enter_context(closing(GrowingLines(self.folder / name))) for name in (EVENTS, WIRE, TRANSCRIPT, TURNS)
            )
            self._wav = stack.enter_context(closing(GrowingWav(self.folder / AUDIO, head.rate_hz)))
            self._events.lock()
            self._write_manifest(state="open")
            self._events.append([header_line(head.rate_hz, head.turn)])
            (self.folder / BOT).write_text(head.bot_text, "utf-8")
            (self.folder / BOT).chmod(0o600)
            self._stack = stack.pop_all()

    def write(self, batch: Batch) -> None:
        """Append a fifth of a second."""
        self._note_lost(batch)
        self._wav.append(batch.first_sample, batch.left, batch.right)
        self._events.append(entry_line(entry) for entry in batch.entries)
        self._wire.append(wire_line(message) for message in batch.wire)
        self._transcript.append(json.dumps(asdict(line), ensure_ascii=False) for line in batch.lines)
        self._turns.append(json.dumps(turn.as_json(), ensure_ascii=False) for turn in batch.turns)

    def close(self, ending: Ending) -> None:
        """The call is over and all of it is written."""
        self.abandon()
        state = "incomplete" if self.lost else "complete"
        self._write_manifest(
            state=state,
            end_reason=ending.reason,
            duration_ms=self._wav.samples * 1000 // self._head.rate_hz,
            counters=dict(ending.counters),
            lost=self.lost,
        )

    def abandon(self) -> None:
        """Close the files and leave the recording as one that was cut."""
        self._stack.close()

    def _note_lost(self, batch: Batch) -> None:
        """Where something is missing, the file says so."""
        lost = batch.lost
        for name, count in (("samples", lost.samples), ("messages", lost.messages), ("notes", lost.notes)):
            if count:
                self.lost[name] = self.lost.get(name, 0) + count
        if lost.messages:
            self._wire.append([json.dumps({"lost": lost.messages})])
        if lost.samples or lost.notes:
            at_ms = (batch.first_sample - lost.samples) * 1000 // self._head.rate_hz
            audio_ms = lost.samples * 1000 // self._head.rate_hz
            self._transcript.append([json.dumps({"lost": {"from_ms": at_ms, "audio_ms": audio_ms, "lines": lost.notes}})])
        if gaps := sum(entry.lost for entry in batch.entries if isinstance(entry, Gap)):
            self.lost["events"] = self.lost.get("events", 0) + gaps

    def _write_manifest(self, **more: Any) -> None:
        head = self._head
        write_manifest(
            self.folder,
            {
                "version": VERSION,
                "call_sid": head.call_sid,
                "bot": head.bot,
                "began": head.began.isoformat(),
                "rate_hz": head.rate_hz,
                "firstword": version("firstword"),
                **more,
            },
        )


def write_manifest(folder: Path, table: Mapping[str, Any]) -> None:
    """Replace recording.json: there is always a whole one."""
    new = folder / f".{MANIFEST}.new"
    new.write_text(json.dumps(table, indent=2, ensure_ascii=False) + "\n", "utf-8")
    new.chmod(0o600)
    new.replace(folder / MANIFEST)


def wire_line(message: WireMessage) -> str:
    """The message as it was on the wire if it is a JSON object in one line, else as a text. Ours always is."""
    text = message.text
    at_ms = message.at_ns // 1_000_000
    if message.who == "bot" or _is_object(text):
        return f'{{"at_ms": {at_ms}, "from": "{message.who}", "message": {text}}}'
    return json.dumps({"at_ms": at_ms, "from": message.who, "text": text}, ensure_ascii=False)


_decoder = json.JSONDecoder()


def _is_object(text: str) -> bool:
    if text[:1] != "{" or "\n" in text:
        return False
    try:
        return _decoder.raw_decode(text)[1] == len(text)
    except (ValueError, RecursionError):
        return False


def _new_folder(parent: Path, name: str) -> Path:
    """One call's words are nobody else's business: readable by the owner only."""
    parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        folder = parent / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            number += 1
        else:
            return folder


def _write(file: int, data: bytes) -> None:
    """All of it: a nearly full disk may take a part."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]
