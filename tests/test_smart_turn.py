"""Is the turn over? The real model on speech that is cut off, and on speech that is not."""

from __future__ import annotations

import numpy as np
import pytest
from fixtures_models import hibari, product_settings, smart_turn  # noqa: F401 - fixtures

from pipeline.leg import Pcm
from pipeline.smart_turn import SmartTurnEngine, TurnRequest
from pipeline.tts import TtsEngine, TtsRequest

pytestmark = pytest.mark.models

# A synthetic voice sounds final wherever it is cut after a whole clause: these have none before their middle.
QUESTIONS = (
    "Are you open on Sunday?",
    "I would like to know whether you repair old bicycles.",
    "Could you tell me when you are open on Saturdays?",
)


def spoken(hibari: TtsEngine, text: str) -> Pcm:  # noqa: F811
    return hibari.run(TtsRequest(text, 8000)).pcm


def test_a_question_that_was_asked_is_over_and_half_of_it_is_not(smart_turn: SmartTurnEngine, hibari: TtsEngine) -> None:  # noqa: F811
    pause = np.zeros(800, np.int16)
    for question in QUESTIONS:
        pcm = spoken(hibari, question)
        whole = smart_turn.run(TurnRequest(np.concatenate([pcm, pause]), 8000))
        half = smart_turn.run(TurnRequest(np.concatenate([pcm[: len(pcm) // 2], pause]), 8000))
        assert whole > 0.8, question
        assert half < 0.2, question


def test_only_the_last_eight_seconds_count(smart_turn: SmartTurnEngine, hibari: TtsEngine) -> None:  # noqa: F811
    pcm = np.concatenate([np.zeros(8000 * 8, np.int16), spoken(hibari, QUESTIONS[0]), np.zeros(800, np.int16)])
    before = np.random.default_rng(1).integers(-9000, 9000, 8000 * 5).astype(np.int16)
    alone = smart_turn.run(TurnRequest(pcm[-8000 * 8 :], 8000))
    assert smart_turn.run(TurnRequest(np.concatenate([before, pcm[-8000 * 8 :]]), 8000)) == pytest.approx(alone, abs=0.02)


def test_nothing_and_next_to_nothing_are_answered(smart_turn: SmartTurnEngine) -> None:  # noqa: F811
    for samples in (0, 10, 800):
        assert 0.0 <= smart_turn.run(TurnRequest(np.zeros(samples, np.int16), 8000)) <= 1.0
