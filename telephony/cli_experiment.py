"""`firstword experiment`: the plan's experiments. Each takes from half a minute to ten; docs/experiments.md keeps what came of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from config.errors import ConfigError
from config.settings import load_settings

VERSION = 1
USAGE = 2


def experiment_command(
    names: Annotated[
        list[str] | None, typer.Argument(help="baseline, streaming-asr, llama, tts, vllm, end-to-end, tracing. Default: all.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="A folder: experiments.md and experiments.json there get the tables.")] = None,
) -> None:
    """Run experiments and print their tables."""
    from .bench.machine import environment
    from .experiments.experiment import page
    from .experiments.plan import EXPERIMENTS, experiments_named

    console = Console(width=160)
    try:
        chosen, settings = experiments_named(names or []), load_settings()
    except (ValueError, ConfigError) as error:
        Console(stderr=True).print(Text(str(error), style="red"))
        raise typer.Exit(USAGE) from error
    for experiment in chosen:
        console.print(f"{experiment.name}: {experiment.title} …")
        found = experiment.run(settings)
        table = Table(*found.columns, title=experiment.title)
        for row in found.rows:
            table.add_row(*row)
        console.print(table, *found.notes, sep="\n")
        if out is None:
            continue
        out.mkdir(parents=True, exist_ok=True)
        data = out / "experiments.json"
        done = json.loads(data.read_text("utf-8"))["experiments"] if data.exists() else {}
        shown = {"columns": found.columns, "rows": found.rows, "notes": found.notes, "figures": found.figures}
        done[experiment.name] = {**shown, "environment": environment()}
        data.write_text(json.dumps({"version": VERSION, "experiments": done}, indent=1, ensure_ascii=False) + "\n", "utf-8")
        (out / "experiments.md").write_text(page(EXPERIMENTS, done), "utf-8")
        console.print(f"written: {out / 'experiments.md'}, {data}")
