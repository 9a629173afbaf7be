"""`firstword replay`: a recorded call again. From its event log in milliseconds, or from its audio at real pace against real models.

The exit status is 1 if something is not as recorded, or as expected.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from config.bot import load_bot
from config.errors import ConfigError
from config.settings import load_settings
from pipeline.replay import replay, report

from .caller.own_server import ServerNotReadyError, own_server
from .caller.place import place_call
from .caller.recorded import RecordedMessage, from_audio, from_wire
from .caller.result import CallResult
from .caller.script import CallerScript
from .caller.webhook import GatewayRefusedError
from .recording.expectation import Comparison, Expectation, Pair, compare, word_diff
from .recording.files import RECORDING_FOLDER
from .recording.fixture import REPLAYS, expectation_of, save_fixture
from .recording.reader import Recording, RecordingError

CANNOT_REPLAY = 2


def replay_command(
    recording: Annotated[str, typer.Argument(metavar="RECORDING", help="A recording's folder, or a name under fixtures/replays.")],
    expect: Annotated[Path | None, typer.Option(help="What the call has to come to (default: what it came to).")] = None,
    save_expect: Annotated[Path | None, typer.Option(help="Write what the recorded call came to into this file.")] = None,
    save_fixture_as: Annotated[
        str | None, typer.Option("--save-fixture", metavar="NAME", help="Make a test of it under fixtures/replays.")
    ] = None,
    with_audio: Annotated[bool, typer.Option("--with-audio", help="With --save-fixture: keep the caller's audio too.")] = False,
    log: Annotated[bool, typer.Option("--log", help="From the event log, with the recorded thresholds: milliseconds.")] = False,
    present: Annotated[bool, typer.Option("--present", help="With --log: with today's thresholds.")] = False,
    url: Annotated[str | None, typer.Option(help="A running gateway; without it one is started for the call.")] = None,
    bot: Annotated[Path | None, typer.Option(help="The bot to start, instead of the recorded one.")] = None,
    profile: Annotated[str | None, typer.Option(help="The profile to start the gateway with.")] = None,
    save: Annotated[Path | None, typer.Option(help="A folder for the new call's WAV and JSON.")] = None,
) -> None:
    """Replay a recorded call and compare."""
    console = Console()
    try:
        source = Recording.open(_folder(recording))
        if source.state != "complete":
            console.print(f"[yellow]{source.folder.name} is {source.state}[/yellow]")
        if save_expect is not None:
            save_expect.write_text(Expectation.of_recording(source).to_json(), "utf-8")
            console.print(f"written: {save_expect}")
        if save_fixture_as is not None:
            console.print(f"written: {save_fixture(source, save_fixture_as, with_audio=with_audio)}")
        if log or present:
            passed = _replay_log(source, console, present=present)
        elif save_expect is not None or save_fixture_as is not None:
            return
        else:
            expected = expectation_of(source, expect)
            result = _replay_audio(source, url, bot, profile, console)
            if save is not None:
                for path in result.save(save):
                    console.print(f"written: {path}")
            passed = _show(_compared(expected, result), result, console)
    except (RecordingError, ConfigError, GatewayRefusedError, ServerNotReadyError, ValueError, OSError) as error:
        Console(stderr=True).print(Text(str(error), style="red"))
        raise typer.Exit(CANNOT_REPLAY) from error
    if not passed:
        raise typer.Exit(1)


def _folder(name: str) -> Path:
    path = Path(name)
    return REPLAYS / name if not path.exists() and (REPLAYS / name).is_dir() else path


# from the event log


def _replay_log(source: Recording, console: Console, *, present: bool) -> bool:
    log = source.events()
    settings = None
    if present:
        from .loading import turn_taking

        if source.bot is None:
            raise RecordingError(f"{source.folder} has no bot file")
        settings = turn_taking(load_settings(), load_bot(source.bot))
    replayed = replay(log, settings)
    if replayed.same:
        cut = "" if log.complete else ", up to where the log was cut"
        console.print(f"{replayed.entries} events, the same commands and alarms{cut}")
    else:
        console.print(Text(report(log, replayed)), soft_wrap=True)
        console.print(f"[red]{len(replayed.differences)} of {replayed.entries} answers differ[/red]")
    return replayed.same


# from the audio


def _replay_audio(source: Recording, url: str | None, bot: Path | None, profile: str | None, console: Console) -> CallResult:
    messages = _messages(source)
    script = CallerScript(name=source.folder.name, steps=())
    with ExitStack() as stack:
        address = url
        if address is None:
            console.print("starting the gateway …")
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            address = stack.enter_context(own_server(bot or source.bot, profile, settings={RECORDING_FOLDER: folder}))
        console.print(f"playing {messages[-1].at_ms / 1000:.1f} s of the recorded caller …")
        token = os.environ.get("FIRSTWORD_TWILIO_AUTH_TOKEN") if url else None
        public = os.environ.get("FIRSTWORD_PUBLIC_URL") if url else None
        return asyncio.run(place_call(address, script, auth_token=token, public_url=public, recorded=messages))


def _messages(source: Recording) -> list[RecordedMessage]:
    messages = from_wire(source.wire())
    if not messages and (source.folder / "audio.wav").exists():
        messages = from_audio(source.audio()[0])
    if not messages:
        raise RecordingError(f"{source.folder} was saved without its audio: only --log can replay it")
    return messages


def _compared(expected: Expectation, result: CallResult) -> Comparison:
    if result.trace is None:
        raise RecordingError("the gateway gave no trace of the call, so nothing can be compared")
    return compare(expected, Expectation.of_trace(result.trace["turns"], result.trace["counters"]))


def _show(comparison: Comparison, result: CallResult, console: Console) -> bool:
    table = Table(show_lines=True, caption="[-was expected-] {+came instead+}", caption_justify="left")
    table.add_column("at", justify="right")
    table.add_column("understood / answered", ratio=3)
    table.add_column("first word", justify="right")
    table.add_column("outcome", ratio=2)
    for pair in comparison.pairs:
        table.add_row(*_row(pair))
    console.print(table)
    for fault in comparison.faults:
        console.print(Text(f"✗ {fault}", style="red"))
    console.print(f"frames at most {result.worst_tick_ms} ms late")
    console.print("[green]as expected[/green]" if comparison.passed else "[red]not as expected[/red]")
    return comparison.passed


def _row(pair: Pair) -> tuple[Text, Text, Text, Text]:
    was, now = pair.expected, pair.got
    one = now or was
    assert one is not None
    before, after = (was or one), (now or one)
    words = Text(f"“{word_diff(before.caller, after.caller)}”\n" if one.caller else "")
    words.append(f"→ {word_diff(before.reply, after.reply)}")
    times = [str(turn.first_word_ms) for turn in (was, now) if turn is not None and turn.first_word_ms is not None]
    outcome = Text(after.outcome if before.outcome == after.outcome else f"{before.outcome} → {after.outcome}")
    for fault in pair.faults:
        outcome.append(f"\n✗ {fault}", style="red")
    return Text(f"{one.at_ms / 1000:.1f} s" if one.at_ms else "—"), words, Text(" → ".join(times) or "—"), outcome
