"""One turn as a picture: what ran when, after the caller's last audible sample, beside the budget. SVG, no library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

# The plan's budget: recognition, language model, voice, first word, whole exchange.
BUDGET_MS = {"asr": 300, "llm": 400, "tts": 300}
FIRST_WORD_MS, END_TO_END_MS = 500, 1000
_COLOURS = {
    "vad": "#8a8f98",
    "asr": "#3d7edb",
    "turn": "#c65bb5",
    "words": "#9a5bd6",
    "embed": "#6fb7b7",
    "llm": "#e08a2e",
    "tts": "#3fa66b",
}
_ROW, _LEFT, _WIDTH, _TOP = 22, 120, 860, 46


def gantt(turn: Mapping[str, Any], title: str) -> str:
    """An SVG of one turn of a call's JSON: its stages, the jobs on the cores (other calls' pale), the first word."""
    stages = [(s["name"], s.get("note", ""), s["start_ms"], s["end_ms"], True) for s in turn["stages"]]
    jobs = [(f"{j['engine']} job", j["priority"].replace("_", " "), j["start_ms"], j["end_ms"], False) for j in turn["jobs"]]
    begin: float = max(-1500.0, min([-300.0, *(float(row[2]) for row in stages)]))
    end: float = max([FIRST_WORD_MS + 200.0, float(turn["first_audio_ms"] or 0) + 150.0, *(float(row[3]) for row in stages)])

    def x(ms: float) -> float:
        return _LEFT + (max(begin, ms) - begin) / (end - begin) * _WIDTH

    rows = [*stages, *_folded([job for job in jobs if job[3] > begin])]
    height = _TOP + (len(rows) + 4) * _ROW
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 20} {height}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="10" y="18" font-size="14">{escape(title)}</text>',
    ]
    for tick in range(round(begin / 100) * 100, int(end) + 1, 100):
        out.append(f'<line x1="{x(tick):.1f}" y1="{_TOP - 10}" x2="{x(tick):.1f}" y2="{height - _ROW}" stroke="#ddd"/>')
        out.append(f'<text x="{x(tick):.1f}" y="{_TOP - 14}" fill="#777" text-anchor="middle">{tick}</text>')
    for index, (name, note, start, stop, own) in enumerate(rows):
        y = _TOP + index * _ROW
        colour = _COLOURS.get(name.split()[0], "#999")
        out.append(f'<text x="{_LEFT - 8}" y="{y + 13}" text-anchor="end" fill="{"#000" if own else "#888"}">{escape(name)}</text>')
        out.append(
            f'<rect x="{x(start):.1f}" y="{y + 2}" width="{max(1.5, x(stop) - x(start)):.1f}" height="{_ROW - 8}" rx="2" fill="{colour}" '
            f'opacity="{1 if own else 0.45}"/>'
        )
        if own:
            out.append(f'<text x="{x(stop) + 4:.1f}" y="{y + 13}" fill="#555">{escape(note)} {stop - start:.0f}</text>')
    at = _TOP + len(rows) * _ROW + 8
    begun = 0.0
    for name, ms in BUDGET_MS.items():
        out.append(
            f'<rect x="{x(begun):.1f}" y="{at}" width="{x(begun + ms) - x(begun):.1f}" height="{_ROW - 8}" fill="none" '
            f'stroke="{_COLOURS[name]}"/><text x="{x(begun) + 4:.1f}" y="{at + 11}" fill="{_COLOURS[name]}">budget {name} {ms}</text>'
        )
        begun += ms
    for at_ms, label, colour in (
        (0.0, "the caller's last sound", "#000"),
        (float(turn["committed_ms"] or 0), "turn over", "#c65bb5"),
        (float(turn["first_audio_ms"] or 0), "first word", "#d33"),
        (float(FIRST_WORD_MS), "budget", "#aaa"),
    ):
        out.append(
            f'<line x1="{x(at_ms):.1f}" y1="{_TOP - 6}" x2="{x(at_ms):.1f}" y2="{height - _ROW}" stroke="{colour}" stroke-dasharray="4 3"/>'
        )
        out.append(f'<text x="{x(at_ms) + 3:.1f}" y="{height - 6}" fill="{colour}" font-size="10">{label}</text>')
    return "\n".join([*out, "</svg>"]) + "\n"


def _folded(jobs: Sequence[tuple[str, str, float, float, bool]]) -> list[tuple[str, str, float, float, bool]]:
    """Jobs of one engine one after the other become one row."""
    rows: list[tuple[str, str, float, float, bool]] = []
    for job in jobs:
        if rows and rows[-1][0] == job[0] and job[2] - rows[-1][3] < 15:
            rows[-1] = (*rows[-1][:3], job[3], False)
        else:
            rows.append(job)
    return rows
