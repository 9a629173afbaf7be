"""Replays a call from its event log: the same events, a new turn machine, a clock that is read off the log. Takes milliseconds. Pure.

The machine decides and nothing else does, so the same events must give the same commands and the same alarms. What differs is a change of
the machine or of its thresholds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.event_log import Answer, Entry, EventLog, Gap
from pipeline.turn import IllegalTransitionError, State, TurnMachine, TurnTaking
from pipeline.turn_events import TurnCommand


@dataclass(frozen=True, slots=True)
class Difference:
    """Entry `number` (from 0) got another answer than was recorded. `state`: of the machine before it. `raised`: instead of an answer."""

    number: int
    entry: Entry
    state: State
    got: Answer
    raised: str = ""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay came to. `entries`: so many were replayed. `states`: the state after each. `stopped`: why it did not go on, if so."""

    entries: int
    differences: tuple[Difference, ...]
    states: tuple[State, ...]
    stopped: str = ""

    @property
    def same(self) -> bool:
        """Every answer was as recorded, to the log's end."""
        return not self.differences and not self.stopped


def replay(log: EventLog, settings: TurnTaking | None = None) -> Replayed:
    """Feed the log to a new machine. `settings`: other thresholds than those recorded."""
    machine = TurnMachine(settings or log.settings, log.rate_hz)
    differences: list[Difference] = []
    states: list[State] = []
    for number, item in enumerate(log.items):
        if isinstance(item, Gap):
            return Replayed(number, tuple(differences), tuple(states), f"{item.lost} events are missing in the log from here on")
        before = machine.state
        try:
            commands = machine.handle(item.event, item.at_ns)
        except IllegalTransitionError as error:
            differences.append(Difference(number, item, before, Answer(), f"illegal transition: {error}"))
            return Replayed(number, tuple(differences), tuple(states), "the machine cannot go on")
        states.append(machine.state)
        got = Answer(tuple(commands), machine.alarm_sample, machine.alarm_ns)
        if got != item.answer:
            differences.append(Difference(number, item, before, got))
    return Replayed(len(log.items), tuple(differences), tuple(states))


def described(difference: Difference, before: Sequence[Entry] = ()) -> str:
    """The difference as a diff of a few lines: `-` as recorded, `+` as it is now. `before`: entries to show in front of it."""
    lines = [f"  {_event(entry)}" for entry in before]
    lines.append(f"@ {_event(difference.entry)}   (event {difference.number + 1}, {difference.state.value})")
    if difference.raised:
        return "\n".join([*lines, f"+   {difference.raised}"])
    expected, got = difference.entry.answer, difference.got
    lines += _commands(expected.commands, got.commands)
    for name, was, now in (
        ("alarm_sample", expected.alarm_sample, got.alarm_sample),
        ("alarm", _seconds(expected.alarm_ns), _seconds(got.alarm_ns)),
    ):
        if was != now:
            lines += [f"-   {name}: {was}", f"+   {name}: {now}"]
    return "\n".join(lines)


def report(log: EventLog, replayed: Replayed, most: int = 4) -> str:
    """All of it for the eye; the first differences matter, what follows is their consequence."""
    lines = []
    shown = 0
    for difference in replayed.differences[:most]:
        before = [item for item in log.items[max(shown, difference.number - 2) : difference.number] if isinstance(item, Entry)]
        lines.append(described(difference, before))
        shown = difference.number + 1
    if len(replayed.differences) > most:
        lines.append(f"… and {len(replayed.differences) - most} more differences, most of them consequences of the first")
    if replayed.stopped:
        lines.append(f"stopped after {replayed.entries} events: {replayed.stopped}")
    return "\n".join(lines)


def _event(entry: Entry) -> str:
    return f"{entry.at_ns / 1e9:9.3f} s  {entry.event}"


def _seconds(at_ns: int | None) -> str:
    return "none" if at_ns is None else f"{at_ns / 1e9:.3f} s"


def _commands(expected: Sequence[TurnCommand], got: Sequence[TurnCommand]) -> list[str]:
    """A line diff by the longest common prefix and suffix: answers have a handful of commands."""
    if tuple(expected) == tuple(got):
        return []
    start = 0
    while start < min(len(expected), len(got)) and expected[start] == got[start]:
        start += 1
    end = 0
    while end < min(len(expected), len(got)) - start and expected[-1 - end] == got[-1 - end]:
        end += 1
    same_before = [f"    {command}" for command in expected[:start]]
    same_after = [f"    {command}" for command in expected[len(expected) - end :]]
    gone = [f"-   {command}" for command in expected[start : len(expected) - end]]
    new = [f"+   {command}" for command in got[start : len(got) - end]]
    return [*same_before, *gone, *new, *same_after]
