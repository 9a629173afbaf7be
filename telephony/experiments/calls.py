"""Whole calls at the caller's ear: everything in a row as the plan's baseline has it, and phrase by phrase as it is shipped."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from config.settings import Settings
from telephony.bench.figures import figures
from telephony.bench.plan import Group, Run
from telephony.bench.runner import run

from .experiment import STAGES, Outcome, Row, ms

TURNS = 24
MIX = (Group(1.0, ("default", "interrupt", "noisy")),)
_WORDED = {"FIRSTWORD_LLM__AS_WRITTEN_WORDS": "0", "FIRSTWORD_TTS__PREPARE": "false"}

# The turn ends after 700 ms of silence and not before; then Whisper in the window that it was trained on, the model, the voice, one after the other.
BASELINE = Run(
    "baseline",
    1,
    TURNS,
    "one after the other",
    {
        **_WORDED,
        "FIRSTWORD_ASR__PARTIALS": "false",
        "FIRSTWORD_ASR__PARTIAL_MODEL": "none",
        "FIRSTWORD_ASR__WINDOW_S": "30",
        "FIRSTWORD_READER__MODEL": "none",
        "FIRSTWORD_TURN__PAUSE_MS": "700",
        "FIRSTWORD_TURN__SURE_MS": "700",
    },
    mix=MIX,
)
WORDED = Run("worded by the model", 1, TURNS, "every answer is the model's, and spoken when it comes", _WORDED, mix=MIX)
SHIPPED = Run("as shipped", 1, TURNS, "short facts as written, their audio made ahead", mix=MIX)


def baseline(_settings: Settings) -> Outcome:
    """Nothing overlapped."""
    return _measured(
        (BASELINE,),
        (
            "One after the other: 700 ms of silence, the transcript (base, 30 s window), the model, the voice. Nothing is made ahead.",
        ),
    )


def end_to_end(_settings: Settings) -> Outcome:
    """Phrase by phrase, with bets on the pause."""
    note = (
        "Partial transcripts, bets on the pause, the reply in phrases that are spoken as they come. *Worded by the model*: every fact that may be; *as shipped*: facts "
        "of up to 16 words as their owner wrote them."
    )
    return _measured((WORDED, SHIPPED), (note,))


def _measured(runs: tuple[Run, ...], notes: tuple[str, ...]) -> Outcome:
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for one in runs:
            found[one.name] = figures(run(one, Path(folder)))
    columns = (
        "",
        "turns",
        "silence known, p50 ms",
        *(f"{name}, p50 ms" for name in STAGES),
        "first word p50",
        "p95",
        "reply made, p95",
        "wrong answers",
    )
    return Outcome(columns, tuple(_row(name, one) for name, one in found.items()), (*notes, _ABOUT), found)


_ABOUT = (
    "A stage from being asked for to being done; `llm` and `tts` to the first phrase. First word: from the caller's last audible sample to the bot's first, at the "
    "ear. Callers of `default`, `interrupt` and `noisy`, one at a time."
)


def _row(name: str, one: dict[str, Any]) -> Row:
    stages = one["stages"]
    cells = [ms(stages.get(stage)) for stage in ("vad", *STAGES.values())]
    words = one["first_word"]
    return (
        name,
        str(words["n"]),
        *cells,
        ms(words),
        ms(words, "p95"),
        ms(one["end_to_end"], "p95"),
        str(one["failed_expectations"]),
    )
