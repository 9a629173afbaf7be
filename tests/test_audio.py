"""Samples: levels, rates, trimming, and the two timelines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.audibility import AUDIBLE_RMS, audible, rms
from pipeline.audio import History, as_float, resample, trimmed


def test_audible_is_over_an_rms_of_200() -> None:
    assert rms(np.zeros(0, np.int16)) == 0.0
    assert rms(np.full(160, -300, np.int16)) == pytest.approx(300)
    assert not audible(np.full(160, int(AUDIBLE_RMS), np.int16))
    assert audible(np.full(160, int(AUDIBLE_RMS) + 1, np.int16))


def test_float_keeps_the_extremes_inside_one() -> None:
    x = as_float(np.array([-32768, 0, 32767], np.int16))
    assert x.dtype == np.float32
    assert x[0] == -1.0
    assert x[2] < 1.0


@pytest.mark.parametrize(("from_hz", "to_hz"), [(22050, 8000), (24000, 8000), (8000, 16000)])
def test_another_rate_keeps_length_and_pitch(from_hz: int, to_hz: int) -> None:
    tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(from_hz) / from_hz)).astype(np.int16)
    out = resample(tone, from_hz, to_hz)
    assert abs(len(out) - to_hz) <= 1
    assert np.argmax(np.abs(np.fft.rfft(out.astype(float)))) == pytest.approx(440 * len(out) / to_hz, abs=1)


def test_the_same_rate_is_left_alone() -> None:
    pcm = np.arange(10, dtype=np.int16)
    assert resample(pcm, 8000, 8000) is pcm


def test_trimming_leaves_what_was_asked_for() -> None:
    pcm = np.concatenate([np.zeros(800), np.full(400, 5000), np.zeros(80)]).astype(np.int16)
    out = trimmed(pcm, 8000, lead_ms=10, tail_ms=100)
    assert len(out) == 80 + 400 + 800
    assert not out[:80].any()
    assert out[80:480].all()
    assert not out[480:].any()


@pytest.mark.parametrize("samples", [0, 10, 4000])
def test_what_nobody_hears_is_trimmed_to_nothing(samples: int) -> None:
    assert len(trimmed(np.full(samples, 20, np.int16), 8000, lead_ms=10, tail_ms=100)) == 0


@given(st.lists(st.integers(1, 50), max_size=30), st.integers(0, 700), st.integers(0, 300))
def test_a_history_reads_back_what_it_holds_and_silence_elsewhere(sizes: list[int], start: int, length: int) -> None:
    history = History(100, 2.0)  # 200 samples
    everything = np.arange(1, sum(sizes) + 1, dtype=np.int16)
    at = 0
    for size in sizes:
        history.append(at, everything[at : at + size])
        at += size
    assert history.end == at
    out = history.between(start, start + length)
    assert len(out) == length
    for offset, value in enumerate(out):
        sample = start + offset
        kept = max(0, at - 200 + max(sizes, default=0)) <= sample < at  # the oldest block goes whole
        assert value in ((int(everything[sample]), 0) if sample < at else (0,))
        assert value != 0 or not kept
