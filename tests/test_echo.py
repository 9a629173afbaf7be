"""The bot's own voice, come back: later, quieter, with a person over it or without."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.echo import likeness
from pipeline.leg import Pcm


def voice(seed: int, samples: int = 12000) -> Pcm:
    """Noise with the slope of speech, in syllables."""
    rng = np.random.default_rng(seed)
    x = np.convolve(rng.standard_normal(samples), 0.9 ** np.arange(40), "same")
    return (x * 1500 * (1 + np.sin(np.arange(samples) / 300 + seed))).astype(np.int16)


@pytest.mark.parametrize("delay", [0, 777, 9000])
@pytest.mark.parametrize("gain", [0.02, 0.3, -0.5])
def test_an_echo_is_like_what_was_said_at_any_delay_and_level(delay: int, gain: float) -> None:
    said = voice(1)
    heard = (said[delay : delay + 1600] * gain).astype(np.int16)
    assert likeness(heard, said) > 0.9


def test_somebody_else_is_not() -> None:
    assert likeness(voice(2, 1600), voice(1)) < 0.3


def test_somebody_over_the_echo_is_less_like_it() -> None:
    said = voice(1)
    echo = said[3000:4600] * 0.2
    assert likeness((echo + voice(2, 1600)).astype(np.int16), said) < 0.5


@pytest.mark.parametrize(("heard", "reference"), [(0, 0), (0, 100), (200, 100)])
def test_nothing_is_like_nothing(heard: int, reference: int) -> None:
    assert likeness(np.ones(heard, np.int16), np.ones(reference, np.int16)) == 0.0


def test_silence_is_like_nothing() -> None:
    assert likeness(np.zeros(1600, np.int16), voice(1)) == 0.0
    assert likeness(voice(1, 1600), np.zeros(12000, np.int16)) < 0.1
