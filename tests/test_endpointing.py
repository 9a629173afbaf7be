"""How long a silence ends a turn."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.endpointing import Evidence, Waits

WAITS = Waits(sure=0.8, sure_ms=160, unsure_ms=500, unlikely_ms=1500, max_ms=1800)
QUESTION = "are you open on Sunday"


@pytest.mark.parametrize(("probability", "ms"), [(1.0, 160), (0.8, 160), (0.799, 500), (0.4, 516), (0.0, 1500)])
def test_the_surer_the_sooner(probability: float, ms: int) -> None:
    assert WAITS.silence_ms(probability) == ms


def test_what_is_certain_waits_for_no_breath() -> None:
    assert [Waits().silence_ms(p) for p in (0.99, 0.98, 0.94, 0.9)] == [160, 160, 250, 340]


@given(st.floats(0, 1), st.floats(0, 1))
def test_more_probable_never_waits_longer(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert WAITS.silence_ms(high) <= WAITS.silence_ms(low)


def test_without_a_judge_of_words_the_sound_decides() -> None:
    assert Evidence(QUESTION, 0.3).complete() == pytest.approx(0.3)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_both_count(audio: float, words: float, more: float) -> None:
    known = Evidence(QUESTION, audio, words).complete()
    assert 0 < known < 1
    assert Evidence(QUESTION, max(audio, more), words).complete() >= known
    assert Evidence(QUESTION, audio, max(words, more)).complete() >= known


@pytest.mark.parametrize(
    ("audio", "words", "sure"),
    [(0.99, 0.6, True), (0.99, 0.001, False), (0.2, 0.97, True), (0.02, 0.05, False)],
    ids=["both", "the words go on", "only the words", "neither"],
)
def test_a_sentence_that_ends_and_one_that_goes_on(audio: float, words: float, sure: bool) -> None:
    assert (Evidence(QUESTION, audio, words).complete() >= Waits().sure) is sure


def test_what_no_fact_answers_is_waited_for() -> None:
    assert Evidence("my sister told me", 0.9, 0.3, answered=False).complete() < Evidence("my sister told me", 0.9, 0.3).complete()


@pytest.mark.parametrize("text", ["Okay, thank you.", "Hello", "Yes.", "I have a question."])
def test_a_way_in_or_out_lingers(text: str) -> None:
    assert Evidence(text, 0.99, 0.9).lingering


@pytest.mark.parametrize("text", [QUESTION, "Thanks, goodbye.", "Great, and how much is it?", "I don't have any coins on me."])
def test_anything_else_waits_for_what_the_evidence_says(text: str) -> None:
    assert not Evidence(text, 0.99, 0.9).lingering


@pytest.mark.parametrize("text", ["a tent-", "a tent...", "a tent,"])
def test_what_the_recogniser_broke_off_is_waited_for(text: str) -> None:
    assert Evidence(text, 0.9, 0.3).complete() < Evidence("a tent", 0.9, 0.3).complete() - 0.2


def test_a_goodbye_is_the_end_however_it_sounds() -> None:
    assert Evidence("Lovely, thanks very much. Bye.", 0.01, 0.8).complete() >= Waits().sure
    assert Evidence("Can I pay, bye", 0.01, 0.8).complete() < Waits().sure


@given(audio=st.floats(0, 1), words=st.floats(0, 1), fluency=st.floats(0.1, 1.2))
def test_the_callers_fluency_moves_every_sum(audio: float, words: float, fluency: float) -> None:
    for known in (Evidence(QUESTION, audio), Evidence(QUESTION, audio, words), Evidence(QUESTION, audio, words, ending=1.0)):
        assert replace(known, fluency=-fluency).complete() < known.complete() < replace(known, fluency=fluency).complete()
