"""`firstword trace`: where the milliseconds of a call went, turn by turn, in the terminal and as SVG."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.text import Text

from pipeline.trace import VERSION

from .gantt import chart, page, title_of
from .gantt_terminal import terminal

USAGE = 2
# In a recording's folder: whose it is, and a line for each turn that was over.
MANIFEST, TURNS = "recording.json", "turns.jsonl"


class NoTraceError(ValueError):
    """There is no such call, or what was read is none."""


def trace_command(
    call: Annotated[str, typer.Argument(metavar="CALL_SID|RECORDING", help="A call of the running gateway, or the JSON of one.")],
    url: Annotated[str, typer.Option(help="The gateway that knows the call.")] = "http://127.0.0.1:8080",
    turn: Annotated[int | None, typer.Option(help="Only the turn with this id.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the SVG file.")] = Path("calls"),
) -> None:
    """Draw the Gantt chart of each turn of a call against the budget: in the terminal, and as an SVG file."""
    console = Console()
    try:
        found = load(call, url)
        charts = [chart(one, title_of(one)) for one in chosen(found["turns"], turn)]
        out.mkdir(parents=True, exist_ok=True)
        file = out / f"{found['call_sid']}.svg"
        file.write_text(page(charts), "utf-8")
    except (NoTraceError, OSError, httpx.HTTPError) as error:
        Console(stderr=True).print(Text(str(error), style="red"))
        raise typer.Exit(USAGE) from error
    for one in charts:
        for line in terminal(one, console.width):
            console.print(line, soft_wrap=True)
        console.print()
    console.print(f"written: {file}", soft_wrap=True)


def chosen(turns: Sequence[Mapping[str, Any]], turn: int | None) -> Sequence[Mapping[str, Any]]:
    """All turns, or the one with this id. Raises NoTraceError when there is none."""
    found = [one for one in turns if turn is None or one["turn_id"] == turn]
    if not found:
        there = ", ".join(str(one["turn_id"]) for one in turns)
        raise NoTraceError(f"there is no turn {turn}, but {there}" if there else "the call has no turns yet")
    return found


def load(call: str, url: str) -> Mapping[str, Any]:
    """A call's JSON, from a file or from a gateway. Raises NoTraceError, OSError, httpx.HTTPError."""
    path = Path(call)
    if path.exists():
        return recorded(path) if path.is_dir() else read(path)
    token = os.environ.get("FIRSTWORD_ADMIN_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = httpx.get(f"{url.rstrip('/')}/calls/{call}", headers=headers, timeout=10, trust_env=False)
    if answer.status_code == 404:
        raise NoTraceError(f"{url} knows no call {call}, and there is no such file")
    answer.raise_for_status()
    return checked(answer.json(), url)


def read(path: Path) -> Mapping[str, Any]:
    """The JSON of a call, or one that `firstword call --save` wrote. Raises NoTraceError, OSError."""
    data = _json(path.read_text("utf-8"), path)
    inner = data.get("trace") if isinstance(data, dict) and "worst_tick_ms" in data else data
    return checked(inner, str(path))


def recorded(folder: Path) -> Mapping[str, Any]:
    """A recording as a call's JSON. The last line of one that was cut may be half a line. Raises NoTraceError, OSError."""
    call = _json((folder / MANIFEST).read_text("utf-8"), folder / MANIFEST)
    lines = (folder / TURNS).read_text("utf-8").splitlines(keepends=True)
    turns = [_json(line, folder / TURNS) for line in lines if line.endswith("\n")]
    return checked({**call, "turns": turns} if isinstance(call, dict) else call, str(folder))


def _json(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise NoTraceError(f"{path} is no JSON: {error}") from error


def checked(data: Any, where: str) -> Mapping[str, Any]:
    """What `GET /calls/{call_sid}` says. Raises NoTraceError for anything else, another major version among it."""
    if not isinstance(data, dict) or not isinstance(data.get("turns"), list) or "call_sid" not in data:
        raise NoTraceError(f"{where} holds no call's trace")
    if data.get("version") != VERSION:
        raise NoTraceError(f"{where} has version {data.get('version')}; this is for version {VERSION}")
    return data
