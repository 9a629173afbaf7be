"""The report: docs/latency.md from the figures of all runs that there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .machine import PACKAGES
from .plan import ABLATIONS, LOAD, MIX, WORDED, Run

_BOUNDS = {"1 caller": (450, 750), "4 callers": (None, 1000), "8 callers": (None, 2500)}


def markdown(runs: Mapping[str, Mapping[str, Any]], picture: str | None) -> str:
    """The page. `runs`: figures by the name of the run, each with its `environment`."""
    first = next(iter(runs.values()))["environment"]
    out = [
        "# Latency",
        "",
        "Made by `make bench`; the figures of every run, with its date and commit, are in `docs/latency.json`.",
        "",
        f"{first['machine']}, Python {first['python']}, " + ", ".join(f"{n} {first[n]}" for n in PACKAGES) + ".",
        f"First run: {first['date']}, commit {first['commit']}.",
        "",
        "Recorded callers at real pace over the real WebSocket, from the same machine, staggered, each speaking again about a second after",
        "the bot has finished. Zero is the caller's last audible sample (20 ms over RMS 200), the first word is the bot's first audible one,",
        f"both at the caller's ear. The mix: {_mix()}.",
        "A wrong answer is one that the fixture's expectation of that turn does not find. *Stolen* is the share of the CPU time asked for that a virtual machine's host gave to others.",
        "",
        "## Callers at once",
        "",
        (
            "| | turns | first word p50 | p95 | p99 | must (p50 / p95) | without thinking pauses p50 / p95 | one-sentence reply made, p95 | "
            "greeting p95 | silent after barge-in p50 | cut into pauses | wrong answers | unanswered | measured on |"
        ),
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *(_load_row(run, runs[run.name]) for run in LOAD if run.name in runs),
        "",
        "## Stages, one caller",
        "",
        "From being asked for to being done, so a wait for a core is in it; *one job* is the work alone. ms.",
        "",
        *_stage_table(runs.get("1 caller")),
        *_tokens(runs),
        "",
        "## What each part is worth",
        "",
        "One caller, 60 turns, one part switched off at a time. A row is compared with `nothing off`, or `1 caller` above, of the same machine and day.",
        "",
        "| | first word p50 | p95 | without thinking pauses p50 | cut into pauses | wrong answers | what is off | measured on |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(_ablation_row(run, runs[run.name]) for run in ABLATIONS if run.name in runs),
        "",
    ]
    if picture is not None:
        out += ["## A turn", "", f"![A turn as a Gantt chart]({picture})", ""]
    return "\n".join(out)


def _mix() -> str:
    return "; ".join(f"{group.share:.0%} of the turns from {', '.join(f'`{name}`' for name in group.fixtures)}" for group in MIX)


def _ms(figures: Mapping[str, Any], name: str) -> str:
    return str(figures.get(name, "–"))


def _load_row(run: Run, all_of: Mapping[str, Any]) -> str:
    f = all_of["first_word"]
    p50, p95 = _BOUNDS.get(run.name, (None, None))
    must = f"{p50 or '–'} / {p95 or '–'}"
    plain = all_of["first_word_no_pauses"]
    return (
        f"| {run.name} | {f['n']} | {_ms(f, 'p50')} | {_ms(f, 'p95')} | {_ms(f, 'p99')} | {must} "
        f"| {_ms(plain, 'p50')} / {_ms(plain, 'p95')} | {_ms(all_of['end_to_end'], 'p95')} | {_ms(all_of['greeting'], 'p95')} "
        f"| {_ms(all_of['barge_in'], 'p50')} | {all_of['cut_ins']} of {all_of['pauses']} | {all_of['failed_expectations']} | {all_of['unanswered']} | {_where(all_of['environment'])} |"
    )


def _ablation_row(run: Run, all_of: Mapping[str, Any]) -> str:
    f = all_of["first_word"]
    return (
        f"| {run.name} | {_ms(f, 'p50')} | {_ms(f, 'p95')} | {_ms(all_of['first_word_no_pauses'], 'p50')} "
        f"| {all_of['cut_ins']} of {all_of['pauses']} | {all_of['failed_expectations']} | {run.about} | {_where(all_of['environment'])} |"
    )


def _where(environment: Mapping[str, str]) -> str:
    """The machine by its processor's family and model (two of one name may differ by half), the day, and what others took of its time."""
    stolen = environment.get("stolen", "0 %")
    taken = "" if stolen == "0 %" else f", {stolen} stolen"
    return f"{environment.get('processor', environment['machine'])}, {environment['date'][:10]}{taken}"


def _stage_table(one: Mapping[str, Any] | None) -> Sequence[str]:
    if one is None:
        return ["Not measured yet."]
    rows = [f"| {name} | {f['n']} | {f['p50']} | {f['p95']} | {f['p99']} |" for name, f in one["stages"].items()]
    bets = one["bets"]
    return [
        "| stage | n | p50 | p95 | p99 |",
        "| --- | --- | --- | --- | --- |",
        *rows,
        "",
        (
            f"Bets: {bets['bet_won']} won, {bets['bet_lost']} lost, {bets['commit_undone']} undone after the silence was taken for the end; "
            f"{bets['partials_dropped']} partial transcripts dropped."
        ),
    ]


def _tokens(runs: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
    """What is prefilled while somebody waits, of the replies that the model words."""
    rows = [
        f"| {name} | {prefilled['n']} | {_ms(awaited, 'p50')} / {_ms(awaited, 'p95')} | {_ms(prefilled, 'p50')} / {_ms(prefilled, 'p95')} |"
        for name in ("1 caller", WORDED)
        if name in runs
        and (prefilled := runs[name]["prefilled_tokens"])["n"]
        and (awaited := runs[name].get("awaited_tokens", prefilled))
    ]
    if not rows:
        return []
    return [
        "",
        "Tokens of the prompt that are prefilled before a reply's first token, p50 / p95 (must: 12 after the turn is over).",
        "",
        "| run | replies that the model worded | after the turn is over | and by the bet before it |",
        "| --- | --- | --- | --- |",
        *rows,
    ]
