"""The thread that writes recordings: whole ones, slow disks, full disks, eight calls at once, and what it costs."""

from __future__ import annotations

import datetime as dt
import gc
import json
import os
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from pipeline.event_log import Answer
from pipeline.recorder import Batch
from pipeline.trace import TurnTrace
from pipeline.turn import TurnTaking
from pipeline.turn_events import CallEnded, CallStarted, Heard
from telephony.recording.files import Ending, Head, RecordingFiles
from telephony.recording.reader import Recording, recordings
from telephony.recording.writer import Recording as Ongoing
from telephony.recording.writer import RecordingWriter

MS = 1_000_000
FRAME = np.arange(160, dtype=np.int16)
# As long as Twilio's are: 160 samples are 216 characters of base64.
MEDIA = json.dumps(
    {
        "event": "media",
        "sequenceNumber": "1",
        "media": {"track": "inbound", "chunk": "1", "timestamp": "0", "payload": "x" * 216},
        "streamSid": "MZ" + "0" * 32,
    }
)


def head(call: str = "CA1") -> Head:
    return Head(call, "Test", "version = 1\n", 8000, TurnTaking(), dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC))


@contextmanager
def writing(folder: Path, **how: object) -> Iterator[RecordingWriter]:
    writer = RecordingWriter(folder, **how)  # type: ignore[arg-type]
    writer.start()
    try:
        yield writer
    finally:
        writer.close()


def call(ongoing: Ongoing, frames: range) -> None:
    """What a call gives in 20 ms each: a frame in, a frame out, and every 100 ms a mark and its event."""
    recorder = ongoing.recorder
    for number in frames:
        now = (number + 1) * 20 * MS
        recorder.wire("twilio", MEDIA, now)
        recorder.caller(number * 160, FRAME, now)
        recorder.wire("bot", MEDIA, now)
        if number % 5 == 0:
            recorder.took(Heard(number * 160), Answer(), now)
        if number % 100 == 0:
            recorder.bot(np.full(8000, 3, np.int16), now)


def only(folder: Path) -> Recording:
    (path,) = recordings(folder)
    return Recording.open(path)


def test_a_call_is_on_disk_whole(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        ongoing = writer.begin(head(), 0)
        ongoing.recorder.took(CallStarted(), Answer(), 0)
        call(ongoing, range(500))
        ongoing.recorder.turn_over(TurnTrace(1, 0, caller="hi", outcome="answered"))
        ongoing.recorder.took(CallEnded("caller_hung_up"), Answer(), 10_000 * MS)
        ongoing.end(Ending("caller_hung_up", {"bet_won": 1}), 10_000 * MS)
    recording = only(tmp_path)
    assert recording.folder.name == "20261122T120000Z-CA1"
    assert recording.state == "complete"
    assert recording.manifest["duration_ms"] == 10_000
    assert (recording.manifest["end_reason"], recording.manifest["counters"]) == ("caller_hung_up", {"bet_won": 1})
    assert recording.manifest["lost"] == {}
    left, right, rate_hz = recording.audio()
    assert (rate_hz, len(left)) == (8000, 80_000)
    assert np.array_equal(left.reshape(-1, 160), np.tile(FRAME, (500, 1)))
    assert np.count_nonzero(right == 3) == 5 * 8000
    wire = recording.wire()
    assert [row["at_ms"] for row in wire[:3]] == [20, 20, 40]
    assert len(wire) == 1000
    assert wire[0]["message"] == json.loads(MEDIA)
    assert recording.events().complete
    assert len(recording.events().entries) == 102
    assert recording.turns()[0]["caller"] == "hi"
    assert recording.bot is not None
    assert recording.bot.read_text() == "version = 1\n"


def test_a_recording_is_for_its_owner_only(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        writer.begin(head(), 0).end(Ending("x"), 0)
    (path,) = recordings(tmp_path)
    assert path.stat().st_mode & 0o077 == 0
    assert {file.stat().st_mode & 0o077 for file in path.iterdir()} == {0}


def test_a_call_of_no_length_is_a_recording_too(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        writer.begin(head(), 0).end(Ending("gone"), 0)
        writer.begin(head(), 0).end(Ending("gone"), 0)
    assert [path.name for path in recordings(tmp_path)] == ["20261122T120000Z-CA1", "20261122T120000Z-CA1-2"]
    assert [len(Recording.open(path).audio()[0]) for path in recordings(tmp_path)] == [0, 0]


class SlowDisk(RecordingFiles):
    """Waits before each batch until it is let go."""

    go = threading.Event()

    def write(self, batch: Batch) -> None:
        self.go.wait()
        super().write(batch)


def test_a_slow_disk_holds_up_no_call_and_leaves_a_marked_recording(tmp_path: Path) -> None:
    SlowDisk.go.clear()
    with writing(tmp_path, room=4, open_files=SlowDisk) as writer:
        ongoing = writer.begin(head(), 0)
        call(ongoing, range(1500))  # returns although nothing is written
        SlowDisk.go.set()
        ongoing.end(Ending("x"), 30_000 * MS)
    recording = only(tmp_path)
    assert recording.state == "incomplete"
    lost = recording.manifest["lost"]
    assert lost["samples"] > 8000 * 25
    left, _, _ = recording.audio()
    assert len(left) == 1500 * 160  # the timeline is whole: what is missing is silence
    frames = left.reshape(-1, 160)
    assert np.count_nonzero(~frames.any(axis=1)) * 160 == pytest.approx(lost["samples"], abs=320)
    rows = recording.wire()
    assert sum(row.get("lost", 0) for row in rows) == lost["messages"] == 3000 - sum("message" in row for row in rows)
    assert any("lost" in row for row in recording.transcript())
    assert len(recording.events().entries) == 300  # small enough to wait


class FullDisk(RecordingFiles):
    """Takes five batches."""

    taken = 0

    def write(self, batch: Batch) -> None:
        self.taken += 1
        if self.taken > 5:
            raise OSError(28, "No space left on device")
        super().write(batch)


def test_a_full_disk_ends_the_recording_and_nothing_else(tmp_path: Path) -> None:
    with capture_logs() as logged, writing(tmp_path, open_files=FullDisk) as writer:
        ongoing = writer.begin(head(), 0)
        call(ongoing, range(500))
        ongoing.end(Ending("x"), 10_000 * MS)
        second = writer.begin(head("CA2"), 0)
        call(second, range(20))
        second.end(Ending("x"), 400 * MS)
    assert [entry["call"] for entry in logged if entry["event"] == "recording_failed"] == ["CA1"]
    first, other = (Recording.open(path) for path in recordings(tmp_path))
    assert (first.state, other.state) == ("cut", "complete")
    assert 0 < len(first.audio()[0]) < 20_000


def test_a_folder_that_cannot_be_made_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError):
        RecordingWriter(tmp_path / "file").start()


def cost_of_eight_calls(folder: Path, seconds: int) -> float:
    """Cores used, by the loop's side and the thread together, for calls in which both sides talk all the time."""
    with writing(folder, room=10**6) as writer:
        calls = [writer.begin(head(f"CA{number}"), 0) for number in range(8)]
        began = time.process_time()
        for at in range(0, seconds * 50, 50):
            for ongoing in calls:
                call(ongoing, range(at, at + 50))
        for ongoing in calls:
            ongoing.end(Ending("x"), seconds * 1000 * MS)
    return (time.process_time() - began) / seconds


def test_eight_calls_cost_two_hundredths_of_the_machine_at_most(tmp_path: Path) -> None:
    """Measured: 0.008 of one core, 0.014 beside three other jobs. CPU time, and the best of three: a busy machine takes caches away as well."""
    used = [cost_of_eight_calls(tmp_path / str(attempt), 20) for attempt in range(3)]
    assert {Recording.open(path).state for path in recordings(tmp_path / "0")} == {"complete"}
    assert min(used) / len(os.sched_getaffinity(0)) <= 0.02, used


def test_eight_calls_take_a_fixed_amount_of_memory_when_the_disk_stands_still(tmp_path: Path) -> None:
    SlowDisk.go.clear()
    with writing(tmp_path, open_files=SlowDisk) as writer:
        calls = [writer.begin(head(f"CA{number}"), 0) for number in range(8)]
        sizes = []
        tracemalloc.start()
        for at in range(0, 6000, 500):  # two minutes
            for ongoing in calls:
                call(ongoing, range(at, at + 500))
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0] / 2**20)
        tracemalloc.stop()
        SlowDisk.go.set()
    assert sizes[-1] <= 24, sizes
    assert sizes[-1] - sizes[2] <= 8, sizes  # events are kept; audio and wire are not
