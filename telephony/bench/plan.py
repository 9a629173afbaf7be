"""What is measured: which callers, how many at once, and which part of the product is switched off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Group:
    """Callers of one bot. `share` of a run's turns is theirs."""

    share: float
    fixtures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One line of the report: `turns` answered turns with `callers` at once, under `environment`; `traced`: spans go to a collector."""

    name: str
    callers: int
    turns: int
    about: str
    environment: Mapping[str, str] = field(default_factory=dict)
    traced: bool = False
    mix: tuple[Group, ...] = ()  # none: as the report has it


# Six turns in ten are plain questions, the others interrupt, hum, or stop to think in mid-sentence.
MIX = (
    Group(0.45, ("default", "interrupt", "noisy", "hum")),
    Group(0.35, ("dental", "other-voices")),
    Group(0.10, ("hesitant-tune-a",)),
    Group(0.10, ("hesitant-tune-b",)),
)

LOAD = (
    Run("1 caller", 1, 200, "as shipped"),
    Run("2 callers", 2, 60, "as shipped"),
    Run("4 callers", 4, 200, "as shipped"),
    Run("8 callers", 8, 60, "as shipped"),
)
# As shipped the model words one reply in a hundred of the mix; its prefills are counted where it words what it may.
WORDED = "worded by the model"
# What is switched off is compared with the same callers on the same machine: a run of another day may be of another one.
ABLATIONS = (
    Run("nothing off", 1, 60, "nothing"),
    Run("no bets", 1, 60, "nothing begins before the silence that is sure", {"FIRSTWORD_TURN__PAUSE_MS": "160"}),
    Run("no partials", 1, 60, "nothing is transcribed while the caller talks", {"FIRSTWORD_ASR__PARTIALS": "false"}),
    Run("partials by the same model", 1, 60, "whisper base hears ahead, not tiny.en", {"FIRSTWORD_ASR__PARTIAL_MODEL": "none"}),
    Run("no reader", 1, 60, "the embeddings alone pick the fact, and no verdict by the words", {"FIRSTWORD_READER__MODEL": "none"}),
    Run(
        "no phrases made ahead", 1, 60, "the owner's facts are spoken when they are asked for", {"FIRSTWORD_TTS__PREPARE": "false"}
    ),
    Run(
        "no fluency",
        1,
        60,
        "who has stopped to think in this call is waited for no longer than others",
        {"FIRSTWORD_TURN__FLUENCY": "0"},
    ),
    Run(WORDED, 1, 60, "short facts are not said as they stand: the model words them", {"FIRSTWORD_LLM__AS_WRITTEN_WORDS": "0"}),
    Run("whole Whisper window", 1, 60, "30 s of audio a transcript, not 10", {"FIRSTWORD_ASR__WINDOW_S": "30"}),
    Run("traced", 1, 60, "nothing; the spans of every turn go to a collector on the same machine", traced=True),
)


def runs_named(names: list[str]) -> list[Run]:
    """All runs, or those named. Raises ValueError naming what there is."""
    known = {run.name: run for run in (*LOAD, *ABLATIONS)}
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"no run {', '.join(map(repr, unknown))}: there are {', '.join(known)}")
    return [known[name] for name in names] or list(known.values())
