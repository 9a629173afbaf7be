"""`firstword bench`: the latency report. Takes an hour or so; what was measured already is not measured again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from .bench.figures import figures
from .bench.machine import cpu_times, environment, stolen
from .bench.plan import Run, runs_named
from .bench.report import markdown
from .bench.runner import run
from .gantt import gantt

VERSION = 1
USAGE = 2


def bench_command(
    only: Annotated[list[str] | None, typer.Option(help="A run by its name; may be given more than once. Default: all.")] = None,
    turns: Annotated[int | None, typer.Option(help="Fewer turns a run than the report asks for.", min=4)] = None,
    again: Annotated[bool, typer.Option("--again", help="Measure anew what is there already.")] = False,
    out: Annotated[Path, typer.Option(help="The page; its figures lie beside it as .json, a turn as .svg.")] = Path(
        "docs/latency.md"
    ),
    work: Annotated[Path, typer.Option(help="For logs and whole calls.")] = Path("calls/bench"),
) -> None:
    """Measure the first word at the caller's ear with 1 to 8 callers, and what each part of the product is worth."""
    console = Console()
    try:
        plan = runs_named(only or [])
    except ValueError as error:
        Console(stderr=True).print(str(error), style="red")
        raise typer.Exit(USAGE) from error
    work.mkdir(parents=True, exist_ok=True)
    data = out.with_suffix(".json")
    done: dict[str, Any] = json.loads(data.read_text())["runs"] if data.exists() else {}
    for line in plan:
        if line.name in done and not again:
            console.print(f"{line.name}: measured already, on {done[line.name]['environment']['date']}")
            continue
        shorter = line if turns is None else Run(line.name, line.callers, turns, line.about, line.environment)
        console.print(f"{line.name}: {shorter.turns} turns, {line.about} …")
        before = cpu_times()
        calls = run(shorter, work)
        where = {**environment(), "stolen": stolen(before, cpu_times())}
        (work / f"{line.name.replace(' ', '-')}.json").write_text(json.dumps(calls))
        done[line.name] = {**figures(calls), "environment": where}
        first = done[line.name]["first_word"]
        console.print(f"{line.name}: first word {first}")
        picture = _picture(calls, out) if line.name == "1 caller" else None
        if picture is not None:
            done[line.name]["picture"] = picture
        data.write_text(json.dumps({"version": VERSION, "runs": done}, indent=1) + "\n")
        out.write_text(markdown(done, done.get("1 caller", {}).get("picture")))
    console.print(f"written: {out}, {data}")


def _picture(calls: list[dict[str, Any]], out: Path) -> str | None:
    """The turn in the middle, of those that the model worded if there are some."""
    turns = [t for call in calls if call["trace"] for t in call["trace"]["turns"] if t["caller"] and t["outcome"] == "answered"]
    worded = [t for t in turns if t["fact"]] or turns
    if not worded:
        return None
    chosen = sorted(worded, key=lambda t: t["first_audio_ms"] or 0)[len(worded) // 2]
    file = out.with_suffix(".svg")
    file.write_text(gantt(chosen, f"“{chosen['caller']}” – “{chosen['reply']}”"))
    return file.name
