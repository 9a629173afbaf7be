"""From settings to loaded engines: which class, which file, how many threads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from config.bot import Bot
from config.errors import ModelError
from config.models import resolve
from config.settings import Settings
from pipeline.asr import WhisperEngine
from pipeline.embed_engine import EmbedEngine
from pipeline.embedding import EmbeddingError
from pipeline.endpointing import Waits
from pipeline.llama import MAX_SEQUENCES, LlamaEngine, LlamaError, LlamaModel
from pipeline.reader import ReaderEngine
from pipeline.smart_turn import SmartTurnEngine
from pipeline.tts import HibariVoice, PiperVoice, TtsEngine
from pipeline.turn import TurnTaking
from pipeline.vad import SileroModel, VadModel, WebRtcModel


@dataclass(frozen=True, slots=True)
class LoadedEngines:
    """One of each, not yet warmed."""

    asr: WhisperEngine
    partial: WhisperEngine
    turn: SmartTurnEngine
    embed: EmbedEngine
    llama: LlamaEngine
    reader: ReaderEngine | None
    tts: TtsEngine
    vad: VadModel
    language: tuple[LlamaModel, ...]

    def close(self) -> None:
        """Free the native memory of the language models. Their engines must be idle."""
        self.llama.close()
        if self.reader is not None:
            self.reader.close()
        for model in self.language:
            model.close()


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """Where each model lies, checked to be there. `voice` is None for an engine that carries its own."""

    asr: Path
    partial: Path
    turn: Path
    embed: Path
    llm: Path
    reader: Path | None
    voice: Path | None
    vad: Path | None


def model_files(settings: Settings) -> ModelFiles:
    """Look every model up before anything is loaded. Raises ModelError naming the command that mends it."""

    def find(name: str) -> Path:
        return resolve(name, settings.models_dir)

    return ModelFiles(
        asr=find(settings.asr.model),
        partial=find(settings.asr.partial_model or settings.asr.model),
        turn=find(settings.turn.model),
        embed=find(settings.embed.model),
        llm=find(settings.llm.model),
        reader=find(settings.reader.model) if settings.reader.model is not None else None,
        voice=find(settings.tts.voice) if settings.tts.engine == "piper" else None,
        vad=find(settings.vad.model) if settings.vad.engine == "silero" else None,
    )


def load(settings: Settings, bot: Bot, files: ModelFiles, loading: Callable[[str], None] = lambda _name: None) -> LoadedEngines:
    """Load all models; takes seconds, so call it in a thread. `loading` is told which is next. Raises ModelError for one that is of no use."""
    try:
        return _load(settings, bot, files, loading)
    except (LlamaError, EmbeddingError) as error:
        raise ModelError(str(error), "To check the models: firstword models verify") from error


def _load(settings: Settings, bot: Bot, files: ModelFiles, loading: Callable[[str], None]) -> LoadedEngines:
    threads = settings.threads
    loading("asr")

    def whisper(model: Path, *, first: bool) -> WhisperEngine:
        return WhisperEngine(
            model,
            device=settings.asr.device,
            compute_type=settings.asr.compute_type,
            # tiny.en is no quicker on two cores than on one (encoder 97 and 90 ms, decoder 4.6 and 6.9 ms a token; base 216 and 275 ms): it takes one,
            # and two calls are heard at once.
            threads=1 if first else threads,
            concurrency=threads if first else 1,
            window_s=settings.asr.first_window_s if first else settings.asr.window_s,
            first=first,
            language=bot.language,
        )

    asr = whisper(files.asr, first=False)
    partial = asr if files.partial == files.asr else whisper(files.partial, first=True)
    loading("llm")
    language = LlamaModel(files.llm, settings.llm.device)
    llama = LlamaEngine(
        language,
        n_ctx=settings.llm.n_ctx,
        max_sequences=min(settings.llm.max_sequences + 1, MAX_SEQUENCES),  # one holds what all calls share
        threads=threads,
    )
    # As a rule the model that reads is the one that words the replies: loaded once.
    reads = language if files.reader is None or files.reader == files.llm else LlamaModel(files.reader, settings.llm.device)
    reader = ReaderEngine(reads, threads=threads, characters=len(bot.instructions)) if files.reader is not None else None
    loading("tts")
    tts = tts_engine(settings, bot, files)
    loading("turn")
    turn = SmartTurnEngine(files.turn, threads=1)  # 105 ms on one core and on two
    embed = EmbedEngine(files.embed)
    vad: VadModel = SileroModel(files.vad) if files.vad is not None else WebRtcModel(settings.vad.webrtc_mode)
    return LoadedEngines(asr, partial, turn, embed, llama, reader, tts, vad, tuple({id(m): m for m in (language, reads)}.values()))


def tts_engine(settings: Settings, bot: Bot, files: ModelFiles) -> TtsEngine:
    """The synthesiser alone."""
    if files.voice is not None:
        piper = PiperVoice(files.voice, threads=settings.threads, device=settings.tts.device)
        return TtsEngine(piper, threads=settings.threads, device=settings.tts.device)
    return TtsEngine(HibariVoice(bot.voice or settings.tts.voice), threads=1)


def turn_taking(settings: Settings, bot: Bot) -> TurnTaking:
    """The settings' thresholds with the bot's own over them."""
    turn = bot.turn.over(settings.turn)
    waits = Waits(
        pause_ms=turn.pause_ms,
        sure=turn.sure,
        certain=turn.certain,
        certain_ms=turn.certain_ms,
        sure_ms=turn.sure_ms,
        unsure_ms=turn.unsure_ms,
        unlikely_ms=turn.unlikely_ms,
        max_ms=turn.max_ms,
        fluency=turn.fluency,
    )
    return TurnTaking(
        waits=waits,
        words=settings.reader.model is not None,
        resume_ms=settings.barge_in.resume_ms,
        silence_s=bot.silence_s,
        reprompts=len(bot.reprompts),
        max_call_s=bot.max_call_s or settings.max_call_s,
    )


def voice_of(settings: Settings, bot: Bot, files: ModelFiles) -> str:
    """A name for all that the sound of a phrase depends on: another file under the same name is another voice."""
    if files.voice is None:
        return f"hibari {version('hibari-tts')} {bot.voice or settings.tts.voice}"
    found = files.voice.stat()
    return f"piper {version('piper-tts')} {files.voice} {found.st_size} {found.st_mtime_ns}"
