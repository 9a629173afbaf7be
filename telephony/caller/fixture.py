"""Reads recorded calls: `fixtures/calls/NAME/call.toml` with its audio beside it, into a `CallerScript`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .line import Echo, LineNoise
from .network import Network
from .script import AfterBot, AfterPrevious, CallerScript, HangUp, IntoReply, Press, Say, Step, Wait, When
from .wav import read_audio

VERSION = 1
CALLS = Path(__file__).resolve().parents[2] / "fixtures" / "calls"


class FixtureError(ValueError):
    """A recorded call cannot be used; the text names the file, the step and what is wrong."""


def fixture_names(folder: Path = CALLS) -> list[str]:
    """Names of the recorded calls at hand."""
    return sorted(path.parent.name for path in folder.glob("*/call.toml"))


def load_fixture(name: str, folder: Path = CALLS) -> CallerScript:
    """The recorded call `name`. Raises `FixtureError`."""
    path = folder / name / "call.toml"
    if not path.is_file():
        raise FixtureError(f"no recorded call {name!r} under {folder}; there are: {', '.join(fixture_names(folder)) or 'none'}")
    return read_call(path)


def bot_file(script: CallerScript, folder: Path = CALLS) -> Path | None:
    """The bot file that the call was recorded for (`call.toml` names it relative to its own folder)."""
    return (folder / script.name / script.bot).resolve() if script.bot else None


def read_call(path: Path) -> CallerScript:
    """One `call.toml`. Raises `FixtureError`."""
    try:
        table = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise FixtureError(f"{path}: {error}") from error
    version = table.get("version")
    if version != VERSION:
        raise FixtureError(f"{path}: version {version!r}; this program reads version {VERSION}")
    known = {"version", "bot", "about", "origin", "ends_by", "patience_ms", "limit_s", "expect", "line", "echo", "network", "steps"}
    _refuse_unknown(path, "the call", table, known)
    try:
        steps = tuple(_step(path, number, raw) for number, raw in enumerate(table.get("steps", []), 1))
        expect = table.get("expect", {})
        _refuse_unknown(path, "[expect]", expect, {"spoken", "ended_by"})
        return CallerScript(
            name=path.parent.name,
            steps=steps,
            bot=table.get("bot", ""),
            noise=LineNoise(**table.get("line", {})),
            echo=Echo(**table["echo"]) if "echo" in table else None,
            network=Network(**table.get("network", {})),
            ends_by=table.get("ends_by", "caller"),
            patience_ms=table.get("patience_ms", 12_000),
            limit_s=table.get("limit_s", 180.0),
            expect_spoken=_patterns(path, expect.get("spoken", [])),
            expect_ended_by=expect.get("ended_by"),
        )
    except TypeError as error:
        raise FixtureError(f"{path}: {error}") from error


def script_from_wavs(files: list[Path]) -> CallerScript:
    """A caller who says each file when the bot has finished. Raises `AudioFileError`."""
    return CallerScript(name=files[0].stem, steps=tuple(Say(path.stem, read_audio(path)) for path in files))


def _step(path: Path, number: int, raw: Mapping[str, Any]) -> Step:
    where = f"{path}: step {number}"
    when = _when(where, raw)
    kinds = {"say", "press", "wait_ms", "hang_up"} & raw.keys()
    if len(kinds) != 1:
        raise FixtureError(f"{where}: has to be one of say, press, wait_ms, hang_up")
    kind = kinds.pop()
    moment = {"gap_ms", "into_reply_ms", "after_previous_ms"}
    extra = {"text", "voice", "expect", "reject", "hum", "pauses_ms"} if kind == "say" else set()
    _refuse_unknown(path, f"step {number}", raw, {kind} | moment | extra)
    match kind:
        case "press":
            return Press(str(raw["press"]), when)
        case "wait_ms":
            return Wait(int(raw["wait_ms"]), when)
        case "hang_up":
            return HangUp(when)
        case _:
            audio = path.parent / str(raw["say"])
            if not audio.is_file():
                raise FixtureError(f"{where}: no audio file {audio}")
            return Say(
                text=str(raw.get("text", audio.stem)),
                pcm=read_audio(audio),
                when=when,
                expect=_patterns(path, raw.get("expect", [])),
                reject=_patterns(path, raw.get("reject", [])),
                hum=bool(raw.get("hum", False)),
                pauses_ms=tuple((int(begin), int(end)) for begin, end in raw.get("pauses_ms", [])),
            )


def _when(where: str, raw: Mapping[str, Any]) -> When:
    named = [key for key in ("gap_ms", "into_reply_ms", "after_previous_ms") if key in raw]
    if len(named) > 1:
        raise FixtureError(f"{where}: {' and '.join(named)} exclude each other")
    match named:
        case ["into_reply_ms"]:
            return IntoReply(int(raw["into_reply_ms"]))
        case ["after_previous_ms"]:
            return AfterPrevious(int(raw["after_previous_ms"]))
        case ["gap_ms"]:
            return AfterBot(int(raw["gap_ms"]))
        case _:
            return AfterBot()


def _patterns(path: Path, texts: list[str]) -> tuple[re.Pattern[str], ...]:
    try:
        return tuple(re.compile(text, re.IGNORECASE) for text in texts)
    except re.error as error:
        raise FixtureError(f"{path}: bad regular expression {error.pattern!r}: {error}") from error


def _refuse_unknown(path: Path, what: str, table: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(table.keys() - known)
    if unknown:
        raise FixtureError(f"{path}: {what} has unknown keys: {', '.join(unknown)}")
