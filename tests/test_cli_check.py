"""`firstword check-bot` without its models."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import telephony.cli_check as cli_check
from telephony.cli import app
from telephony.cli_check import USAGE, WRONG, Checked

BOT = """version = 1
name = "Test"
greeting = "Hello."
instructions = "We are open."
"""


def check(path: Path, *more: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["check-bot", str(path), *more])
    return result.exit_code, " ".join(result.output.split())


def test_a_right_file_is_said_to_be_right(tmp_path: Path) -> None:
    (tmp_path / "bot.toml").write_text(BOT)
    code, out = check(tmp_path / "bot.toml")
    assert code == 0
    assert "Test: right" in out


def test_a_wrong_key_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "bot.toml").write_text(BOT + "greting = 1\n")
    code, out = check(tmp_path / "bot.toml")
    assert code == USAGE
    assert "greting" in out
    assert "bot.toml:5" in out.replace(" ", "")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    code, out = check(tmp_path / "none.toml")
    assert code == USAGE
    assert "none.toml" in out.replace(" ", "")


@pytest.mark.parametrize(("right", "expected"), [(True, 0), (False, WRONG)])
def test_a_wrong_answer_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, right: bool, expected: int) -> None:
    (tmp_path / "bot.toml").write_text(BOT + '[[questions]]\nask = "Are you open?"\nexpect = ["yes"]\n')

    async def ask(_settings: object, questions: list[dict[str, object]]) -> list[Checked]:
        return [Checked(str(questions[0]["ask"]), "Yes.", right, "We are open.", 12.0)]

    monkeypatch.setattr(cli_check, "ask_questions", ask)
    code, out = check(tmp_path / "bot.toml", "--ask")
    assert code == expected
    assert f"{int(right)} of 1 right" in out
