"""What each engine of a call is set to: a table of the settings file each, `FIRSTWORD_<TABLE>__<KEY>` in the environment.

A model field takes a name of the lock file (`firstword models list`) or a path.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Device = Literal["cpu", "cuda", "auto"]


class EngineTable(BaseModel):
    """Frozen; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def none(model: str | None) -> str | None:
    """The model, or None for the word "none": a variable of the environment can't say it otherwise."""
    return None if model == "none" else model


class AsrSettings(EngineTable):
    """Speech to text. `model`, `partial_model`: faster-whisper folders; `partial_model` transcribes while the caller talks ("none": `model`),
    and a pause before `model` does, which is asked only where it is not sure.

    `window_s`: how much audio Whisper sees at a time (trained: 30). 10 takes a third of the time at a WER of 0.040 against 0.035;
    below 8 its decoder loops. `first_window_s`: the same for `partial_model`. `partials`: transcribe while the caller talks.
    """

    model: str = "whisper-base"
    partial_model: str | None = "whisper-tiny.en"
    device: Device = "cpu"
    compute_type: str = "int8"
    window_s: float = Field(default=10.0, ge=8.0, le=30.0)
    first_window_s: float = Field(default=8.0, ge=6.0, le=30.0)
    partials: bool = True

    @field_validator("partial_model")
    @classmethod
    def _none(cls, model: str | None) -> str | None:
        return none(model)


class LlmSettings(EngineTable):
    """The language model: a GGUF file. `n_ctx` is the number of KV cells that all `max_sequences` calls share.

    `as_written_words`: a fact of so many words is said as the owner wrote it; longer ones are worded by the model. A larger model can have fewer.
    """

    model: str = "qwen2.5-0.5b-q4_0"
    device: Device = "cpu"
    n_ctx: int = Field(default=16384, ge=512)
    max_sequences: int = Field(default=32, ge=1, le=256)
    max_reply_tokens: int = Field(default=80, ge=8, le=512)
    as_written_words: int = Field(default=16, ge=0)


class ReaderSettings(EngineTable):
    """The model that reads a turn: which line answers it, yes or no, and whether it is over. The GGUF file that `config/reader.gguf` was made with.

    "none": nobody does; the embeddings alone pick the line, and only transcript and sound say whether the turn is over.
    """

    model: str | None = "qwen2.5-0.5b-q4_0"

    @field_validator("model")
    @classmethod
    def _none(cls, model: str | None) -> str | None:
        return none(model)


class TtsSettings(EngineTable):
    """Text to speech. `voice`: for piper a lock name or the path of an .onnx with its .json beside it; for hibari a voice's name.

    Not given, it is the engine's usual one. `speed`: 1.0 as recorded, 0.5 half as fast.
    `prepare`: what the owner wrote is made into audio in idle time.
    """

    engine: Literal["piper", "hibari"] = "piper"
    voice: str = ""
    device: Device = "cpu"
    speed: float = Field(default=1.0, ge=0.5, le=2.0)
    prepare: bool = True

    @model_validator(mode="before")
    @classmethod
    def _usual_voice(cls, data: object) -> object:
        if isinstance(data, dict) and not data.get("voice"):
            return {**data, "voice": "heart" if data.get("engine") == "hibari" else "piper-joe"}
        return data


class VadSettings(EngineTable):
    """Voice activity. `threshold`: P(speech) at which Silero's 32 ms count as speech. `webrtc_mode`: 0 lets most through, 3 least."""

    engine: Literal["silero", "webrtc"] = "silero"
    model: str = "silero-vad"
    threshold: float = Field(default=0.5, gt=0, lt=1)
    webrtc_mode: int = Field(default=2, ge=0, le=3)


class TurnThresholds(EngineTable):
    """When a caller's silence ends the turn, from P(complete) and the milliseconds since the last speech.

    `pause_ms` of silence asks for a verdict. P at or above `certain` commits after `certain_ms`, from there down to `sure` after more and more up to `sure_ms`, which outlasts
    most breaths at a comma; below it the wait grows from `unsure_ms` to `unlikely_ms` at P = 0. `max_ms` commits whatever the verdict.
    `fluency`: how much it counts whether this caller has stopped to think in this call; 0: not at all.
    """

    pause_ms: int = Field(default=40, ge=20, le=1000)
    certain: float = Field(default=0.98, gt=0, le=1)
    certain_ms: int = Field(default=160, ge=40, le=2000)
    sure: float = Field(default=0.9, gt=0, le=1)
    sure_ms: int = Field(default=340, ge=40, le=2000)
    unsure_ms: int = Field(default=660, ge=40, le=4000)
    unlikely_ms: int = Field(default=1100, ge=40, le=10000)
    max_ms: int = Field(default=1800, ge=40, le=10000)
    fluency: float = Field(default=1.0, ge=0, le=1)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.pause_ms <= self.certain_ms <= self.sure_ms <= self.unsure_ms <= self.unlikely_ms <= self.max_ms:
            raise ValueError("the waits must not fall: pause, certain, sure, unsure, unlikely, max")
        if self.sure > self.certain:
            raise ValueError("what is certain is sure as well: raise `certain` to `sure` or above it")
        return self


class TurnSettings(TurnThresholds):
    """End of turn: the model that hears whether a sentence is over."""

    model: str = "smart-turn-v3.2"


class BargeInSettings(EngineTable):
    """The caller talks while the bot does. `min_speech_ms` of speech suspend the bot; less is a click.

    `echo_correlation`: at or above this likeness to what the bot just said, the caller's audio is the bot's own echo.
    `resume_ms` of silence after a sound without words let the bot go on.
    """

    min_speech_ms: int = Field(default=90, ge=20, le=1000)
    echo_correlation: float = Field(default=0.5, gt=0, le=1)
    resume_ms: int = Field(default=400, ge=100, le=4000)


class PlayoutSettings(EngineTable):
    """How far the wire runs ahead of the caller's ear (`lead_ms`), and how often a mark asks what was heard (`mark_ms`)."""

    lead_ms: int = Field(default=160, ge=40, le=2000)
    mark_ms: int = Field(default=100, ge=20, le=2000)


class RecordingSettings(EngineTable):
    """Calls are recorded into `folder`, one folder a call; none: no call is. A bot file may say `record = false`."""

    folder: Path | None = None

    @field_validator("folder")
    @classmethod
    def _at_home(cls, path: Path | None) -> Path | None:
        return path.expanduser() if path else path


class EmbedSettings(EngineTable):
    """Sentence embeddings: which fact bears on a question."""

    model: str = "mpnet-base-v2"
