"""`firstword check-bot`: is the bot file right, and, with `--ask`, does the bot answer its owner's questions rightly?"""

from __future__ import annotations

import asyncio
import re
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from config.bot import load_bot
from config.errors import ConfigError
from config.settings import load_settings

WRONG = 1
USAGE = 2


@dataclass(frozen=True, slots=True)
class Checked:
    """One of the owner's questions and what became of it."""

    ask: str
    reply: str
    right: bool
    fact: str
    ms: float


def check_bot_command(
    file: Annotated[Path, typer.Argument(help="The bot file.")],
    ask: Annotated[bool, typer.Option("--ask", help="Ask the file's [[questions]] and check the answers.")] = False,
    profile: Annotated[str | None, typer.Option(help="default, better, lite.")] = None,
) -> None:
    """Check a bot file: its keys and, with --ask, its answers through the product's own dialogue and models."""
    console = Console()
    try:
        bot = load_bot(file)
        if not ask:
            console.print(f"{file}: {bot.name}: right")
            return
        settings = load_settings(profile=profile, bot=file)
        results = asyncio.run(ask_questions(settings, tomllib.loads(file.read_text("utf-8")).get("questions", [])))
    except (ConfigError, OSError) as error:
        Console(stderr=True).print(Text(str(error), style="red"))
        raise typer.Exit(USAGE) from error
    _show(console, results)
    if not all(result.right for result in results):
        raise typer.Exit(WRONG)


async def ask_questions(settings: Any, questions: list[dict[str, Any]]) -> list[Checked]:
    """Ask the bot of `settings` through the product's own dialogue and models."""
    from telephony.metrics import Metrics
    from telephony.switchboard import Switchboard

    results: list[Checked] = []
    async with Switchboard(settings, load_bot(settings.bot), Metrics()) as switchboard:
        await switchboard.warm()
        conversation = switchboard.text_conversation("check")
        for question in questions:
            if not question.get("follow_up"):
                conversation.forget()
            began = time.monotonic()
            reply, fact = await conversation.say(question["ask"])
            ms = (time.monotonic() - began) * 1000
            right = all(re.search(p, reply, re.IGNORECASE) for p in question.get("expect", [])) and not any(
                re.search(p, reply, re.IGNORECASE) for p in question.get("reject", [])
            )
            results.append(Checked(question["ask"], reply, right, fact, ms))
        conversation.close()
    return results


def _show(console: Console, results: list[Checked]) -> None:
    table = Table("", "question", "answer", "from", "ms")
    for result in results:
        mark = Text("right", style="green") if result.right else Text("WRONG", style="red")
        table.add_row(mark, result.ask, result.reply, result.fact, f"{result.ms:.0f}")
    console.print(table)
    right = sum(result.right for result in results)
    console.print(f"{right} of {len(results)} right")
