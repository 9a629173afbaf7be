"""The plan's experiments: their page, and that each of them was run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from telephony.cli import app
from telephony.experiments.experiment import compared, page, table
from telephony.experiments.plan import EXPERIMENTS, experiments_named

DOCS = Path(__file__).parents[1] / "docs"


def figures(first: int, **stages: int) -> dict[str, Any]:
    return {
        "first_word": {"n": 24, "p50": first, "p95": 2 * first, "p99": 2 * first},
        "stages": {name.replace("_", " "): {"n": 9, "p50": ms} for name, ms in stages.items()},
    }


def test_a_table_is_markdown() -> None:
    assert table(("a", "b"), [("1", "2")]) == ["| a | b |", "| --- | --- |", "| 1 | 2 |"]


def test_the_baseline_stands_beside_the_optimised_and_the_budget() -> None:
    done = {
        "baseline": {"figures": {"baseline": figures(2600, asr_final=900, llm_first_phrase=600)}},
        "end-to-end": {"figures": {"worded by the model": figures(700, asr_final=250), "as shipped": figures(420)}},
    }
    text = "\n".join(compared(done))
    assert "| asr | 0.5–1.5 | 0.90 | 0.2–0.5 | 0.25 |" in text
    assert "| llm | 1.0–3.0 | 0.60 | 0.2–0.6 | – |" in text
    assert "| first word at the ear | – | 2.60 | 0.5 | 0.70 |" in text
    assert "after 0.42 s" in text
    assert compared({"baseline": done["baseline"]}) == []


def test_an_experiment_that_was_not_run_says_so() -> None:
    text = page(EXPERIMENTS, {})
    assert text.count("Not measured yet.") == len(EXPERIMENTS) == 7
    assert all(f"`firstword experiment {one.name}`" in text for one in EXPERIMENTS)


def test_a_name_that_is_none_is_refused_with_those_that_are() -> None:
    assert [one.name for one in experiments_named(["tts", "llama"])] == ["tts", "llama"]
    assert experiments_named([]) == EXPERIMENTS
    with pytest.raises(ValueError, match=r"'nvllm'.*vllm"):
        experiments_named(["nvllm"])
    result = CliRunner().invoke(app, ["experiment", "nvllm"])
    assert result.exit_code == 2
    assert "nvllm" in result.output


def test_the_command_keeps_what_others_left(tmp_path: Path) -> None:
    kept = {
        "tts": {
            "columns": ["voice"],
            "rows": [["hum"]],
            "notes": [],
            "figures": None,
            "environment": {"date": "d", "commit": "c", "machine": "m"},
        }
    }
    (tmp_path / "experiments.json").write_text(json.dumps({"version": 1, "experiments": kept}))
    result = CliRunner().invoke(app, ["experiment", "vllm", "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    written = json.loads((tmp_path / "experiments.json").read_text("utf-8"))["experiments"]
    assert written.keys() == {"tts", "vllm"}
    text = (tmp_path / "experiments.md").read_text("utf-8")
    assert "| hum |" in text
    assert "vllm serve" in text


def test_every_experiment_was_run_and_the_page_is_made_from_its_figures() -> None:
    done = json.loads((DOCS / "experiments.json").read_text("utf-8"))["experiments"]
    assert done.keys() == {one.name for one in EXPERIMENTS}
    assert (DOCS / "experiments.md").read_text("utf-8") == page(EXPERIMENTS, done)
    assert all({"date", "commit", "machine"} <= one["environment"].keys() for one in done.values())
