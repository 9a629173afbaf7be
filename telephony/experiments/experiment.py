"""What an experiment is and what it leaves: rows of a table, and sentences about them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from config.settings import Settings

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A table (`columns`, and as many cells a row), what to know about it, and the figures that other tables are made from."""

    columns: Row
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    figures: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Experiment:
    """`run` takes minutes; it gets the settings of the default profile."""

    name: str
    title: str
    about: str
    run: Callable[[Settings], Outcome]


# The plan's budgets: the stage, as first built, as it should become; seconds.
BUDGETS = (("asr", "0.5–1.5", "0.2–0.5"), ("llm", "1.0–3.0", "0.2–0.6"), ("tts", "0.5–2.0", "0.2–0.5"))
STAGES = {"asr": "asr final", "llm": "llm first phrase", "tts": "tts first phrase"}


def ms(figure: Mapping[str, Any] | None, name: str = "p50") -> str:
    """A percentile as a cell."""
    return str(figure[name]) if figure is not None and name in figure else "–"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Markdown's lines."""
    return [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}", *(f"| {' | '.join(row)} |" for row in rows)]


def compared(done: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The plan's table: each stage in the baseline and as shipped, in seconds beside the budgets. Empty while one of the two is missing."""
    if not {"baseline", "end-to-end"} <= done.keys():
        return []
    baseline, worded = done["baseline"]["figures"]["baseline"], done["end-to-end"]["figures"]["worded by the model"]
    shipped = done["end-to-end"]["figures"]["as shipped"]

    def seconds(run: Mapping[str, Any], stage: str) -> str:
        found = run["stages"].get(STAGES[stage], {"n": 0})
        return f"{found['p50'] / 1000:.2f}" if found["n"] else "–"

    rows = [(stage, before, seconds(baseline, stage), after, seconds(worded, stage)) for stage, before, after in BUDGETS]
    words = (baseline["first_word"], worded["first_word"], shipped["first_word"])
    first, last, said = (f"{word['p50'] / 1000:.2f}" if word["n"] else "–" for word in words)
    return [
        "## Baseline against optimised",
        "",
        "Medians in seconds; a stage from being asked for to being done. The model words every answer in both, so that there is a stage to compare;",
        f"as shipped, short facts are said as their owner wrote them, and the first word comes after {said} s.",
        "",
        *table(
            ("stage", "budget of the plan, at first", "baseline", "budget, optimised", "optimised"),
            [*rows, ("first word at the ear", "–", first, "0.5", last)],
        ),
        "",
    ]


def page(experiments: Sequence[Experiment], done: Mapping[str, Mapping[str, Any]]) -> str:
    """docs/experiments.md. `done`: `columns`, `rows`, `notes`, `figures` and `environment` by name, as the JSON beside the page has them."""
    out = [
        "# Experiments",
        "",
        "Each is one command, `firstword experiment NAME --out docs`, and was run on the machine that is named under it.",
        "Machines differ and neighbours come and go: compare within a table. The figures lie in `experiments.json`.",
        "",
        *compared(done),
    ]
    for number, experiment in enumerate(experiments, 1):
        out += [f"## {number}. {experiment.title}", "", f"`firstword experiment {experiment.name}`. {experiment.about}", ""]
        found = done.get(experiment.name)
        if found is None:
            out += ["Not measured yet.", ""]
            continue
        where = found["environment"]
        out += [*table(found["columns"], found["rows"]), ""]
        out += [line for note in found["notes"] for line in (note, "")]
        out += [f"{where['date']}, commit {where['commit']}, {where['machine']}.", ""]
    return "\n".join(out)
