"""What a call came to, turn by turn, and how far another run of it may be from that. Pure.

Two runs of a call are never the same: the clock, the threads and the network differ. What has to be the same is what was understood, what was
answered, who interrupted whom; and the first word may be later by a tolerance only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from difflib import SequenceMatcher
from typing import Any, Self

from pipeline.event_log import EventLogError, check_version
from telephony.recording.reader import Recording, RecordingError

VERSION = 1
_PER_MS = 8
# Turns of two runs are the same turn if the caller fell silent at the same place of the same audio, give or take this.
_SAME_MS = 700
_COUNTED = ("barge_in_cancelled", "barge_in_resumed")


@dataclass(frozen=True, slots=True)
class Tolerances:
    """`first_word_ms`: so much later at most. `caller`, `reply`: share of the words that may differ. `interruptions`: so many more or less."""

    first_word_ms: int = 400
    caller: float = 0.25
    reply: float = 0.34
    interruptions: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn. `at_ms`: where the caller's words ended, on the recording's timeline; 0: nobody had spoken (greeting, reprompt, goodbye)."""

    outcome: str
    at_ms: int = 0
    caller: str = ""
    reply: str = ""
    first_word_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """A call's turns and interruptions. `counts`: barge-ins by what became of them."""

    turns: tuple[Turn, ...]
    counts: Mapping[str, int]
    tolerances: Tolerances = Tolerances()

    @classmethod
    def of_trace(cls, turns: Sequence[Mapping[str, Any]], counters: Mapping[str, int]) -> Self:
        """From the gateway's account of a call (`GET /calls/{call_sid}`)."""
        return cls(tuple(_turn(turn) for turn in turns), {name: counters.get(name, 0) for name in _COUNTED})

    @classmethod
    def of_recording(cls, recording: Recording) -> Self:
        """Raises RecordingError. A turn that was not over when the recording was cut is not in it."""
        counters: dict[str, int] = {}
        for entry in recording.events().entries:
            for command in entry.answer.commands:
                if name := getattr(command, "name", ""):
                    counters[name] = counters.get(name, 0) + 1
        return cls.of_trace(recording.turns(), counters)

    @classmethod
    def from_json(cls, text: str, where: str) -> Self:
        """Raises RecordingError."""
        try:
            table = json.loads(text)
            check_version(table, "expectation")
            turns = tuple(Turn(**turn) for turn in table["turns"])
            return cls(turns, dict(table.get("counts", {})), Tolerances(**table.get("tolerances", {})))
        except (ValueError, TypeError, KeyError, AttributeError, EventLogError) as error:
            raise RecordingError(f"{where}: {error}") from error

    def to_json(self) -> str:
        """A file that a person may edit: tolerances first."""
        table = {"version": VERSION, "tolerances": asdict(self.tolerances), "counts": dict(self.counts)}
        turns = [{f.name: value for f in fields(t) if (value := getattr(t, f.name)) not in ("", None)} for t in self.turns]
        return json.dumps({**table, "turns": turns}, indent=2, ensure_ascii=False) + "\n"


@dataclass(frozen=True, slots=True)
class Pair:
    """A turn of each run; None where one of them has no such turn. `faults`: what is not as expected, in words."""

    expected: Turn | None
    got: Turn | None
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All turns, and what is wrong with the call as a whole."""

    pairs: tuple[Pair, ...]
    faults: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Nothing is beyond the tolerances."""
        return not self.faults and not any(pair.faults for pair in self.pairs)


def compare(expected: Expectation, got: Expectation) -> Comparison:
    """`got` against `expected` and its tolerances."""
    tolerances = expected.tolerances
    pairs = [Pair(was, now, tuple(_faults(was, now, tolerances))) for was, now in _paired(expected.turns, got.turns)]
    faults = []
    for name in sorted({*expected.counts, *got.counts}):
        was_count, now_count = expected.counts.get(name, 0), got.counts.get(name, 0)
        if abs(was_count - now_count) > tolerances.interruptions:
            faults.append(f"{name}: {was_count} expected, {now_count} counted")
    return Comparison(tuple(pairs), tuple(faults))


def _turn(turn: Mapping[str, Any]) -> Turn:
    first = turn.get("first_audio_ms")
    spoken = bool(turn.get("caller"))
    return Turn(
        outcome=str(turn.get("outcome", "")),
        at_ms=int(turn.get("speech_end_sample") or 0) // _PER_MS if spoken else 0,
        caller=str(turn.get("caller") or ""),
        reply=str(turn.get("reply") or ""),
        first_word_ms=round(float(first)) if first is not None and spoken else None,
    )


def _paired(expected: Sequence[Turn], got: Sequence[Turn]) -> list[tuple[Turn | None, Turn | None]]:
    """In order; turns that have no partner stand alone."""
    pairs: list[tuple[Turn | None, Turn | None]] = []
    rest = list(got)
    for turn in expected:
        at = next((index for index, other in enumerate(rest) if _is_same(turn, other)), None)
        if at is None:
            pairs.append((turn, None))
            continue
        pairs += [(None, extra) for extra in rest[:at]]
        pairs.append((turn, rest[at]))
        rest = rest[at + 1 :]
    return pairs + [(None, extra) for extra in rest]


def _is_same(turn: Turn, other: Turn) -> bool:
    if not turn.at_ms or not other.at_ms:
        return turn.at_ms == other.at_ms and turn.outcome == other.outcome
    return abs(turn.at_ms - other.at_ms) <= _SAME_MS


def _faults(was: Turn | None, now: Turn | None, tolerances: Tolerances) -> list[str]:
    if was is None:
        return ["there was no such turn"]
    if now is None:
        return ["this turn did not come"]
    faults = []
    if was.outcome != now.outcome:
        faults.append(f"{was.outcome} became {now.outcome}")
    for name, allowed, before, after in (
        ("understood", tolerances.caller, was.caller, now.caller),
        ("answered", tolerances.reply, was.reply, now.reply),
    ):
        share = words_differing(before, after)
        if share > allowed:
            faults.append(f"{name} otherwise: {share:.0%} of the words differ, {allowed:.0%} may")
    if was.first_word_ms is not None and now.first_word_ms is not None:
        later_ms = now.first_word_ms - was.first_word_ms
        if later_ms > tolerances.first_word_ms:
            faults.append(f"first word {later_ms} ms later, {tolerances.first_word_ms} ms may be")
    return faults


def words_differing(before: str, after: str) -> float:
    """Share of words that differ, 0 to 1; case and punctuation do not count."""
    old, new = _words(before), _words(after)
    return 1.0 - SequenceMatcher(None, old, new, autojunk=False).ratio() if old or new else 0.0


def word_diff(before: str, after: str) -> str:
    """`after`, with `[-what is missing-]` and `{+what is new+}` in it."""
    old, new = before.split(), after.split()
    parts: list[str] = []
    matcher = SequenceMatcher(None, [_bare(w) for w in old], [_bare(w) for w in new], autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            parts += new[c:d]
            continue
        parts += [f"[-{' '.join(old[a:b])}-]"] if b > a else []
        parts += [f"{{+{' '.join(new[c:d])}+}}"] if d > c else []
    return " ".join(parts)


def _words(text: str) -> list[str]:
    return [bare for word in text.split() if (bare := _bare(word))]


def _bare(word: str) -> str:
    return re.sub(r"[^a-z0-9']", "", word.lower())
