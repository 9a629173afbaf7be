"""What the recogniser would write after the last word."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest
from faster_whisper.tokenizer import Tokenizer
from fixtures_models import first_whisper, product_settings  # noqa: F401 - fixtures
from hypothesis import given
from hypothesis import strategies as st

from pipeline.asr import AsrRequest, WhisperEngine
from pipeline.audibility import last_audible
from pipeline.ending import MOST, Line, Marks, over, probabilities, read, taught
from telephony.caller.fixture import CALLS
from telephony.caller.line import LineNoise
from telephony.caller.wav import read_audio

STOP, ASK, COMMA, WORD, END = range(5)
MARKS = Marks(np.array([STOP]), np.array([ASK]), frozenset({STOP, ASK, COMMA}), END)


def shares(**of: float) -> np.ndarray:
    found = np.full(6, 1e-4, np.float32)  # the last is all other tokens
    for name, share in of.items():
        found[{"stop": STOP, "ask": ASK, "comma": COMMA, "word": WORD, "end": END}[name]] = share
    found[-1] = max(1e-4, 1 - sum(of.values()))
    scores: np.ndarray = np.log(np.maximum(found, 1e-6))
    return scores


def ending(written: list[int], **after: float) -> float:
    """Of one word, what was written after it, and what might have been."""
    return over([WORD, *written], [shares(word=0.9), shares(**after), shares(stop=0.5)], MARKS, 1)


def test_a_full_stop_or_a_question_mark_ends_and_a_comma_goes_on() -> None:
    over = ending([STOP], stop=0.9), ending([ASK], ask=0.9), ending([], end=0.9)
    on = ending([COMMA], comma=0.9), ending([], word=0.9)
    assert min(over) > max(on) + 2


def test_what_counts_is_what_might_have_been_not_what_was_written() -> None:
    assert ending([STOP], stop=0.5, comma=0.4) < ending([STOP], stop=0.9, comma=0.1)
    assert ending([STOP], stop=0.5, ask=0.4) > ending([STOP], stop=0.5, comma=0.4)


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_likelier_stop_never_ends_less(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert ending([STOP], stop=high, comma=1 - high) >= ending([STOP], stop=low, comma=1 - low)


def test_a_word_in_doubt_may_be_half_a_word() -> None:
    after = shares(stop=0.9)
    assert over([WORD], [shares(word=0.2), after], MARKS, 1) < over([WORD], [shares(word=0.95), after], MARKS, 1)


@pytest.mark.parametrize(("tokens", "steps"), [([], 1), ([STOP], 2), ([WORD], 1)], ids=["nothing", "no word", "cut off"])
def test_of_nothing_nothing_is_known(tokens: list[int], steps: int) -> None:
    assert over(tokens, [shares(stop=0.9)] * steps, MARKS, 1) == 0.0


def line(usual: float, longer: float, bias: float = 0.0) -> Line:
    """Reads the log probability of WORD."""
    weights = np.zeros((2, 6), np.float32)
    weights[:, 0], weights[0, -1] = (usual, longer), bias
    return Line(np.array([WORD]), weights)


def test_a_line_reads_the_words_that_may_come_too() -> None:
    # After "my" a word comes; the punctuation is as likely either way.
    scores = [shares(word=0.9), shares(stop=0.5, word=0.4)], [shares(word=0.9), shares(stop=0.5, comma=0.4)]
    word, comma = (over([WORD], steps, MARKS, 8, line(-1, 0)) for steps in scores)
    assert word == pytest.approx(-np.log(0.4), abs=0.01)
    assert comma > word


def test_what_may_come_counts_more_the_longer_the_turn_is_and_not_for_ever() -> None:
    scores = [shares(word=0.9), shares(stop=0.5, word=0.4)]
    short, usual, long, longest = (over([WORD], scores, MARKS, words, line(-1, -1)) for words in (4, 8, 16, 200))
    assert short < usual < long < longest == pytest.approx(-2 * np.log(0.4), abs=0.01)


def test_no_line_is_surer_than_it_may_be() -> None:
    ending = read([WORD], [shares(word=0.9), shares(stop=0.9)], MARKS, 1)
    assert ending is not None
    for bias in (-100.0, 100.0):
        assert abs(line(0, 0, bias).over(ending)) == MOST


def test_scores_become_shares() -> None:
    found = probabilities(np.array([1000.0, 1000.0, -1000.0], np.float32))
    assert found.tolist() == [0.5, 0.5, 0.0]


@pytest.mark.models
def test_the_marks_of_a_vocabulary_are_punctuation_and_no_more(first_whisper: WhisperEngine) -> None:  # noqa: F811
    tokenizer: Tokenizer = first_whisper.tokenizer
    marks = Marks.of(tokenizer)
    assert {tokenizer.decode([t]).strip() for t in marks.all} >= {".", "?", "!", ",", "-", "..."}
    assert not any(character.isalnum() for t in marks.all for character in tokenizer.decode([t]))


@pytest.mark.models
def test_the_taught_line_is_of_the_smaller_model_s_vocabulary(first_whisper: WhisperEngine) -> None:  # noqa: F811
    line = taught()
    assert first_whisper.line is line
    assert line.weights.shape == (2, len(line.tokens) + 5)
    assert {first_whisper.tokenizer.decode([token]) for token in line.tokens} >= {".", "?", ",", " my", " and", " to"}


@pytest.mark.models
def test_the_ends_of_people_who_hesitate_end_more_than_their_pauses(first_whisper: WhisperEngine) -> None:  # noqa: F811
    folder = CALLS / "hesitant-tune-a"
    ends, pauses = [], []
    for step in tomllib.loads((folder / "call.toml").read_text("utf-8"))["steps"][:6]:
        said = read_audio(folder / step["say"])
        at = [start for start, _ in step.get("pauses_ms", [])]
        pauses += [first_whisper.run(AsrRequest(said[: ms * 8 + 480], 8000)).ending for ms in at]
        ends.append(first_whisper.run(AsrRequest(said[: (last_audible(said) or 0) + 480], 8000)).ending)
    pairs = [(end, pause) for end in ends for pause in pauses]
    assert sum(end > pause for end, pause in pairs) > 0.8 * len(pairs)


@pytest.mark.models
def test_in_a_line_s_noise_behind_the_last_word_the_end_is_not_heard(first_whisper: WhisperEngine) -> None:  # noqa: F811
    """Why `Ears.utterance` gives silence as silence: 40 ms of noise at RMS 130 are enough."""
    said = read_audio(CALLS / "interrupt/04-what-is-your-phone-number.wav")
    said = np.concatenate([np.zeros(4000, np.int16), said[: last_audible(said) or 0], np.zeros(320, np.int16)])
    hums = (said + LineNoise("pink", -48.0, seed=3).loop()[: len(said)]).astype(np.int16)
    silenced = hums.copy()
    silenced[-320:] = 0
    noisy, quiet = (first_whisper.run(AsrRequest(pcm, 8000)) for pcm in (hums, silenced))
    assert noisy.text == quiet.text
    assert quiet.ending > noisy.ending + 0.5


@pytest.mark.models
def test_the_end_is_heard_only_where_as_much_silence_follows_as_it_was_taught_with(first_whisper: WhisperEngine) -> None:  # noqa: F811
    """Why `Ears.utterance` gives 40 ms behind the last sound, however early the level fell."""
    said = read_audio(CALLS / "hum/01-when-are-you-open.wav")
    said = np.concatenate([np.zeros(4000, np.int16), said[: last_audible(said) or 0]])
    line = said + LineNoise("pink", -49.0, seed=4).loop()[: len(said)]

    def ending(silence_ms: int) -> float:
        pcm = np.concatenate([line.astype(np.int16), np.zeros(8 * silence_ms, np.int16)])
        return first_whisper.run(AsrRequest(pcm, 8000)).ending

    assert ending(40) > 3.0
    assert max(ending(0), ending(10), ending(20)) < ending(40)
