"""`firstword call`: play a recorded caller into a gateway, show what was said and when. The exit status is 1 if an expectation fails."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from .caller.fixture import FixtureError, bot_file, load_fixture, script_from_wavs
from .caller.network import Network
from .caller.own_server import ServerNotReadyError, own_server
from .caller.place import place_calls
from .caller.report import print_call
from .caller.result import VERSION, CallResult
from .caller.script import CallerScript
from .caller.wav import AudioFileError
from .caller.webhook import GatewayRefusedError

CANNOT_CALL = 2


def call_command(
    fixture: Annotated[str | None, typer.Option(help="A recorded call under fixtures/calls (default: default).")] = None,
    wav: Annotated[
        list[Path] | None, typer.Option(help="A WAV to say; more may follow, each is said when the bot has finished.")
    ] = None,
    more: Annotated[list[Path] | None, typer.Argument(metavar="[FILE]...", help="More files after --wav FILE.")] = None,
    url: Annotated[str | None, typer.Option(help="A running gateway; without it one is started for the call.")] = None,
    bot: Annotated[Path | None, typer.Option(help="The bot to start, instead of the one the call was recorded for.")] = None,
    profile: Annotated[str | None, typer.Option(help="The profile to start the gateway with.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    save: Annotated[Path | None, typer.Option(help="A folder for the call's stereo WAV, its JSON and the gateway's log.")] = None,
    delay_ms: Annotated[float | None, typer.Option(help="Network delay each way.", min=0)] = None,
    jitter_ms: Annotated[float | None, typer.Option(help="Up to so much more delay, seeded; order is kept.", min=0)] = None,
    loss: Annotated[float | None, typer.Option(help="Share of the caller's frames that is lost.", min=0, max=1)] = None,
    duplicates: Annotated[float | None, typer.Option(help="Share of them that comes twice.", min=0, max=1)] = None,
    stall_ms: Annotated[float | None, typer.Option(help="So long nothing moves, from --stall-at-ms on.", min=0)] = None,
    stall_at_ms: Annotated[float | None, typer.Option(help="When the stall begins.", min=0)] = None,
    callers: Annotated[int, typer.Option(help="So many callers with the same script.", min=1)] = 1,
    stagger_ms: Annotated[int, typer.Option(help="Each caller begins so long after the one before.", min=0)] = 1500,
) -> None:
    """Play a recorded caller into a gateway over its real WebSocket and measure at the caller's ear."""
    console = Console(stderr=as_json)
    try:
        script = _script(fixture, [*(wav or []), *(more or [])])
        network = {"delay_ms": delay_ms, "jitter_ms": jitter_ms, "loss": loss, "duplicates": duplicates}
        network |= {"stall_ms": stall_ms, "stall_at_ms": stall_at_ms}
        if given := {name: value for name, value in network.items() if value is not None}:
            script = replace(script, network=Network(**given, seed=script.network.seed))
        with ExitStack() as stack:
            address = url
            if address is None:
                if save is not None:
                    save.mkdir(parents=True, exist_ok=True)
                log = save / "gateway.log" if save is not None else None
                console.print("starting the gateway …")
                address = stack.enter_context(own_server(bot or bot_file(script), profile, log))
            results = asyncio.run(_calls(address, script, callers, stagger_ms, own=url is None))
    except (FixtureError, AudioFileError, GatewayRefusedError, ServerNotReadyError, ValueError, OSError) as error:
        Console(stderr=True).print(Text(str(error), style="red"))
        raise typer.Exit(CANNOT_CALL) from error
    _show(results, console, as_json=as_json, save=save)
    if not all(result.passed for result in results):
        raise typer.Exit(1)


def _script(fixture: str | None, wav: list[Path]) -> CallerScript:
    if wav:
        if fixture is not None:
            raise FixtureError("--fixture and --wav exclude each other")
        return script_from_wavs(wav)
    return load_fixture(fixture or "default")


async def _calls(url: str, script: CallerScript, callers: int, stagger_ms: int, *, own: bool) -> list[CallResult]:
    # A gateway that is running with Twilio's token wants signatures; the one started here runs without.
    token = None if own else os.environ.get("FIRSTWORD_TWILIO_AUTH_TOKEN")
    public = None if own else os.environ.get("FIRSTWORD_PUBLIC_URL")
    return await place_calls(url, script, callers=callers, stagger_ms=stagger_ms, auth_token=token, public_url=public)


def _show(results: list[CallResult], console: Console, *, as_json: bool, save: Path | None) -> None:
    for result in results:
        files = result.save(save) if save is not None else ()
        if not as_json:
            print_call(result, console)
        for path in files:
            console.print(f"written: {path}")
    if as_json:
        typer.echo(json.dumps({"version": VERSION, "calls": [result.as_json() for result in results]}, indent=2))
