"""The real models, loaded once for all tests that ask for them. Import the fixtures by name; mark the tests `models`."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from config.models import resolve
from config.settings import Settings, load_settings
from pipeline.asr import WhisperEngine
from pipeline.leg import Pcm
from pipeline.llama import LlamaEngine, LlamaModel
from pipeline.smart_turn import SmartTurnEngine
from pipeline.tts import HibariVoice, PiperVoice, TtsEngine
from pipeline.vad import SileroModel

ASTERISK = Path("/usr/share/asterisk/sounds/en")
"""Debian's asterisk-core-sounds-en-wav: a woman's voice at 8000 Hz."""


def prompt(name: str) -> Pcm:
    """One of those recordings: int16 mono at 8000 Hz."""
    with wave.open(str(ASTERISK / f"{name}.wav")) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (8000, 2, 1)
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


@pytest.fixture(scope="session")
def product_settings() -> Settings:
    """The default profile, as a bare `firstword serve` has it."""
    return load_settings()


def _find(settings: Settings, name: str) -> Path:
    return resolve(name, settings.models_dir)


@pytest.fixture(scope="session")
def whisper(product_settings: Settings) -> WhisperEngine:
    asr = product_settings.asr
    model = _find(product_settings, asr.model)
    return WhisperEngine(
        model, device="cpu", compute_type=asr.compute_type, threads=product_settings.threads, window_s=asr.window_s
    )


@pytest.fixture(scope="session")
def first_whisper(product_settings: Settings) -> WhisperEngine:
    """The one that hears a pause first."""
    asr = product_settings.asr
    assert asr.partial_model is not None
    model = _find(product_settings, asr.partial_model)
    return WhisperEngine(
        model,
        device="cpu",
        compute_type=asr.compute_type,
        threads=product_settings.threads,
        window_s=asr.first_window_s,
        first=True,
    )


@pytest.fixture(scope="session")
def llama(product_settings: Settings) -> Iterator[LlamaEngine]:
    model = LlamaModel(_find(product_settings, product_settings.llm.model))
    engine = LlamaEngine(model, n_ctx=1024, max_sequences=4, threads=product_settings.threads)
    yield engine
    engine.close()
    model.close()


@pytest.fixture(scope="session")
def smart_turn(product_settings: Settings) -> SmartTurnEngine:
    return SmartTurnEngine(_find(product_settings, product_settings.turn.model), threads=1)


@pytest.fixture(scope="session")
def piper(product_settings: Settings) -> TtsEngine:
    voice = PiperVoice(_find(product_settings, "piper-joe"), threads=product_settings.threads, device="cpu")
    return TtsEngine(voice, threads=product_settings.threads)


@pytest.fixture(scope="session")
def hibari() -> TtsEngine:
    return TtsEngine(HibariVoice("heart"), threads=1)


@pytest.fixture(scope="session")
def silero(product_settings: Settings) -> SileroModel:
    return SileroModel(_find(product_settings, product_settings.vad.model))
