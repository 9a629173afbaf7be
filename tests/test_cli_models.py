"""`firstword models` as a user runs it; what pulling does is tested in test_models.py."""

from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from config import models
from config.lock import load_lock
from config.models import Progress
from telephony import cli_models


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTWORD_MODELS", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli_models.app, arguments)


def test_list_names_every_model_and_stars_the_needed() -> None:
    result = run("list", "--profile", "lite")
    assert result.exit_code == 0
    starred = [line.split()[1] for line in result.stdout.splitlines() if line.startswith("*")]
    assert starred == [
        "whisper-tiny.en",
        "qwen2.5-0.5b-q4_0",
        "silero-vad",
        "smart-turn-v3.2",
        "mpnet-base-v2",
    ]
    assert all(name in result.stdout for name in load_lock().model)


def test_verify_fails_and_names_the_command(tmp_path: Path) -> None:
    folder = tmp_path / "silero-vad"
    folder.mkdir()
    (folder / "silero_vad.onnx").write_bytes(bytes(load_lock()["silero-vad"].size))
    assert run("verify", "silero-vad", "--quick").exit_code == 0
    result = run("verify", "silero-vad")
    assert result.exit_code == 1
    assert "silero-vad: silero_vad.onnx is damaged" in result.output
    assert "run: firstword models pull silero-vad\n" in result.output
    everything = run("verify")
    assert everything.exit_code == 1
    assert "whisper-base: model.bin is missing" in everything.output


def test_pull_pulls_what_the_settings_need_and_shows_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[object] = []

    def pull(names: list[str], models_dir: Path, report: models.Report, **_lock: object) -> None:
        asked.append((names, models_dir))
        report(Progress("", "waiting", 0, 0, "another pull is at work"))
        for name in names:
            report(Progress(name, "requantise", 0, 10))
            report(Progress(name, "done", 10, 10))

    monkeypatch.setattr(models, "pull", pull)
    result = run("pull", "--profile", "lite")
    assert result.exit_code == 0
    assert asked == [(["whisper-tiny.en", "qwen2.5-0.5b-q4_0", "smart-turn-v3.2", "mpnet-base-v2", "silero-vad"], tmp_path)]
    assert "another pull is at work" in result.output
    assert "smart-turn-v3.2      ready" in result.output


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("pull", "qwen"), "there is no model 'qwen'"),
        (("pull", "--profile", "fast"), "there is no profile 'fast'"),
        (("verify", "qwen"), "see them with: firstword models list"),
        (("list", "--config", "/nowhere.toml"), "the settings file /nowhere.toml can't be read"),
    ],
)
def test_errors_are_a_text_and_not_a_traceback(arguments: tuple[str, ...], text: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert text in result.output
    assert "Traceback" not in result.output


def test_the_bar_can_be_written_to_any_console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "pull", lambda names, _dir, report, **_lock: [report(Progress(n, "kept", 5, 5)) for n in names])
    console = Console(record=True, quiet=False, file=(tmp_path / "out").open("w"), width=120)
    cli_models.pull_with_bar(["ear"], tmp_path, load_lock(), console)
    console.file.close()
    assert "there" in (tmp_path / "out").read_text()
