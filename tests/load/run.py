"""`make load`: starts the product, has a load tool hold callers in it, prints the table. With `--out` the page and its figures are kept.

Exit status 1 if no first word was heard, a call was refused or a turn in twenty was not answered.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from config.settings import BOTS
from telephony.bench.counters import counter
from telephony.bench.hold import STAGGER_S
from telephony.bench.load import COLUMNS, cells, measured, name_of
from telephony.bench.machine import environment
from telephony.caller.own_server import own_server

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
VERSION = 1
SETTLE_S = 20.0
"""What the product has before the first call for phrases that it makes while nobody waits."""
STOP_S = 20
DROPPED = "partials_dropped_total"
FEW = 0.05
"""Of all turns: so many may remain without an answer."""


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", choices=("locust", "k6"), default="locust")
    parser.add_argument("--calls", type=int, default=8, help="callers at once")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--bot", type=Path, default=BOTS / "bicycle-workshop.toml")
    parser.add_argument("--profile")
    parser.add_argument("--url", help="a running gateway; without it one is started")
    parser.add_argument("--out", type=Path, help="a folder for load.md and load.json")
    return parser.parse_args()


def program(name: str) -> str:
    """The tool beside this Python, or on the path."""
    beside = Path(sysconfig.get_path("scripts")) / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        sys.exit(f"{name} is not installed: pip install 'firstword[dev]', or pip install {name}")
    return found


def command(tool: str, url: str, callers: int, minutes: float, report: Path) -> list[str]:
    """What holds `callers` for so long and writes its summary to `report`."""
    seconds = round(minutes * 60)
    if tool == "k6":
        given = {"URL": url, "CALLS": callers, "SECONDS": seconds, "STAGGER_S": STAGGER_S, "REPORT": report}
        return [
            program("k6"),
            "run",
            "--quiet",
            *(w for k, v in given.items() for w in ("-e", f"{k}={v}")),
            str(HERE / "stream.js"),
        ]
    run = ["--headless", "--only-summary", "-H", url, "-u", str(callers), "-r", f"{1 / STAGGER_S:.3f}", "-t", f"{seconds}s"]
    more = ["--stop-timeout", str(STOP_S), "--exit-code-on-error", "0", "--loglevel", "WARNING", "--report", str(report)]
    return [program("locust"), "-f", str(HERE / "locustfile.py"), *run, *more]


def measure(tool: str, url: str, callers: int, minutes: float) -> dict[str, Any]:
    """One run's figures. Raises CalledProcessError when the tool fails."""
    before = counter(url, DROPPED)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        subprocess.run(command(tool, url, callers, minutes, report), check=True, cwd=ROOT, stdout=sys.stderr)
        found: dict[str, Any] = json.loads(report.read_text())
    return {**found, "callers": callers, "minutes": minutes, "partials_dropped": round(counter(url, DROPPED) - before)}


def write(out: Path, run: dict[str, Any]) -> list[Path]:
    """Beside the runs that are there already; one of the same name goes."""
    out.mkdir(parents=True, exist_ok=True)
    page, data = out / "load.md", out / "load.json"
    runs = json.loads(data.read_text())["runs"] if data.exists() else {}
    runs[name_of(run)] = {**run, "environment": environment()}
    data.write_text(json.dumps({"version": VERSION, "runs": runs}, indent=1) + "\n")
    page.write_text(measured(page.read_text() if page.exists() else "", runs))
    return [page, data]


def main() -> None:
    asked = options()
    console = Console(width=150)
    with ExitStack() as stack:
        url = asked.url
        if url is None:
            console.print("starting the gateway …")
            url = stack.enter_context(own_server(asked.bot, asked.profile))
            time.sleep(SETTLE_S)
        console.print(f"{asked.tool}: {asked.calls} callers for {asked.minutes:g} minutes …")
        run = measure(asked.tool, url, asked.calls, asked.minutes)
    table = Table(caption="ms at the caller's ear", caption_justify="left")
    for name in COLUMNS:
        table.add_column(name, justify="right")
    table.add_row(*cells(run))
    console.print(table)
    for path in write(asked.out, run) if asked.out is not None else ():
        console.print(f"written: {path}")
    turns = run["first_word"]["n"]
    if not turns or run["refused"] or run["unanswered"] > FEW * (turns + run["unanswered"]):
        sys.exit(1)


if __name__ == "__main__":
    main()
