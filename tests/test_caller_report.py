"""What a person and a program read after a call."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from telephony import cli_call
from telephony.caller.report import print_call
from telephony.caller.result import CallResult, Stage, TurnResult

TURN = TurnResult(
    step=0,
    said="How much is [it]?",
    said_from_ms=4000,
    said_until_ms=5000,
    first_word_ms=640,
    transcript="How much is it?",
    reply="It costs 90 pounds.",
    outcome="answered",
    stages=(Stage("asr", -40.0, 210.0, "final"),),
)
SILENCE = np.zeros(8000, np.int16)
RESULT = CallResult(
    name="t",
    call_sid="CA1",
    ended_by="caller",
    duration_ms=9000,
    greeting_ms=120,
    turns=(TURN,),
    received_ms=4000,
    heard_ms=3000,
    clears=1,
    marks_returned=3,
    worst_tick_ms=1.5,
    next_twiml="<Response/>",
    failures=(),
    trace={"version": 1},
    caller_pcm=SILENCE,
    bot_pcm=SILENCE,
)
FAILED = replace(RESULT, turns=(replace(TURN, failures=("expected /45/",)),))


def printed(result: CallResult) -> str:
    out = io.StringIO()
    print_call(result, Console(file=out, width=140))
    return out.getvalue()


def test_the_table_shows_what_was_said_and_when() -> None:
    text = printed(RESULT)
    for part in (
        "How much is [it]?",
        "How much is it?",
        "It costs 90 pounds.",
        "640",
        "-40",
        "210 final",
        "(75 %)",
        "every expectation met",
    ):
        assert part in text


def test_the_table_names_what_failed() -> None:
    text = printed(replace(FAILED, trace=None, greeting_ms=None, failures=("too long",)))
    for part in ("expected /45/", "too long", "not as expected", "no trace", "never heard"):
        assert part in text


def test_json_carries_the_version_and_the_verdict() -> None:
    data = json.loads(json.dumps(FAILED.as_json()))
    assert (data["version"], data["passed"], data["turns"][0]["stages"][0]["end_ms"]) == (1, False, 210.0)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> tuple[typer.Typer, list]:
    asked: list = []
    app = typer.Typer()
    app.command("call")(cli_call.call_command)

    async def placed(url: str, script: object, **how: object) -> list[CallResult]:
        asked.append((url, script, how))
        return [FAILED if script.name == "dental" else RESULT]

    monkeypatch.setattr(cli_call, "place_calls", placed)
    return app, asked


def test_the_exit_status_tells_whether_all_was_well(command: tuple[typer.Typer, list]) -> None:
    app, asked = command
    assert CliRunner().invoke(app, ["--url", "http://h", "--delay-ms", "50"]).exit_code == 0
    assert (asked[0][1].name, asked[0][1].network.delay_ms) == ("default", 50)
    assert CliRunner().invoke(app, ["--url", "http://h", "--fixture", "dental"]).exit_code == 1


def test_json_is_all_that_goes_to_stdout(command: tuple[typer.Typer, list], tmp_path: object) -> None:
    app, _ = command
    done = CliRunner().invoke(app, ["--url", "http://h", "--json", "--save", str(tmp_path)])
    assert json.loads(done.stdout)["calls"][0]["call_sid"] == "CA1"
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".wav"]


def test_what_cannot_be_played_exits_with_2(command: tuple[typer.Typer, list]) -> None:
    app, _ = command
    done = CliRunner().invoke(app, ["--url", "http://h", "--fixture", "nope"])
    assert done.exit_code == 2
    assert "no recorded call 'nope'" in done.stderr
    assert CliRunner().invoke(app, ["--url", "http://h", "--fixture", "default", "--wav", "a.wav"]).exit_code == 2
