"""A turn's chart in a terminal: the same rows, moments and budget as in the SVG, with rich."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from telephony.gantt import Bar, Chart

_NAME, _NOTE = 10, 26
_MIN_WIDTH = 30


def terminal(one: Chart, width: int) -> Iterator[Text]:
    """Its lines, `width` columns wide at most."""
    columns = max(_MIN_WIDTH, width - _NAME - _NOTE - 2)
    yield Text(one.title, style="bold", overflow="ellipsis", no_wrap=True)
    yield _ruler(one, columns)
    for bar in one.bars:
        note = f"{bar.end_ms - bar.start_ms:5.0f} ms {bar.note}" if bar.own else f"         {bar.note}"
        yield _row(one, columns, bar.name, [bar], note, dim=not bar.own)
    yield _row(
        one, columns, "budget", list(one.budget), ", ".join(bar.note.removeprefix("budget ") for bar in one.budget), dim=True
    )
    for moment in one.moments[:3]:
        mark = Text(" " * (_NAME + 1 + _column(one, columns, moment.at_ms)))
        yield mark.append(f"│ {moment.label} {moment.at_ms:.0f}", style=moment.colour)


def _column(one: Chart, columns: int, at_ms: float) -> int:
    return min(columns - 1, int(one.place(at_ms) * columns))


def _ruler(one: Chart, columns: int) -> Text:
    """Ticks at round numbers, as many as fit."""
    span = one.end_ms - one.begin_ms
    step = next((ms for ms in (100, 200, 500, 1000) if span / ms <= columns / 8), 2000)
    line = [" "] * (columns + 8)
    for tick in range(-(-int(one.begin_ms) // step) * step, int(one.end_ms) + 1, step):
        at = _column(one, columns, tick)
        line[at : at + len(f"{tick}") + 1] = f"╷{tick}"
    return Text(" " * (_NAME + 1) + "".join(line).rstrip(), style="dim", no_wrap=True)


def _row(one: Chart, columns: int, name: str, bars: list[Bar], note: str, *, dim: bool) -> Text:
    cells = [(" ", "")] * columns
    for moment in one.moments:
        cells[_column(one, columns, moment.at_ms)] = ("┊", moment.colour if moment.colour != "#000" else "")
    for bar in bars:
        start, stop = _column(one, columns, bar.start_ms), _column(one, columns, bar.end_ms)
        for at in range(start, max(start + 1, stop)):
            cells[at] = ("▒" if dim else "█", bar.colour)
    row = Text(f"{name[:_NAME]:>{_NAME}} ", style="dim" if dim else "", no_wrap=True, overflow="ellipsis")
    for character, style in cells:
        row.append(character, style=style)
    return row.append(f" {note[:_NOTE]}", style="dim")
