"""`firstword replay` as it is typed; the call at real pace is in test_recording_real.py."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

import telephony.cli_replay as cli_replay
import telephony.recording.fixture as fixture
from telephony.cli import app
from telephony.cli_replay import CANNOT_REPLAY
from telephony.recording.fixture import REPLAYS

NAME = "interrupt-first-phrase"


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["replay", *arguments], env={"COLUMNS": "160"})
    return result.exit_code, result.output


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(REPLAYS / NAME, tmp_path / "copy"))


@pytest.mark.parametrize("how", ["--log", "--present"])
def test_a_log_is_replayed_by_name_or_folder(how: str, copy: Path) -> None:
    for recording in (NAME, str(copy)):
        code, out = run(recording, how)
        assert code == 0
        assert "the same commands and alarms" in out


def test_a_difference_is_shown_and_makes_the_status_1(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTWORD_BARGE_IN__RESUME_MS", "900")
    code, out = run(str(copy), "--present")
    assert code == 1
    assert "-   alarm_sample: " in out
    assert "+   alarm_sample: " in out
    assert "answers differ" in out
    assert run(str(copy), "--log")[0] == 0  # with what was recorded it is the same


def test_a_cut_log_is_replayed_up_to_there(copy: Path) -> None:
    log = (copy / "events.jsonl").read_text()
    (copy / "events.jsonl").write_text(log[: len(log) // 2])
    code, out = run(str(copy), "--log")
    assert code == 0
    assert "up to where the log was cut" in out


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("recording.json", '"version": 1', '"version": 2', "version 2 is not known to this firstword, which reads version 1"),
        ("events.jsonl", '"version": 1', '"version": 7', "version 7 is not known"),
        ("recording.json", "{", "", "no recording"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_line(copy: Path, file: str, old: str, new: str, said: str) -> None:
    (copy / file).write_text((copy / file).read_text().replace(old, new, 1))
    code, out = run(str(copy), "--log")
    assert code == CANNOT_REPLAY
    assert said in " ".join(out.split())
    assert "Traceback" not in out


def test_an_unknown_recording_is_an_error() -> None:
    assert run("no-such-recording", "--log")[0] == CANNOT_REPLAY


def test_without_audio_only_the_log_can_be_replayed(copy: Path) -> None:
    code, out = run(str(copy))
    assert code == CANNOT_REPLAY
    assert "only --log" in out


def test_one_command_makes_a_test(copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_replay, "save_fixture", lambda *a, **k: fixture.save_fixture(*a, **k, folder=tmp_path / "replays"))
    shutil.copy(copy / "transcript.jsonl", copy / "turns.jsonl")  # a fixture keeps no traces; any lines will do
    (copy / "turns.jsonl").write_text('{"outcome": "greeting", "reply": "Hello."}\n')
    code, out = run(str(copy), "--save-fixture", "mine")
    assert code == 0
    assert "written" in out
    assert (tmp_path / "replays" / "mine" / "events.jsonl").read_bytes() == (copy / "events.jsonl").read_bytes()
    assert json.loads((tmp_path / "replays" / "mine" / "expect.json").read_text())["turns"][0]["outcome"] == "greeting"


def test_an_expectation_is_written_to_be_edited(copy: Path, tmp_path: Path) -> None:
    (copy / "turns.jsonl").write_text('{"outcome": "greeting", "reply": "Hello."}\n')
    assert run(str(copy), "--save-expect", str(tmp_path / "expect.json"))[0] == 0
    table = json.loads((tmp_path / "expect.json").read_text())
    assert table["tolerances"]["first_word_ms"] == 400
    assert table["counts"] == {"barge_in_cancelled": 1, "barge_in_resumed": 0}


def turn(**changes: object) -> dict[str, object]:
    known = {"outcome": "answered", "caller": "Are you open?", "reply": "Yes, from nine.", "first_audio_ms": 500.0}
    return {**known, "speech_end_sample": 40_000, **changes}


def test_a_call_that_came_out_otherwise_reads_as_a_diff(copy: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    expect = {"version": 1, "turns": [{"outcome": "answered", "at_ms": 5000, "caller": "Are you open?", "reply": "Yes, from ten."}]}
    (tmp_path / "expect.json").write_text(json.dumps(expect))
    trace = {"turns": [turn(outcome="interrupted")], "counters": {"barge_in_cancelled": 1}}
    result = SimpleNamespace(trace=trace, worst_tick_ms=1.0)
    monkeypatch.setattr(cli_replay, "_replay_audio", lambda *_: result)
    code, out = run(str(copy), "--expect", str(tmp_path / "expect.json"))
    assert code == 1
    assert "Yes, from [-ten.-] {+nine.+}" in out
    assert "answered → interrupted" in out
    assert "barge_in_cancelled: 0 expected, 1 counted" in out
    trace["turns"], trace["counters"] = [turn(reply="Yes, from ten.")], {}
    code, out = run(str(copy), "--expect", str(tmp_path / "expect.json"))
    assert code == 0
    assert "as expected" in out
