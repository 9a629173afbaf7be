"""`firstword profile`: where one stage's time goes, as a short table and as a Chrome trace."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from config.errors import ConfigError

from .caller.fixture import FixtureError
from .caller.own_server import ServerNotReadyError
from .caller.webhook import GatewayRefusedError
from .profiling.profile import Profile, ProfileError

CANNOT_PROFILE = 2


class Stage(StrEnum):
    """What can be looked into."""

    ASR = "asr"
    LLM = "llm"
    TTS = "tts"
    VAD = "vad"
    TURN = "turn"
    LOOP = "loop"


class Tool(StrEnum):
    """By what. `own`: the profiler that the stage's engine brings along, or py-spy."""

    OWN = "own"
    TORCH = "torch"
    NSYS = "nsys"


def profile_command(
    stage: Annotated[Stage, typer.Option(help="Which stage; loop is the event loop of the server under a replayed call.")],
    out: Annotated[Path, typer.Option(help="A folder for STAGE.trace.json, to be opened in chrome://tracing or Perfetto.")],
    tool: Annotated[Tool, typer.Option(help="own: what the engine brings along, or py-spy.")] = Tool.OWN,
    seconds: Annotated[float, typer.Option(help="How long the stage works, at least (loop: as long as the call).", min=0)] = 5.0,
    fixture: Annotated[str, typer.Option(help="The recorded call for loop.")] = "default",
    url: Annotated[str | None, typer.Option(help="For loop: a server that is running on this machine.")] = None,
    bot: Annotated[Path | None, typer.Option(help="The bot file.")] = None,
    profile: Annotated[str | None, typer.Option(help="default, better, lite.")] = None,
) -> None:
    """Show where a stage's time goes: top operators or functions, and a Chrome trace."""
    console = Console()
    try:
        out.mkdir(parents=True, exist_ok=True)
        if tool is Tool.NSYS:
            from .profiling.outside import profile_nsys

            more = ["--seconds", str(seconds), "--fixture", fixture]
            more += ["--url", url] if url is not None else []
            more += ["--bot", str(bot)] if bot is not None else []
            more += ["--profile", profile] if profile is not None else []
            console.print(f"written: {profile_nsys(stage.value, out, more)}")
            return
        trace = out / f"{stage.value}.trace.json"
        found = _by_torch(stage, trace, seconds, bot, profile) if tool is Tool.TORCH else None
        if found is None:
            found = _by_own(stage, seconds, fixture, url, bot, profile)
            trace.write_text(json.dumps(found.trace()))
    except (ConfigError, ProfileError, FixtureError, ServerNotReadyError, GatewayRefusedError, OSError) as error:
        Console(stderr=True).print(Text(str(error), style="red"))
        raise typer.Exit(CANNOT_PROFILE) from error
    _show(found, console)
    console.print(f"written: {trace}")


def _by_own(stage: Stage, seconds: float, fixture: str, url: str | None, bot: Path | None, profile: str | None) -> Profile:
    if stage is Stage.LOOP:
        from .profiling.loop import profile_loop

        return profile_loop(fixture, bot, profile, url)
    from config.bot import load_bot
    from config.settings import load_settings

    from .profiling.stages import profile_stage

    settings = load_settings(profile=profile, bot=bot)
    return profile_stage(stage.value, settings, load_bot(settings.bot), seconds)


def _by_torch(stage: Stage, trace: Path, seconds: float, bot: Path | None, profile: str | None) -> Profile:
    from .profiling.outside import profile_torch

    if stage is Stage.LOOP:
        raise ProfileError("the event loop runs no operators: --tool own")
    return profile_torch(stage.value, lambda: _by_own(stage, seconds, "default", None, bot, profile), trace)


def _show(found: Profile, console: Console) -> None:
    for part in found.tables:
        table = Table(title=f"{found.stage}: {part.title}", title_justify="left")
        table.add_column("what", overflow="fold")
        for name in ("times", "ms", "share"):
            table.add_column(name, justify="right")
        for row, share in part.top():
            table.add_row(row.name, str(row.calls), f"{row.ms:.1f}", f"{share:.1%}")
        console.print(table)
    for note in found.notes:
        console.print(Text(note))
