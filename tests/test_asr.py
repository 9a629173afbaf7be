"""The speech recogniser: its guards as they are, and the real model on silence, noise, people and synthetic voices."""

from __future__ import annotations

import numpy as np
import pytest
from fixtures_models import first_whisper, hibari, product_settings, prompt, whisper  # noqa: F401 - fixtures

from pipeline.asr import SURE, AsrRequest, WhisperEngine, silence, without_loop
from pipeline.leg import Pcm
from pipeline.tts import TtsEngine, TtsRequest


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("what are your hours", "what are your hours"),
        ("no, no, no, I mean Sunday", "no, no, no, I mean Sunday"),  # people say that
        ("no no no no no no", "no"),
        ("are you open. Are you open? are you open", "are you open."),
        ("I want to I want to go", "I want to I want to go"),
        ("well then thank you thank you thank you", "well then thank you"),
        ("", ""),
    ],
)
def test_a_loop_is_cut_at_its_first_repetition(text: str, cut: str) -> None:
    assert without_loop(text) == cut


def test_a_long_loop_is_cut_too() -> None:
    words = "one two three four five six seven eight"
    assert without_loop(f"well {words} {words} {words}") == f"well {words}"


@pytest.mark.parametrize(
    ("text", "mean_logprob", "no_speech", "seconds", "expected"),
    [
        ("Thank you.", -0.2, 0.1, 2.0, False),  # somebody said it
        ("Thank you.", -0.9, 0.1, 2.0, True),
        ("Thank you.", -0.2, 0.4, 2.0, True),
        ("you", -0.2, 0.0, 0.3, True),
        ("...", -0.8, 0.0, 2.0, True),
        ("What time do you close?", -1.2, 0.7, 2.0, True),
        ("What time do you close?", -0.5, 0.7, 2.0, False),
        ("Thank you for calling.", -0.9, 0.5, 2.0, False),
    ],
)
def test_what_whisper_makes_of_silence_is_known_by_its_words_and_its_doubts(
    text: str, mean_logprob: float, no_speech: float, seconds: float, expected: bool
) -> None:
    assert silence(text, mean_logprob, no_speech, seconds) is expected


@pytest.mark.models
def test_silence_is_no_text(whisper: WhisperEngine) -> None:  # noqa: F811
    for seconds in (0.05, 0.5, 3.0):
        assert whisper.run(AsrRequest(np.zeros(int(8000 * seconds), np.int16), 8000)).text == ""


@pytest.mark.models
@pytest.mark.parametrize("loudness", [30, 600, 3000])
def test_noise_is_no_text(whisper: WhisperEngine, loudness: int) -> None:  # noqa: F811
    noise = (np.random.default_rng(loudness).standard_normal(16000) * loudness).astype(np.int16)
    assert whisper.run(AsrRequest(noise, 8000)).text == ""


@pytest.mark.models
def test_a_person_is_understood(whisper: WhisperEngine) -> None:  # noqa: F811
    heard = whisper.run(AsrRequest(prompt("vm-goodbye"), 8000))
    assert heard.text.strip(" .!") == "Goodbye"
    heard = whisper.run(AsrRequest(prompt("tt-weasels"), 8000))
    assert "weasels" in heard.text.lower()
    assert 0.5 < heard.confidence <= 1.0


@pytest.mark.models
def test_the_smaller_model_knows_where_it_is_not_sure(first_whisper: WhisperEngine) -> None:  # noqa: F811
    """CTranslate2 gives the scores over the vocabulary for each token: the probability of the least likely one tells."""
    sure = first_whisper.run(AsrRequest(prompt("conf-leaderhasleft"), 8000))
    assert sure.text == "The leader has left the conference."
    assert SURE <= sure.least <= sure.confidence <= 1.0
    unsure = first_whisper.run(AsrRequest(prompt("astcc-followed-by-the-pound-key"), 8000))
    assert unsure.text != "Followed by the pound key."
    assert 0.0 < unsure.least < 0.3 < sure.least, "8-bit sums differ a little from processor to processor"
    assert unsure.least < 0.5 * unsure.confidence, "one word in doubt among many that are less so"


@pytest.mark.models
def test_the_smaller_model_is_never_sure_of_what_it_says_twice(first_whisper: WhisperEngine) -> None:  # noqa: F811
    """In 8 s it says this prompt twice and begins a third time, every word of it likely."""
    heard = first_whisper.run(AsrRequest(prompt("vm-helpexit"), 8000))
    assert heard.text.count("Press star") > 1
    assert heard.least == 0.0


@pytest.mark.models
def test_the_bots_own_words_are_understood_when_they_are_expected(whisper: WhisperEngine, hibari: TtsEngine) -> None:  # noqa: F811
    """Names are what a recogniser can't guess."""
    pcm = hibari.run(TtsRequest("How long is the Tregothnan walk?", 8000)).pcm
    assert "tregothnan" not in whisper.run(AsrRequest(pcm, 8000)).text.lower()
    assert "tregothnan" in whisper.run(AsrRequest(pcm, 8000, bias="Tregothnan, Kynance")).text.lower()


@pytest.mark.models
@pytest.mark.parametrize("name", ["Wobbly Velo", "Gribbling Bikes"])
def test_what_the_model_doubts_is_decoded_again_in_its_own_window(whisper: WhisperEngine, hibari: TtsEngine, name: str) -> None:  # noqa: F811
    """In 10 s, all that it makes of this is "Is", with a confidence of 0.12: far enough from the bound for every processor's rounding."""
    heard = whisper.run(AsrRequest(hibari.run(TtsRequest(f"Is {name} open on Friday?", 8000)).pcm, 8000))
    assert "open on friday" in heard.text.lower()


@pytest.mark.models
def test_a_stable_prefix_begins_the_transcript_and_is_not_said_twice(whisper: WhisperEngine, hibari: TtsEngine) -> None:  # noqa: F811
    pcm = hibari.run(TtsRequest("What time do you open on Monday?", 8000)).pcm
    text = whisper.run(AsrRequest(pcm, 8000, bias="bicycles", prefix="What time do you")).text
    assert text.startswith("What time do you")
    assert text.lower().count("what time") == 1
    assert "open on mon" in text.lower(), "on some processors its last syllable is lost"


@pytest.mark.models
def test_a_window_does_not_cut_what_is_longer(whisper: WhisperEngine, hibari: TtsEngine) -> None:  # noqa: F811
    parts = (
        "I have a bicycle.",
        "Its chain is broken.",
        "The brakes are worn.",
        "It was bought in March.",
        "Can you mend the saddle as well?",
    )
    pcm: Pcm = np.concatenate(
        [hibari.run(TtsRequest(part, 8000)).pcm for part in parts for _ in range(1)] + [np.zeros(8000, np.int16)]
    )
    long = np.concatenate([np.zeros(8000 * 4, np.int16), pcm])
    assert len(long) / 8000 > whisper.window_s
    text = whisper.run(AsrRequest(long, 8000)).text.lower()
    assert "saddle" in text
    assert "chain" in text


@pytest.mark.models
def test_cost_grows_with_what_is_said(whisper: WhisperEngine) -> None:  # noqa: F811
    second, ten = (whisper.cost_ms(AsrRequest(np.zeros(8000 * s, np.int16), 8000)) for s in (1, 10))
    assert second < ten
