"""A replayed call for the eye: one block a turn, with each stage's place after the caller's last audible sample."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .result import CallResult, TurnResult


def print_call(result: CallResult, console: Console) -> None:
    """Print what was said and when."""
    console.print(f"[bold]{result.name}[/bold]  {result.call_sid}  {result.duration_ms / 1000:.1f} s, ended by: {result.ended_by}")
    greeting = "the greeting was never heard" if result.greeting_ms is None else f"greeting heard after {result.greeting_ms} ms"
    heard = 100 * result.heard_ms / result.received_ms if result.received_ms else 0
    console.print(
        f"{greeting}; {result.heard_ms / 1000:.1f} of {result.received_ms / 1000:.1f} s of the bot's audio heard ({heard:.0f} %), "
        f"{result.clears} times cut, {result.marks_returned} marks returned, frames at most {result.worst_tick_ms} ms late"
    )
    table = Table(show_lines=True, caption="ms from the caller's last audible sample", caption_justify="left")
    table.add_column("turn", justify="right")
    table.add_column("said / understood / answered", ratio=3)
    table.add_column("first word", justify="right")
    table.add_column("stages", ratio=2, no_wrap=True)
    for number, turn in enumerate(result.turns, 1):
        table.add_row(str(number), _words(turn), _ear(turn), _stages(turn))
    console.print(table)
    if result.trace is None:
        console.print("[yellow]The gateway gave no trace: transcripts and stages are not known.[/yellow]")
    for failure in result.failures:
        console.print(Text(f"✗ {failure}", style="red"))
    answered = sorted(turn.first_word_ms for turn in result.turns if turn.first_word_ms is not None)
    if answered:
        console.print(f"first word: median {answered[len(answered) // 2]} ms, worst {answered[-1]} ms over {len(answered)} answers")
    verdict = "[green]every expectation met[/green]" if result.passed else "[red]not as expected[/red]"
    console.print(f"{verdict}; cut-ins: {result.cut_ins}")


def _words(turn: TurnResult) -> Text:
    text = Text()
    text.append(f"“{turn.said}”\n", style="bold")
    text.append(f"  {turn.transcript or '—'}\n", style="dim")
    text.append(f"→ {turn.reply or '—'}")
    if turn.outcome and turn.outcome != "answered":
        text.append(f"  [{turn.outcome}]", style="yellow")
    for failure in turn.failures:
        text.append(f"\n✗ {failure}", style="red")
    return text


def _ear(turn: TurnResult) -> str:
    lines = [] if turn.first_word_ms is None else [str(turn.first_word_ms)]
    if turn.barge_in_ms is not None:
        lines.append(f"silent {turn.barge_in_ms}")
    if turn.resumed_ms is not None and turn.hum:
        lines.append(f"on after {turn.resumed_ms}")
    if turn.cut_ins:
        lines.append(f"cut in ×{turn.cut_ins}")
    if turn.late:
        lines.append("no cue")
    return "\n".join(lines) or "—"


def _stages(turn: TurnResult) -> str:
    width = max((len(stage.name) for stage in turn.stages), default=0)
    return "\n".join(
        f"{stage.name:<{width}} {stage.start_ms:>6.0f} … {stage.end_ms:>6.0f}{' ' + stage.note if stage.note else ''}"
        for stage in turn.stages
    )
