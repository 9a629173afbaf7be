"""Recordings read back: versions, cuts, and whether somebody still writes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from test_recording_writer import call, head

from pipeline.recorder import WireMessage
from telephony.recording.files import MANIFEST, Ending, RecordingFiles, wire_line, write_manifest
from telephony.recording.reader import Recording, RecordingError, await_complete, mark_cut, recordings
from telephony.recording.writer import RecordingWriter


def one(folder: Path) -> Path:
    """A complete recording of two seconds."""
    writer = RecordingWriter(folder)
    writer.start()
    ongoing = writer.begin(head(), 0)
    call(ongoing, range(100))
    ongoing.end(Ending("x"), 2_000_000_000)
    writer.close()
    (path,) = recordings(folder)
    return path


@pytest.mark.parametrize("version", [2, "1", None, True])
def test_an_unknown_version_is_refused(tmp_path: Path, version: object) -> None:
    path = one(tmp_path)
    manifest = json.loads((path / MANIFEST).read_text())
    write_manifest(path, {**manifest, "version": version})
    with pytest.raises(RecordingError, match=rf"recording.json: .*version {version!r} is not known .* reads version 1"):
        Recording.open(path)


def test_what_is_no_recording_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no recording"):
        Recording.open(tmp_path)
    (tmp_path / MANIFEST).write_text("[]")
    with pytest.raises(RecordingError, match="no JSON object"):
        Recording.open(tmp_path)


def test_files_may_end_anywhere(tmp_path: Path) -> None:
    """What `kill -9` can leave: a last line without its end, sound behind what the header tells."""
    path = one(tmp_path)
    whole = Recording.open(path)
    lengths = len(whole.wire()), len(whole.events().entries), len(whole.audio()[0])
    for name in ("wire.jsonl", "events.jsonl", "transcript.jsonl", "turns.jsonl"):
        with (path / name).open("a") as file:
            file.write('{"at_')
    with (path / "audio.wav").open("ab") as file:
        file.write(b"\1" * 401)
    cut = Recording.open(path)
    assert (len(cut.wire()), len(cut.events().entries), len(cut.audio()[0])) == lengths
    assert cut.events().cut
    assert cut.transcript() == whole.transcript()


def test_a_broken_line_inside_is_named(tmp_path: Path) -> None:
    path = one(tmp_path)
    (path / "wire.jsonl").write_text("{}\nnot json\n{}\n")
    with pytest.raises(RecordingError, match=r"wire\.jsonl"):
        Recording.open(path).wire()


def test_while_it_is_written_it_is_open_and_not_marked(tmp_path: Path) -> None:
    files = RecordingFiles(tmp_path, head())
    assert Recording.open(files.folder).state == "open"
    assert mark_cut(tmp_path) == []
    with pytest.raises(RecordingError, match="still open"):
        await_complete(files.folder, within_s=0.0)
    files.close(Ending("x"))
    assert Recording.open(files.folder).state == "complete"
    assert await_complete(files.folder).state == "complete"


WRITES_AND_DIES = """
import os, signal, sys, time
from pathlib import Path
from telephony.recording.writer import RecordingWriter
from test_recording_writer import call, head
folder = Path(sys.argv[1])
writer = RecordingWriter(folder)
writer.start()
ongoing = writer.begin(head(), 0)
call(ongoing, range(1000))
while not (found := list(folder.glob("*/audio.wav"))) or found[0].stat().st_size < 44 + 4 * 8 * 19_000:
    time.sleep(0.01)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_leaves_is_read_and_marked(tmp_path: Path) -> None:
    tests = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": f"{tests.parent}:{tests}"}
    died = subprocess.run([sys.executable, "-c", WRITES_AND_DIES, str(tmp_path)], env=environment, check=False, timeout=60)
    assert died.returncode == -signal.SIGKILL
    (path,) = recordings(tmp_path)
    recording = Recording.open(path)
    assert recording.manifest["state"] == "open"
    assert recording.state == "cut"
    left, _, _ = recording.audio()
    assert len(left) >= 8 * 19_000
    assert np.array_equal(left[: 160 * 900].reshape(-1, 160), np.tile(np.arange(160), (900, 1)))
    assert len(recording.wire()) >= 1900
    assert recording.events().entries
    assert mark_cut(tmp_path) == [path]
    assert json.loads((path / MANIFEST).read_text())["state"] == "cut"
    assert mark_cut(tmp_path) == []


def test_the_wire_is_kept_as_it_was_also_when_it_was_wrong() -> None:
    def row(who: str, text: str) -> object:
        return json.loads(wire_line(WireMessage(1_900_000, who, text)))  # type: ignore[arg-type]

    assert row("twilio", '{"event": "media"}') == {"at_ms": 1, "from": "twilio", "message": {"event": "media"}}
    assert row("bot", '{"event": "clear"}') == {"at_ms": 1, "from": "bot", "message": {"event": "clear"}}
    for wrong in ("not json", "[1]", '{"a":\n 1}', "[" * 60_000, '{"a": ' * 20_000, '{"a": 1} {', "{", "", "\u2028"):
        assert row("twilio", wrong) == {"at_ms": 1, "from": "twilio", "text": wrong}
