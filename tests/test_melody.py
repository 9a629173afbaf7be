"""The voice before a silence: does more come?"""

from __future__ import annotations

import math

import numpy as np
import pytest
from fixtures_models import first_whisper, hibari, product_settings  # noqa: F401 - fixtures

from pipeline.asr import AsrRequest, WhisperEngine
from pipeline.ending import Ending, taught
from pipeline.leg import Pcm
from pipeline.melody import FRAMES, KERNEL, Melody, _gelu
from pipeline.tts import TtsEngine, TtsRequest

SIZE, HIDDEN = 6, 3


@pytest.fixture
def melody() -> Melody:
    numbers = np.random.default_rng(1)
    shapes = (SIZE, HIDDEN), (HIDDEN,), (KERNEL * HIDDEN, HIDDEN), (HIDDEN,), (HIDDEN,), (FRAMES - KERNEL + 1,), (2 * HIDDEN,), (1,)
    return Melody(*(numbers.standard_normal(shape).astype(np.float32) for shape in shapes))


def test_it_reads_the_last_frames_and_zeros_before_the_first(melody: Melody) -> None:
    heard = np.random.default_rng(2).standard_normal((FRAMES + 30, SIZE)).astype(np.float32)
    assert melody.over(heard) == melody.over(heard[-FRAMES:])
    short = heard[:20]
    assert melody.over(short) == melody.over(np.concatenate((np.zeros((FRAMES - 20, SIZE), np.float32), short)))


def test_a_window_is_multiplied_from_its_oldest_frame_on(melody: Melody) -> None:
    """Frame by frame, as the formula says."""
    heard = np.random.default_rng(3).standard_normal((FRAMES, SIZE)).astype(np.float32)
    first = _gelu(heard @ melody.into + melody.into_bias)
    weights = melody.over_time.reshape(KERNEL, HIDDEN, HIDDEN)
    second = np.stack(
        [
            _gelu(sum((first[at + k] @ weights[k] for k in range(KERNEL)), melody.over_time_bias))
            for at in range(FRAMES - KERNEL + 1)
        ]
    )
    raised = np.exp(second @ melody.attention + melody.position)
    summed = (raised / raised.sum()) @ second
    told = np.concatenate((summed, second[-1])) @ melody.out + melody.out_bias[0]
    assert melody.over(heard) == pytest.approx(float(told), abs=1e-4)


def test_the_short_form_of_gelu_is_off_by_less_than_a_thousandth() -> None:
    x = np.linspace(-6, 6, 500, dtype=np.float32)
    exact = [value * 0.5 * (1 + math.erf(value / math.sqrt(2))) for value in x.tolist()]
    assert np.abs(_gelu(x) - exact).max() < 1e-3


@pytest.mark.models
def test_the_taught_one_fits_the_recogniser(first_whisper: WhisperEngine) -> None:  # noqa: F811
    line = taught()
    assert line.melody is not None
    assert line.melody.into.shape[0] == 384
    assert first_whisper.line is line


@pytest.mark.models
def test_the_same_words_end_or_go_on_by_the_voice(first_whisper: WhisperEngine, hibari: TtsEngine) -> None:  # noqa: F811
    """The first half of a sentence that was said in one breath, and the same words as a sentence of their own, with the same silence behind them."""
    halves = {
        "Do you have a table": " for six people on Saturday evening?",
        "How much is a service": " for an electric bicycle with a hub motor?",
        "Can I bring my dog": " into the garden in the afternoon?",
        "I would like to rent a bicycle": " for the whole of next week, if I may.",
        "Is the shop open": " on the Monday after Easter?",
        "Could you repair the brakes": " while I wait in the café next door?",
    }
    sung: list[float] = []
    melody = taught().melody
    assert melody is not None

    class Singing:
        def over(self, ending: Ending) -> float:
            assert ending.heard is not None
            sung.append(melody.over(ending.heard))
            return 0.0

    line, first_whisper.line = first_whisper.line, Singing()
    for words, rest in halves.items():
        alone = _spoken(hibari, words + rest[-1])
        begun = _spoken(hibari, words + rest)[: int(0.96 * len(alone))]
        for pcm in (alone, begun):
            first_whisper.run(AsrRequest(_ends_softly(pcm), 8000))
    first_whisper.line = line
    assert sum(ends > goes_on + 1 for ends, goes_on in zip(sung[::2], sung[1::2], strict=True)) >= 5, sung


def _spoken(voice: TtsEngine, text: str) -> Pcm:
    pcm = voice.run(TtsRequest(text, 8000)).pcm
    loud = np.flatnonzero(np.abs(pcm) > 300)
    return pcm[loud[0] : loud[-1] + 1]


def _ends_softly(pcm: Pcm) -> Pcm:
    made = pcm.astype(np.float32)
    made[-40:] *= np.linspace(1, 0, 40)
    return np.concatenate([np.zeros(4000), made, np.zeros(320)]).astype(np.int16)
