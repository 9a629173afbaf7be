"""`firstword models`: what there is, what is on the disk, and having it there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from config import models
from config.errors import ConfigError
from config.lock import Lock, load_lock
from config.settings import Settings, load_settings

app = typer.Typer(help="The models: list, pull, verify.", no_args_is_help=True)

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]...", help="Names of the lock file; none: what the settings need.")
]
Profile = Annotated[str | None, typer.Option(help="The models of this profile.")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="Settings file (TOML).")]

_STEPS: dict[models.Step, str] = {
    "waiting": "waiting",
    "hub": "downloading",
    "download": "downloading",
    "join": "unpacking",
    "requantise": "requantising",
    "done": "ready",
    "kept": "there",
}


@app.command()
def pull(names: Names = None, profile: Profile = None, config: ConfigFile = None) -> None:
    """Download what is missing, check it, and requantise what is made here. What is there and right is kept."""
    console = Console(stderr=True)
    try:
        settings, lock = load_settings(config_file=config, profile=profile), load_lock()
        pull_with_bar(names or models.needed(settings, lock=lock), settings.models_dir, lock, console)
    except ConfigError as error:
        raise _fail(console, error) from None


@app.command("list")
def list_models(profile: Profile = None, config: ConfigFile = None) -> None:
    """Every model of the lock file; a star before those that the settings need."""
    console = Console()
    try:
        settings, lock = load_settings(config_file=config, profile=profile), load_lock()
        needed = models.needed(settings, lock=lock)
    except ConfigError as error:
        raise _fail(Console(stderr=True), error) from None
    table = Table(box=None, pad_edge=False)
    for heading in ("", "name", "role", "size", "on disk", "licence", "what"):
        table.add_column(heading, no_wrap=heading != "what")
    for model in lock.model.values():
        faulty = any(check.fault for check in models.verify([model.name], settings.models_dir, full=False, lock=lock))
        there = "damaged" if faulty else "yes"
        state = there if (settings.models_dir / model.name).is_dir() else "no"
        star = "*" if model.name in needed else ""
        table.add_row(star, model.name, model.role, f"{model.size / 1e6:.0f} MB", state, model.licence, model.version)
    console.print(table)
    console.print(f"folder: {settings.models_dir}", soft_wrap=True)


@app.command()
def verify(
    names: Names = None,
    profile: Profile = None,
    config: ConfigFile = None,
    quick: Annotated[bool, typer.Option("--quick", help="Sizes only, no checksums.")] = False,
) -> None:
    """Compare what is on the disk with the lock file, checksums included; without names: what is needed and what is there."""
    console = Console()
    try:
        settings, lock = load_settings(config_file=config, profile=profile), load_lock()
        wanted = names or _needed_or_there(settings, lock)
        checks = models.verify(wanted, settings.models_dir, full=not quick, lock=lock)
    except ConfigError as error:
        raise _fail(Console(stderr=True), error) from None
    for check in checks:
        console.print(f"{check.model}: {check.path.name} {check.fault or 'ok'}", soft_wrap=True, highlight=False, markup=False)
    if bad := list(dict.fromkeys(check.model for check in checks if check.fault)):
        Console(stderr=True).print(f"run: firstword models pull {' '.join(bad)}", soft_wrap=True, highlight=False)
        raise typer.Exit(1)


def pull_with_bar(names: list[str], models_dir: Path, lock: Lock, console: Console) -> None:
    """`config.models.pull` with a line and a bar for each model. Raises ModelError."""
    columns = (
        TextColumn("{task.fields[model]:<20}"),
        TextColumn("{task.description:<13}"),
        BarColumn(),
        DownloadColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bars:
        tasks: dict[str, TaskID] = {}
        notes: set[str] = set()

        def report(progress: models.Progress) -> None:
            if progress.note and progress.note not in notes:
                notes.add(progress.note)
                bars.console.print(f"{progress.model} {progress.note}".strip(), soft_wrap=True, highlight=False, markup=False)
            if not progress.model:
                return
            if progress.model not in tasks:
                tasks[progress.model] = bars.add_task("", model=progress.model, total=progress.total)
            description, total = _STEPS[progress.step], None if progress.step == "requantise" else progress.total
            bars.update(tasks[progress.model], description=description, completed=progress.done, total=total)

        models.pull(names, models_dir, report, lock=lock)


def _needed_or_there(settings: Settings, lock: Lock) -> list[str]:
    return list(dict.fromkeys([*models.needed(settings, lock=lock), *models.installed(settings.models_dir, lock=lock)]))


def _fail(console: Console, error: ConfigError) -> typer.Exit:
    console.print(str(error), style="red", soft_wrap=True, highlight=False, markup=False)
    return typer.Exit(1)
