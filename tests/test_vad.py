"""Starts and pauses of speech from probabilities, and the two models on speech, silence and noise."""

from __future__ import annotations

import numpy as np
import pytest
from fixtures_models import hibari, product_settings, silero  # noqa: F401 - fixtures
from hypothesis import given
from hypothesis import strategies as st

from pipeline.leg import Pcm
from pipeline.tts import TtsEngine, TtsRequest
from pipeline.vad import SileroModel, SpeechDetector, SpeechEvent, SpeechPaused, SpeechStarted, VadModel, WebRtcModel

CHUNK = 256  # 32 ms


def detector() -> SpeechDetector:
    return SpeechDetector(8000, CHUNK, threshold=0.5, start_ms=64, pause_ms=60)


def events(probabilities: list[float]) -> list[SpeechEvent]:
    each = detector()
    return [event for i, p in enumerate(probabilities) if (event := each.feed(i * CHUNK, p)) is not None]


def test_speech_starts_with_the_first_of_two_loud_chunks() -> None:
    assert events([0.1, 0.6, 0.6]) == [SpeechStarted(CHUNK)]


def test_one_chunk_is_a_click() -> None:
    assert events([0.1, 0.9, 0.1, 0.9, 0.1]) == []


def test_a_pause_begins_where_the_last_speech_ended() -> None:
    assert events([0.9, 0.9, 0.9, 0.1, 0.1]) == [SpeechStarted(0), SpeechPaused(3 * CHUNK)]


def test_what_dips_a_little_goes_on() -> None:
    assert events([0.9, 0.9, 0.4, 0.4, 0.4, 0.4]) == [SpeechStarted(0)]


def test_a_dip_shorter_than_the_pause_goes_on() -> None:
    assert events([0.9, 0.9, 0.1, 0.9, 0.1, 0.9]) == [SpeechStarted(0)]


def test_over_the_bot_it_takes_longer_to_believe() -> None:
    each = detector()
    each.start_ms = 96
    assert [each.feed(i * CHUNK, 0.9) for i in range(3)] == [None, None, SpeechStarted(0)]


@given(st.lists(st.floats(0, 1), max_size=80))
def test_starts_and_pauses_alternate_and_move_forward(probabilities: list[float]) -> None:
    out = events(probabilities)
    assert all(isinstance(event, SpeechStarted) == (i % 2 == 0) for i, event in enumerate(out))
    samples = [event.sample for event in out]
    assert samples == sorted(samples)


def detected(model: VadModel, pcm: Pcm) -> list[SpeechEvent]:
    stream = model.stream(8000)
    each = SpeechDetector(8000, stream.chunk_samples, threshold=0.5, start_ms=64, pause_ms=60)
    size = stream.chunk_samples
    found = [each.feed(at, stream.probability(pcm[at : at + size])) for at in range(0, len(pcm) - size + 1, size)]
    return [event for event in found if event is not None]


@pytest.mark.models
def test_silero_hears_a_sentence_where_it_is(silero: SileroModel, hibari: TtsEngine) -> None:  # noqa: F811
    said = hibari.run(TtsRequest("Are you open on Sunday?", 8000)).pcm
    quiet = np.zeros(8000, np.int16)
    found = detected(silero, np.concatenate([quiet, said, quiet]))
    end = 8000 + len(said) - 8000 * 220 // 1000  # its last 220 ms are silent
    assert isinstance(found[0], SpeechStarted)
    assert isinstance(found[-1], SpeechPaused)
    assert abs(found[0].sample - 8000) < 800
    assert abs(found[-1].sample - end) < 1200


@pytest.mark.models
def test_silero_hears_nothing_in_silence_hum_and_noise(silero: SileroModel) -> None:  # noqa: F811
    time = np.arange(16000) / 8000
    hum = (1500 * np.sin(2 * np.pi * 50 * time)).astype(np.int16)
    noise = (np.random.default_rng(1).standard_normal(16000) * 300).astype(np.int16)
    for pcm in (np.zeros(16000, np.int16), hum, noise):
        assert detected(silero, pcm) == []


@pytest.mark.models
def test_calls_do_not_share_a_state(silero: SileroModel, hibari: TtsEngine) -> None:  # noqa: F811
    said = hibari.run(TtsRequest("Are you open on Sunday?", 8000)).pcm
    alone, other = silero.stream(8000), silero.stream(8000)
    expected = [alone.probability(said[at : at + CHUNK]) for at in range(0, 4096, CHUNK)]
    again = silero.stream(8000)
    mixed = []
    for at in range(0, 4096, CHUNK):
        other.probability(np.zeros(CHUNK, np.int16))
        mixed.append(again.probability(said[at : at + CHUNK]))
    assert mixed == expected


@pytest.mark.models
def test_silero_knows_two_rates_only(silero: SileroModel) -> None:  # noqa: F811
    assert silero.stream(16000).chunk_samples == 512
    with pytest.raises(ValueError, match="8000 and 16000 Hz, not 44100"):
        silero.stream(44100)


def test_webrtc_says_yes_or_no() -> None:
    stream = WebRtcModel(3).stream(8000)
    assert stream.chunk_samples == 160
    assert stream.probability(np.zeros(160, np.int16)) == 0.0
    rng = np.random.default_rng(1)
    buzz = (np.sign(np.sin(2 * np.pi * 140 * np.arange(8000) / 8000)) * 8000 + rng.standard_normal(8000) * 500).astype(np.int16)
    assert max(stream.probability(buzz[at : at + 160]) for at in range(0, 8000, 160)) == 1.0
