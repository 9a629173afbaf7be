"""From settings to engines: what is looked up before anything is loaded, and whose thresholds win."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from config.bot import load_bot
from config.errors import ConfigError, ModelError
from config.settings import load_settings
from telephony.loading import load, model_files, turn_taking

BOT = """version = 1
name = "Test"
greeting = "Hello."
instructions = "We are open."
silence_s = 4.0
reprompts = ["Still there?"]
[turn]
sure_ms = 240
"""


def test_a_missing_model_is_named_before_anything_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="firstword models pull") as error:
        model_files(load_settings(models_dir=tmp_path))
    assert "whisper-base" in str(error.value)


@pytest.mark.models
def test_every_model_of_the_default_profile_is_found() -> None:
    files = model_files(load_settings())
    assert all(
        path is not None and path.exists() for path in (files.asr, files.turn, files.embed, files.llm, files.voice, files.vad)
    )


@pytest.mark.models
def test_a_file_that_is_no_model_is_told_and_not_traced(tmp_path: Path) -> None:
    (tmp_path / "own.gguf").write_bytes(b"GGUF" + bytes(64))
    (tmp_path / "bot.toml").write_text(BOT)
    settings = load_settings()
    files = replace(model_files(settings), llm=tmp_path / "own.gguf")
    with pytest.raises(ModelError, match=r"own\.gguf is not a GGUF model that llama\.cpp can load") as error:
        load(settings, load_bot(tmp_path / "bot.toml"), files)
    assert "firstword models verify" in error.value.mend


def test_the_bots_own_thresholds_go_over_the_settings(tmp_path: Path) -> None:
    (tmp_path / "bot.toml").write_text(BOT)
    settings = load_settings()
    turn = turn_taking(settings, load_bot(tmp_path / "bot.toml"))
    assert turn.waits.sure_ms == 240
    assert turn.waits.max_ms == settings.turn.max_ms
    assert (turn.silence_s, turn.reprompts, turn.max_call_s) == (4.0, 1, settings.max_call_s)
