"""A recording becomes a test with one command."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from test_recording_reader import one
from test_recording_writer import head

from pipeline.event_log import Answer
from pipeline.recorder import WireMessage
from pipeline.turn_events import CallEnded, CallStarted
from telephony.recording.files import Ending, RecordingFiles, wire_line
from telephony.recording.fixture import save_fixture
from telephony.recording.reader import Recording, RecordingError, recordings
from telephony.recording.writer import RecordingWriter

START = {"event": "start", "start": {"callSid": "CA1", "customParameters": {"token": "secret"}}}


def whole(folder: Path) -> Recording:
    """A complete recording of a call that was over at once."""
    writer = RecordingWriter(folder)
    writer.start()
    ongoing = writer.begin(head(), 0)
    ongoing.recorder.wire("twilio", json.dumps(START), 0)
    ongoing.recorder.wire("bot", '{"event": "media"}', 0)
    ongoing.recorder.took(CallStarted(), Answer(), 0)
    ongoing.recorder.took(CallEnded("x"), Answer(), 1)
    ongoing.end(Ending("x"), 2)
    writer.close()
    (path,) = recordings(folder)
    return Recording.open(path)


def test_it_keeps_what_a_replay_needs(tmp_path: Path) -> None:
    target = save_fixture(whole(tmp_path / "calls"), "a-call", folder=tmp_path / "replays")
    names = {path.name for path in target.iterdir()}
    assert names == {"recording.json", "events.jsonl", "transcript.jsonl", "bot.toml", "expect.json"}
    assert len(Recording.open(target).events().entries) == 2
    assert Recording.open(target).state == "complete"


def test_with_audio_it_keeps_the_callers_side_without_the_token(tmp_path: Path) -> None:
    target = save_fixture(whole(tmp_path / "calls"), "a-call", with_audio=True, folder=tmp_path / "replays")
    wire = gzip.decompress((target / "wire.jsonl.gz").read_bytes())
    assert b"secret" not in wire
    (row,) = Recording.open(target).wire()
    assert row["message"]["start"]["callSid"] == "CA1"
    save_fixture(whole(tmp_path / "again"), "a-call", folder=tmp_path / "replays")
    assert not (target / "wire.jsonl.gz").exists()


def test_half_a_call_is_no_test(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="only a complete recording"):
        save_fixture(Recording.open(one(tmp_path / "calls")), "a-call", folder=tmp_path)  # its log has no end
    files = RecordingFiles(tmp_path / "cut", head())
    files.abandon()
    with pytest.raises(RecordingError, match="is cut"):
        save_fixture(Recording.open(files.folder), "a-call", folder=tmp_path)


@pytest.mark.parametrize("name", ["../up", "Capital", "", "two words"])
def test_a_name_is_a_folders_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecordingError, match="no name for a fixture"):
        save_fixture(whole(tmp_path), name, folder=tmp_path / "replays")


def test_audio_that_was_not_kept_is_missed(tmp_path: Path) -> None:
    recording = whole(tmp_path / "calls")
    (recording.folder / "wire.jsonl").write_text(wire_line(WireMessage(0, "bot", "{}")) + "\n")
    with pytest.raises(RecordingError, match="no wire messages"):
        save_fixture(recording, "a-call", with_audio=True, folder=tmp_path / "replays")
    assert not (tmp_path / "replays").exists()
