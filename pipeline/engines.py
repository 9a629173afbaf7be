"""The loaded models that all calls share."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.asr import WhisperEngine
from pipeline.embed_engine import EmbedEngine
from pipeline.llm import Llm
from pipeline.reader import ReaderEngine
from pipeline.scheduler import Scheduler
from pipeline.smart_turn import SmartTurnEngine
from pipeline.speaker import PhraseSpeaker
from pipeline.vad import VadModel


@dataclass(frozen=True, slots=True)
class Engines:
    """One of each for the whole process, and the scheduler before them."""

    scheduler: Scheduler
    asr: WhisperEngine
    partial: WhisperEngine  # for what is heard while the caller talks: may be a smaller one, may be the same
    turn: SmartTurnEngine
    reader: ReaderEngine | None
    embed: EmbedEngine
    llm: Llm
    vad: VadModel
    speaker: PhraseSpeaker
