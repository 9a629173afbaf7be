"""From calls to figures: percentiles at the ear and of every stage. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.phrases import one_sentence

Json = Mapping[str, Any]


def percentiles(values: Sequence[float]) -> dict[str, float | int]:
    """`n`, `p50`, `p95`, `p99`, in the unit of the values; only `n` for none."""
    if not values:
        return {"n": 0}
    p50, p95, p99 = np.percentile(np.array(values, float), [50, 95, 99])
    return {"n": len(values), "p50": round(float(p50)), "p95": round(float(p95)), "p99": round(float(p99))}


def figures(calls: Sequence[Json]) -> dict[str, Any]:
    """What the report shows of one run. Times in ms."""
    turns = [turn for call in calls for turn in call["turns"]]
    traced = [turn for call in calls if call["trace"] for turn in call["trace"]["turns"] if turn["caller"]]
    plain = [turn["first_word_ms"] for turn in turns if turn["first_word_ms"] is not None and not turn["pauses"]]
    counters = [call["trace"]["counters"] for call in calls if call["trace"]]
    return {
        "calls": len(calls),
        "first_word": percentiles([turn["first_word_ms"] for turn in turns if turn["first_word_ms"] is not None]),
        "first_word_no_pauses": percentiles(plain),
        "end_to_end": percentiles([ms for turn in traced if (ms := end_to_end_ms(turn)) is not None]),
        "greeting": percentiles([call["greeting_ms"] for call in calls if call["greeting_ms"] is not None]),
        "barge_in": percentiles(
            [turn["barge_in_ms"] for turn in turns if turn["barge_in_ms"] is not None and not _unnoticed(turn)]
        ),
        "stages": {name: percentiles(values) for name, values in sorted(_stages(traced).items())},
        "prefilled_tokens": percentiles([turn["prefilled_tokens"] for turn in traced if turn["fact"]]),
        "awaited_tokens": percentiles([turn["awaited_tokens"] for turn in traced if turn["fact"]]),
        "cut_ins": sum(turn["cut_ins"] for turn in turns if turn["pauses"]),
        "pauses": sum(turn["pauses"] for turn in turns),
        "unanswered": sum(turn["first_word_ms"] is None and not turn["hum"] for turn in turns),
        "failed_expectations": sum(bool(turn["failures"]) for turn in turns),
        "bets": {key: sum(c.get(key, 0) for c in counters) for key in ("bet_won", "bet_lost", "commit_undone", "partials_dropped")},
        "worst_tick": max((call["worst_tick_ms"] for call in calls), default=0.0),
    }


def end_to_end_ms(turn: Json) -> float | None:
    """From the caller's last audible sample until the whole of a one-sentence reply was synthesised; None for longer ones."""
    if turn["outcome"] != "answered" or not turn["reply"] or not one_sentence(turn["reply"]) or turn["first_audio_ms"] is None:
        return None
    made = [stage["end_ms"] for stage in turn["stages"] if stage["name"] == "tts"]
    return float(max([turn["first_audio_ms"], *made]))


def _stages(turns: Sequence[Json]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for name, ms in _durations(turns):
        found.setdefault(name, []).append(ms)
    return found


def _durations(turns: Sequence[Json]) -> Iterator[tuple[str, float]]:
    """Stages from when they were asked for to their end, so what they waited for a core is in; jobs without."""
    for turn in turns:
        for stage in turn["stages"]:
            note = stage.get("note", "")
            kind = "words" if note.startswith("words") else note if note in ("final", "partial", "first phrase") else ""
            yield f"{stage['name']} {kind}".strip(), stage["end_ms"] - stage["start_ms"]
        for job in turn["jobs"]:
            yield f"{job['engine']}, one job", job["end_ms"] - job["start_ms"]


def _unnoticed(turn: Json) -> bool:
    """A hum that silenced nobody, as it should be: the bot fell silent when it had said all."""
    return bool(turn["hum"]) and turn["resumed_ms"] is None
