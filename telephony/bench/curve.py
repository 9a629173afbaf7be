"""The first word over the number of callers, as a picture. SVG, no library."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from .capacity import Step

_LINES = (("p50", "#3fa66b"), ("p95", "#d33"), ("p99", "#8a8f98"))
_LEFT, _TOP, _WIDTH, _HEIGHT = 70, 50, 760, 340
_TICKS_MS = (50, 100, 200, 250, 500, 1000, 2000, 2500, 5000)


def curve(steps: Sequence[Step], target_ms: int, title: str) -> str:
    """An SVG of p50, p95 and p99 in ms over the callers, with the target as a line. `steps` in any order, at least one."""
    ordered = sorted((step for step in steps if step.p95 is not None), key=lambda step: step.callers)
    most = max([2, *(step.callers for step in ordered)])
    highest = 1.1 * max([target_ms * 1.2, *(step.p99 or 0 for step in ordered)])

    def x(callers: float) -> float:
        return _LEFT + (callers - 1) / (most - 1) * _WIDTH

    def y(ms: float) -> float:
        return _TOP + (1 - ms / highest) * _HEIGHT

    right, bottom = _LEFT + _WIDTH, _TOP + _HEIGHT
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right + 70} {bottom + 50}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{_LEFT}" y="22" font-size="14">{escape(title)}</text>',
        f'<text x="{_LEFT}" y="{_TOP - 10}" fill="#777">first word at the ear, ms</text>',
        f'<text x="{right}" y="{bottom + 38}" fill="#777" text-anchor="end">callers at once</text>',
    ]
    spacing = next((tick for tick in _TICKS_MS if highest / tick <= 8), 10_000)
    for ms in range(0, int(highest) + 1, spacing):
        out.append(f'<line x1="{_LEFT}" y1="{y(ms):.1f}" x2="{right}" y2="{y(ms):.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{_LEFT - 8}" y="{y(ms) + 4:.1f}" fill="#777" text-anchor="end">{ms}</text>')
    counts = [step.callers for step in ordered]
    out += [f'<text x="{x(count):.1f}" y="{bottom + 18}" fill="#777" text-anchor="middle">{count}</text>' for count in counts]
    for name, colour in _LINES:
        points = [(x(step.callers), y(getattr(step, name))) for step in ordered]
        if not points:
            continue
        out.append(
            f'<polyline points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in points)}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
        out += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in points]
        out.append(f'<text x="{points[-1][0] + 8:.1f}" y="{points[-1][1] + 4:.1f}" fill="{colour}">{name}</text>')
    out.append(
        f'<line x1="{_LEFT}" y1="{y(target_ms):.1f}" x2="{right}" y2="{y(target_ms):.1f}" stroke="#000" stroke-dasharray="4 3"/>'
    )
    out.append(f'<text x="{_LEFT + 6}" y="{y(target_ms) - 5:.1f}">target {target_ms} ms</text>')
    return "\n".join([*out, "</svg>"]) + "\n"
