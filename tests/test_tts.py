"""Both voices: where their phrases begin and end, and whether what they say can be understood."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fixtures_models import hibari, piper, product_settings, whisper  # noqa: F401 - fixtures

from pipeline.asr import AsrRequest, WhisperEngine
from pipeline.audibility import AUDIBLE_RMS
from pipeline.leg import Pcm
from pipeline.tts import TtsEngine, TtsRequest, pause_ms


@pytest.mark.parametrize(
    ("text", "ms"), [("Hello.", 220), ("Hello!", 220), ("Is it?”", 220), ("well,", 120), ("first —", 120), ("no end", 40), ("", 40)]
)
def test_a_phrase_ends_in_the_pause_that_its_last_character_asks_for(text: str, ms: int) -> None:
    assert pause_ms(text) == ms


class Tone:
    """A voice of 16 kHz: 100 ms of silence, a tone of 200 ms, 300 ms of silence."""

    rate_hz = 16000

    def __init__(self, amplitude: float = 0.5) -> None:
        self.amplitude = amplitude

    def speak(self, text: str, speed: float) -> Any:
        if not text:
            return np.zeros(0, np.float32)
        tone = self.amplitude * np.sin(2 * np.pi * 400 * np.arange(3200) / 16000)
        return np.concatenate([np.zeros(1600), tone, np.zeros(4800)]).astype(np.float32)


def edges_ms(pcm: Pcm, rate_hz: int) -> tuple[float, float]:
    """(silence before the first sound, silence after the last audible 5 ms) in milliseconds. A first sound is half as loud as an audible one."""
    hop = rate_hz // 200
    frames = pcm[: len(pcm) // hop * hop].astype(float).reshape(-1, hop)
    levels = np.sqrt((frames**2).mean(axis=1))
    first = np.flatnonzero(levels > AUDIBLE_RMS / 2)[0]
    last = np.flatnonzero(levels > AUDIBLE_RMS)[-1]
    return float(first * 5), float(len(pcm) * 1000 / rate_hz - (last + 1) * 5)


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_silence_is_trimmed_to_what_was_asked_for(rate_hz: int) -> None:
    speech = TtsEngine(Tone(), threads=1).run(TtsRequest("Hm.", rate_hz))
    lead, tail = edges_ms(speech.pcm, rate_hz)
    assert lead <= 15
    assert abs(tail - 220) <= 6
    assert speech.rate_hz == rate_hz
    assert abs(len(speech.pcm) * 1000 / rate_hz - 430) <= 12


def test_what_is_too_loud_is_clipped_and_does_not_wrap() -> None:
    pcm = TtsEngine(Tone(3.0), threads=1).run(TtsRequest("Hm.", 16000)).pcm
    assert pcm.max() == 32767
    assert pcm.min() <= -32766
    assert np.abs(np.diff(pcm.astype(int))).max() < 40000


@pytest.mark.parametrize(("voice", "text"), [(Tone(), ""), (Tone(0.0), "Hm.")])
def test_nothing_to_say_is_no_samples(voice: Tone, text: str) -> None:
    assert len(TtsEngine(voice, threads=1).run(TtsRequest(text, 8000)).pcm) == 0


@pytest.mark.models
@pytest.mark.parametrize("engine", ["piper", "hibari"])
@pytest.mark.parametrize("text", ["Hello.", "We are open from nine to six.", "On Sunday afternoon,"])
def test_a_voice_begins_at_once_and_ends_in_its_pause(engine: str, text: str, request: pytest.FixtureRequest) -> None:
    tts: TtsEngine = request.getfixturevalue(engine)
    speech = tts.run(TtsRequest(text, 8000))
    lead, tail = edges_ms(speech.pcm, 8000)
    assert lead <= 15
    assert pause_ms(text) - 5 <= tail <= pause_ms(text) + 160  # what dies away is not cut off


@pytest.mark.models
@pytest.mark.parametrize("engine", ["piper", "hibari"])
def test_what_a_voice_says_is_understood(engine: str, whisper: WhisperEngine, request: pytest.FixtureRequest) -> None:  # noqa: F811
    tts: TtsEngine = request.getfixturevalue(engine)
    said = tts.run(TtsRequest("The workshop is open from nine until six on Saturday.", 8000))
    heard = whisper.run(AsrRequest(said.pcm, 8000)).text.lower()
    assert "workshop is open" in heard
    assert "saturday" in heard


@pytest.mark.models
@pytest.mark.parametrize("engine", ["piper", "hibari"])
def test_half_the_speed_takes_longer(engine: str, request: pytest.FixtureRequest) -> None:
    tts: TtsEngine = request.getfixturevalue(engine)
    usual, slow = (len(tts.run(TtsRequest("We are open from nine to six.", 8000, speed)).pcm) for speed in (1.0, 0.6))
    assert slow > 1.15 * usual  # Piper draws its durations anew each time
