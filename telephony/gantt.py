"""One turn as a picture: what ran when, after the caller's last audible sample, beside the plan's budget. SVG, no library.

`chart` decides what is in the picture, `gantt` draws it; `telephony/gantt_terminal.py` draws the same in a terminal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

# The plan's budget: recognition, language model, voice, first word, whole exchange.
BUDGET_MS = {"asr": 300, "llm": 400, "tts": 300}
FIRST_WORD_MS, END_TO_END_MS = 500, 1000
COLOURS = {
    "vad": "#8a8f98",
    "asr": "#3d7edb",
    "turn": "#c65bb5",
    "words": "#9a5bd6",
    "embed": "#6fb7b7",
    "llm": "#e08a2e",
    "tts": "#3fa66b",
    "bet": "#b0a060",
    "playout": "#d33d3d",
}
OTHER = "#999"
_EARLIEST_MS, _AFTER_MS = -1500.0, 2500.0
_ROW, _LEFT, _WIDTH, _TOP = 22, 120, 860, 46
_FONT = 'font-family="sans-serif" font-size="12"'


@dataclass(frozen=True, slots=True)
class Bar:
    """One row: `own` is a stage of the turn, the others are jobs on the cores."""

    name: str
    note: str
    start_ms: float
    end_ms: float
    own: bool = True

    @property
    def colour(self) -> str:
        """By the first word of the name."""
        return COLOURS.get(self.name.split()[0], OTHER)


@dataclass(frozen=True, slots=True)
class Moment:
    """One vertical line."""

    at_ms: float
    label: str
    colour: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn of one turn, in ms after the caller's last audible sample; `begin_ms` and `end_ms` are the picture's edges."""

    title: str
    begin_ms: float
    end_ms: float
    bars: tuple[Bar, ...]
    budget: tuple[Bar, ...]
    moments: tuple[Moment, ...]

    def place(self, at_ms: float) -> float:
        """0 at the left edge, 1 at the right; what lies outside is at the edge."""
        return (min(self.end_ms, max(self.begin_ms, at_ms)) - self.begin_ms) / (self.end_ms - self.begin_ms)


def title_of(turn: Mapping[str, Any]) -> str:
    """Who said what."""
    said = f"“{turn['caller']}” – " if turn.get("caller") else ""
    return f"turn {turn.get('turn_id', '?')}, {turn.get('outcome', '?')}: {said}“{turn.get('reply', '')}”"


def _over(complete: float | None) -> str:
    """The moment at which the caller's turn was taken as over, and how sure that was."""
    return "turn over" if complete is None else f"turn over, P={complete:.2f}"


def chart(turn: Mapping[str, Any], title: str) -> Chart:
    """A turn of a call's JSON (`GET /calls/{call_sid}`): its bets that were lost, its stages, the jobs on the cores, the budget."""
    bets = [Bar("bet", b["outcome"], b["start_ms"], b["end_ms"]) for b in turn.get("bets", ()) if b["outcome"] != "won"]
    stages = [Bar(s["name"], s.get("note", ""), s["start_ms"], s["end_ms"]) for s in turn["stages"]]
    jobs = [Bar(f"{j['engine']} job", j["priority"].replace("_", " "), j["start_ms"], j["end_ms"], own=False) for j in turn["jobs"]]
    first_ms = float(turn.get("first_heard_ms") or turn["first_audio_ms"] or 0)
    begin = max(_EARLIEST_MS, min([-300.0, *(float(bar.start_ms) for bar in stages)]))
    last = max([END_TO_END_MS + 50.0, first_ms + 150.0, *(float(bar.end_ms) for bar in stages)])
    end = min(last, max(first_ms, END_TO_END_MS) + _AFTER_MS)
    if (heard_ms := turn.get("last_heard_ms")) is not None:
        stages.append(Bar("playout", "at the ear", first_ms, heard_ms))
    moments = [
        Moment(0.0, "the caller's last sound", "#000"),
        Moment(float(turn["committed_ms"] or 0), _over(turn.get("complete")), COLOURS["turn"]),
        Moment(first_ms, "first word", COLOURS["playout"]),
        Moment(float(FIRST_WORD_MS), "budget first word", "#aaa"),
        Moment(float(END_TO_END_MS), "budget end to end", "#aaa"),
    ]
    bars = [bar for bar in (*bets, *stages, *_folded(jobs)) if bar.end_ms > begin and bar.start_ms < end]
    return Chart(title, begin, end, tuple(bars), _budget(), tuple(moments))


def _budget() -> tuple[Bar, ...]:
    begun, bars = 0.0, []
    for name, ms in BUDGET_MS.items():
        bars.append(Bar(name, f"budget {name} {ms}", begun, begun + ms))
        begun += ms
    return tuple(bars)


def _folded(jobs: Sequence[Bar]) -> list[Bar]:
    """Jobs of one engine one after the other become one row."""
    rows: list[Bar] = []
    for job in jobs:
        if rows and rows[-1].name == job.name and job.start_ms - rows[-1].end_ms < 15:
            rows[-1] = Bar(job.name, rows[-1].note, rows[-1].start_ms, job.end_ms, own=False)
        else:
            rows.append(job)
    return rows


def gantt(turn: Mapping[str, Any], title: str) -> str:
    """One turn as an SVG file: other calls' jobs pale."""
    return "\n".join(_svg(chart(turn, title), 0)) + "\n"


def page(charts: Sequence[Chart]) -> str:
    """Several turns, one below the other, as one SVG file."""
    tops, top = [], 0
    for one in charts:
        tops.append(top)
        top += _height(one) + _ROW
    width = _LEFT + _WIDTH + 20
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top}">',
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    for one, at in zip(charts, tops, strict=True):
        out += _svg(one, at)
    return "\n".join([*out, "</svg>"]) + "\n"


def _height(one: Chart) -> int:
    return _TOP + (len(one.bars) + 4) * _ROW


def _svg(one: Chart, top: int) -> list[str]:
    def x(ms: float) -> float:
        return _LEFT + one.place(ms) * _WIDTH

    height, width = _height(one), _LEFT + _WIDTH + 20
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" y="{top}" width="{width}" height="{height}" {_FONT}>',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="10" y="18" font-size="14">{escape(one.title)}</text>',
    ]
    for tick in range(round(one.begin_ms / 100) * 100, int(one.end_ms) + 1, 100):
        out.append(f'<line x1="{x(tick):.1f}" y1="{_TOP - 10}" x2="{x(tick):.1f}" y2="{height - _ROW}" stroke="#ddd"/>')
        out.append(f'<text x="{x(tick):.1f}" y="{_TOP - 14}" fill="#777" text-anchor="middle">{tick}</text>')
    for index, bar in enumerate(one.bars):
        y, start, stop = _TOP + index * _ROW, x(bar.start_ms), x(bar.end_ms)
        dark = "#000" if bar.own else "#888"
        out.append(f'<text x="{_LEFT - 8}" y="{y + 13}" text-anchor="end" fill="{dark}">{escape(bar.name)}</text>')
        out.append(
            f'<rect x="{start:.1f}" y="{y + 2}" width="{max(1.5, stop - start):.1f}" height="{_ROW - 8}" rx="2" fill="{bar.colour}" '
            f'opacity="{1 if bar.own else 0.45}"/>'
        )
        if bar.own:
            words = f"{escape(bar.note)} {bar.end_ms - bar.start_ms:.0f}"
            at, anchor = (stop + 4, "start") if stop < _LEFT + _WIDTH - 80 else (start - 4, "end")
            out.append(f'<text x="{at:.1f}" y="{y + 13}" fill="#555" text-anchor="{anchor}">{words}</text>')
    at_y = _TOP + len(one.bars) * _ROW + 8
    for bar in one.budget:
        start, stop = x(bar.start_ms), x(bar.end_ms)
        out.append(
            f'<rect x="{start:.1f}" y="{at_y}" width="{stop - start:.1f}" height="{_ROW - 8}" fill="none" '
            f'stroke="{bar.colour}"/><text x="{start + 4:.1f}" y="{at_y + 11}" fill="{bar.colour}">{bar.note}</text>'
        )
    for index, moment in enumerate(one.moments):
        at = x(moment.at_ms)
        line = f'y1="{_TOP - 6}" x2="{at:.1f}" y2="{height - _ROW}" stroke="{moment.colour}" stroke-dasharray="4 3"'
        out.append(f'<line x1="{at:.1f}" {line}/>')
        y = height - 6 - 11 * (index % 3)  # neighbours may lie close
        side, anchor = (3, "start") if at < _LEFT + _WIDTH - 100 else (-3, "end")
        out.append(
            f'<text x="{at + side:.1f}" y="{y}" fill="{moment.colour}" font-size="10" text-anchor="{anchor}">{moment.label}</text>'
        )
    return [*out, "</svg>"]
