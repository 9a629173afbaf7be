"""From the two timelines of a call and the gateway's trace to numbers per turn. Pure.

Latencies are taken from the clean utterances (line noise is not speech) and from the bot as heard, both in samples of one timeline.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.audibility import audible_runs, first_audible, last_audible
from pipeline.leg import Pcm

from .caller import Begun
from .line import FRAME
from .result import Stage, TurnResult
from .script import CallerScript, Say
from .wav import RATE_HZ

SILENCED_GAP_MS = 300
"""So long a quiet ends the bot's stretch of speech: longer than a pause inside a phrase."""
_EARLY_SAMPLES = RATE_HZ // 5
_PER_MS = RATE_HZ // 1000

Run = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Spoken:
    """One utterance on the call's timeline, in samples: its first and last audible sample, up to the next utterance's first."""

    step: int
    say: Say
    start: int
    end: int
    until: int
    late: bool


def greeting_ms(bot: Pcm) -> int | None:
    """From sample 0 (`start` sent) to the bot's first audible sample."""
    at = first_audible(bot)
    return None if at is None else at // _PER_MS


def spoken(script: CallerScript, begun: Sequence[Begun], length: int) -> list[Spoken]:
    """What was really said, in order; `length` is the call's in samples. An utterance cut by the end of the call ends there."""
    found: list[Spoken] = []
    for entry in begun:
        step = script.steps[entry.step]
        if not isinstance(step, Say):
            continue
        origin = entry.frame * FRAME
        first, last = first_audible(step.pcm), last_audible(step.pcm)
        start = min(length, origin + (first or 0))
        end = min(length, origin + (last if last is not None else len(step.pcm)))
        if found:
            found[-1] = replace(found[-1], until=start)
        found.append(Spoken(entry.step, step, start, end, length, entry.late))
    return found


def measure_turns(said: Sequence[Spoken], bot: Pcm) -> list[TurnResult]:
    """The ear's side of each turn; transcripts and stages are added by `with_trace`."""
    runs = audible_runs(bot, gap_ms=SILENCED_GAP_MS)
    return [_measure(one, runs, bot) for one in said]


def _measure(one: Spoken, runs: Sequence[Run], bot: Pcm) -> TurnResult:
    over = next((run for run in runs if run[0] < one.start < run[1]), None)
    onsets = [start for start, _ in runs if one.start <= start < one.until]
    first = onsets[0] if onsets else None
    heard = sum(end - start for start, end in audible_runs(bot[one.start : one.until], gap_ms=20))
    result = TurnResult(
        step=one.step,
        said=one.say.text,
        said_from_ms=one.start // _PER_MS,
        said_until_ms=one.end // _PER_MS,
        hum=one.say.hum,
        late=one.late,
        over_bot=over is not None,
        bot_audible_ms=heard // _PER_MS,
        cut_ins=0 if one.say.hum or over is not None else sum(start < one.end for start in onsets),
        pauses=len(one.say.pauses_ms),
    )
    if over is not None:
        result = replace(
            result,
            barge_in_ms=(over[1] - one.start) // _PER_MS,
            resumed_ms=None if first is None else (first - over[1]) // _PER_MS,
        )
    answer = next((start for start in onsets if start >= one.end), None)
    if answer is not None and not one.say.hum:
        last = max(end for start, end in runs if one.end <= start < one.until)
        whole = last <= one.until
        result = replace(
            result, first_word_ms=(answer - one.end) // _PER_MS, reply_end_ms=(last - one.end) // _PER_MS if whole else None
        )
    return result


def with_trace(turns: Sequence[TurnResult], said: Sequence[Spoken], trace: Mapping[str, Any] | None) -> list[TurnResult]:
    """Add what the gateway knows: transcript, reply, stages, moved onto the caller's own last audible sample.

    A turn of the gateway belongs to the utterance during which or after which its caller fell silent (`speech_end_sample`);
    a gateway that does not say when is matched in order.
    """
    if trace is None:
        return list(turns)
    theirs = [turn for turn in trace.get("turns", []) if turn.get("caller") or turn.get("outcome") in {"answered", "interrupted"}]
    theirs = [turn for turn in theirs if turn.get("outcome") not in {"greeting", "reprompt"}]
    placed = [turn for turn in theirs if turn.get("speech_end_sample")]
    answers = [index for index, one in enumerate(said) if not one.say.hum]
    results = list(turns)
    for index, one in enumerate(said):
        if placed:
            mine = [
                turn for turn in placed if one.start - _EARLY_SAMPLES < int(turn["speech_end_sample"]) <= one.until - _EARLY_SAMPLES
            ]
        else:
            mine = [theirs[answers.index(index)]] if index in answers and answers.index(index) < len(theirs) else []
        if mine:
            results[index] = _merge(results[index], one, mine)
    return results


def _merge(result: TurnResult, one: Spoken, mine: Sequence[Mapping[str, Any]]) -> TurnResult:
    def joined(key: str) -> str:
        return " / ".join(text for turn in mine if (text := str(turn.get(key) or "").strip()))

    stages: list[Stage] = []
    for turn in mine:
        at = int(turn.get("speech_end_sample") or one.end)
        shift_ms = (at - one.end) / _PER_MS
        stages += [
            Stage(
                str(stage["name"]),
                round(float(stage["start_ms"]) + shift_ms, 1),
                round(float(stage["end_ms"]) + shift_ms, 1),
                str(stage.get("note", "")),
            )
            for stage in turn.get("stages", [])
            if stage.get("start_ms") is not None and stage.get("end_ms") is not None
        ]
    return replace(
        result,
        transcript=joined("caller"),
        reply=joined("reply"),
        heard=joined("heard"),
        fact=joined("fact"),
        outcome=str(mine[-1].get("outcome", "")),
        stages=tuple(stages),
    )


def with_checks(turns: Sequence[TurnResult], said: Sequence[Spoken], *, traced: bool) -> list[TurnResult]:
    """Hold each reply against the script's expectations; without the gateway's trace only an answer at all can be asked for."""
    checked: list[TurnResult] = []
    for turn, one in zip(turns, said, strict=True):
        failures: list[str] = []
        if one.say.expect or one.say.reject:
            if turn.first_word_ms is None:
                failures.append("no answer was heard")
            elif not traced:
                failures.append("the gateway gave no trace of the call, so the answer cannot be checked")
            else:
                failures += missed(turn.reply, one.say.expect, one.say.reject)
        checked.append(replace(turn, failures=tuple(failures)))
    return checked


def missed(text: str, expect: Sequence[re.Pattern[str]], reject: Sequence[re.Pattern[str]]) -> list[str]:
    """What is wrong with `text`, in words; nothing when every `expect` and no `reject` is found in it."""
    plain = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    wrong = [f"expected /{pattern.pattern}/" for pattern in expect if not pattern.search(plain)]
    return wrong + [f"did not want /{pattern.pattern}/" for pattern in reject if pattern.search(plain)]
