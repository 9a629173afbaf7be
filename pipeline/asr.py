"""Whisper on CTranslate2, cut to fit a telephone turn.

faster-whisper's own `transcribe` runs a 30 s window per call. Here the encoder sees `window_s` (10 s of mel frames, longer for a longer
utterance): a third of the work at almost the same word error rate. Shorter windows make the decoder loop: on 80 telephone prompts, odd ones
among them, 10 s gave a word error rate of 0.065, 8 s 0.089, 6 s 0.21.
The prompt is built on CTranslate2's level, so that the bot's own words and a stable prefix can both be given.

A smaller model hears each pause first. Where it is sure of every token its text stands, and the larger one is not asked: see `SURE`.

Guards: output is bounded by how much can be said in the time; a loop, and what the model itself doubts, is decoded again in the window that
it was trained on, and cut at its first repetition if it still loops; what the model itself takes for silence is no text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import pipeline.threads  # noqa: F401 - before any OpenMP library is loaded

import ctranslate2  # isort: skip
import numpy as np  # isort: skip
import tokenizers  # isort: skip
from faster_whisper.feature_extractor import FeatureExtractor  # isort: skip
from faster_whisper.tokenizer import Tokenizer  # isort: skip

from pipeline import ending, melody
from pipeline.audio import as_float, resample
from pipeline.leg import Pcm

RATE_HZ = 16_000
FRAMES_PER_S = 100
TRAINED_S = 30.0
# Fast talkers reach 6 tokens a second; what is above is invention.
TOKENS_PER_S = 8
# OpenAI's thresholds (whisper/transcribe.py, `no_speech_threshold`, `logprob_threshold`).
NO_SPEECH = 0.6
# The smaller model's text stands when each of its tokens is at least so likely. Of 443 turns of the recorded callers 293 are surer than 0.2 and no surer than 0.55: the
# bot answers tiny.en's words as it does the true ones in 222 of them, base's in 216; in 32 that are less sure in 15 and in 21. On 80 prompts by people: from
# 0.2 to 0.55 a word error rate of 0.069 and base's 0.074, with base asked below 0.2 (two of them) 0.037 in all, below 0.55 (27) 0.038.
SURE = 0.2
# Up to here it is a word or a hum, with what was recorded around it.
WORD_S = 1.5
UNLIKELY = -1.0
# What Whisper hears in silence and noise: the endings of the subtitles it was trained on.
_INVENTED = re.compile(
    r"^(you|thank you|thanks for watching|thank you for watching|bye|the end|subtitles by.*|\W*)[.!]*$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class AsrRequest:
    """`pcm`: int16 mono at `rate_hz`. `bias`: words to expect, as running text. `prefix`: text that the transcript begins with.

    `text_only`: nobody will ask for `least` and `ending`, which cost a softmax over the vocabulary for each token.
    `given_up`: set it, and what is under way ends without a text as soon as it can.
    """

    pcm: Pcm
    rate_hz: int
    bias: str = ""
    prefix: str = ""
    text_only: bool = False
    given_up: Event = field(default_factory=Event)


@dataclass(frozen=True, slots=True)
class Transcript:
    """`confidence`: geometric mean of the token probabilities, 0 to 1. Empty `text`: nothing was said.

    `least`: probability of the least likely token, by an engine that is asked first; 0 for a text that repeats itself. `ending`: what the punctuation after the last word adds to
    the log odds of the turn being over (`pipeline.ending`); 0 where it is not known.
    """

    text: str
    confidence: float
    no_speech: float = 0.0
    least: float = 0.0
    ending: float = 0.0


class WhisperEngine:
    """The `asr` engine: one model for all calls. `model`: a faster-whisper folder.

    `first`: another engine is asked where this one is not sure, so it does not try twice. `concurrency`: runs at once, each on `threads` cores, of one copy
    of the weights.
    """

    def __init__(
        self,
        model: Path,
        *,
        device: str,
        compute_type: str,
        threads: int,
        window_s: float,
        language: str = "en",
        first: bool = False,
        concurrency: int = 1,
    ) -> None:
        self.first = first
        self.name = "asr first" if first else "asr"
        self.device = device
        self.threads = threads
        self.concurrency = concurrency
        self.window_s = window_s
        self._model = ctranslate2.models.Whisper(
            str(model), device=device, compute_type=compute_type, intra_threads=threads, inter_threads=concurrency
        )
        hf = tokenizers.Tokenizer.from_file(str(model / "tokenizer.json"))
        self.tokenizer = Tokenizer(hf, self._model.is_multilingual, task="transcribe", language=language)
        self.marks = ending.Marks.of(self.tokenizer)
        # Taught with the smaller one's scores, whose vocabulary all English models have.
        self.line: ending.Judge | None = ending.taught() if first and not self._model.is_multilingual else None
        self._features = FeatureExtractor(feature_size=self._model.n_mels)
        self._start: list[int] = [*self.tokenizer.sot_sequence, self.tokenizer.no_timestamps]

    def cost_ms(self, request: AsrRequest) -> float:
        """Encoder by window, decoder by length."""
        seconds = len(request.pcm) / request.rate_hz
        return 18.0 * max(self.window_s, seconds) + 25.0 * seconds

    def run(self, request: AsrRequest) -> Transcript:
        """Transcribe one utterance of up to 30 s; what is longer loses its beginning."""
        audio = as_float(resample(request.pcm, request.rate_hz, RATE_HZ))[-int(TRAINED_S * RATE_HZ) :]
        seconds = len(audio) / RATE_HZ
        if seconds < 0.1:
            return Transcript("", 0.0, 1.0)
        mel = self._mel(audio)
        transcript, looped = self._decode(mel, max(self.window_s, seconds), seconds, request)
        # As a rule, the rest of it was not decoded at all; of a word or a hum there is no rest.
        doubtful = bool(transcript.text) and seconds > WORD_S and transcript.confidence < np.exp(UNLIKELY)
        if (looped or doubtful) and not self.first and self.window_s < TRAINED_S:
            wide, wide_looped = self._decode(mel, TRAINED_S, seconds, request)
            if looped or wide.confidence > transcript.confidence:
                transcript, looped = wide, wide_looped
        if looped:
            transcript = Transcript(without_loop(transcript.text), transcript.confidence / 2, transcript.no_speech)
        return transcript

    def _mel(self, audio: Any) -> Any:
        return self._features(audio, padding=0)

    def _encode(self, window: Any) -> Any:
        return self._model.encode(ctranslate2.StorageView.from_array(window))

    def _generate(self, encoded: Any, prompt: list[int], limit: int, scores: bool) -> Any:
        return self._model.generate(
            encoded,
            [prompt],
            beam_size=1,
            max_length=len(prompt) + limit,
            return_scores=True,
            return_no_speech_prob=True,
            return_logits_vocab=scores,
            suppress_blank=True,
        )[0]

    def _decode(self, mel: Any, window_s: float, seconds: float, request: AsrRequest) -> tuple[Transcript, bool]:
        frames = int(window_s * FRAMES_PER_S)
        window = np.zeros((1, mel.shape[0], frames), np.float32)
        window[0, :, : min(frames, mel.shape[1])] = mel[:, :frames]
        limit = int(seconds * TOKENS_PER_S) + 12
        prompt = self._prompt(request)
        encoded = self._encode(window)
        if request.given_up.is_set():  # the caller went on: half of the work need not be done
            return Transcript("", 0.0), False
        result = self._generate(encoded, prompt, limit, scores=not request.text_only)
        tokens = result.sequences_ids[0]  # the prefix among them
        text = self.tokenizer.decode(tokens).strip()
        mean = float(result.scores[0])
        no_speech = float(result.no_speech_prob)
        looped = len(tokens) >= limit or text != without_loop(text)
        if silence(text, mean, no_speech, seconds):
            return Transcript("", 0.0, no_speech), False
        if request.text_only:
            return Transcript(text, float(np.exp(mean)), no_speech), looped
        scores = [np.asarray(step, np.float32) for step in result.logits[0]]  # views, for the prefix too: 200 kB a step
        least = _least(tokens, scores) if self.first and not looped and not said_twice(text) else 0.0
        return Transcript(
            text,
            float(np.exp(mean)),
            no_speech,
            least,
            ending.over(tokens, scores, self.marks, len(text.split()), self.line, self._heard(encoded, seconds)),
        ), looped

    def _heard(self, encoded: Any, seconds: float) -> Any:
        """What the encoder made of the audio's end, without what it made of the empty rest of its window; None where nobody asks."""
        if self.line is None:
            return None
        near = encoded if self.device == "cpu" else encoded.to_device(ctranslate2.Device.cpu)
        end = int(seconds * melody.FRAMES_PER_S) + 1
        return np.asarray(near)[0, max(0, end - melody.FRAMES) : end].copy()

    def _prompt(self, request: AsrRequest) -> list[int]:
        tokenizer = self.tokenizer
        bias = tokenizer.encode(" " + request.bias.strip())[-100:] if request.bias.strip() else []
        prefix = tokenizer.encode(" " + request.prefix.strip()) if request.prefix.strip() else []
        return ([tokenizer.sot_prev, *bias] if bias else []) + self._start + prefix


def _least(tokens: list[int], scores: list[ending.Scores]) -> float:
    """Probability of the least likely token: a softmax over the vocabulary for each."""
    return min((float(ending.probabilities(step)[token]) for token, step in zip(tokens, scores, strict=False)), default=0.0)


def said_twice(text: str) -> bool:
    """Whether any three words in a row come again: a short window makes the smaller model say a short sentence twice, each word of it likely."""
    words = [re.sub(r"\W", "", w).lower() for w in text.split()]
    runs = [tuple(words[at : at + 3]) for at in range(len(words) - 2)]
    return len(set(runs)) < len(runs)


def silence(text: str, mean_logprob: float, no_speech: float, seconds: float) -> bool:
    """Whether a text is what Whisper makes of silence or noise."""
    if no_speech > NO_SPEECH and mean_logprob < UNLIKELY:
        return True
    return bool(_INVENTED.match(text)) and (no_speech > 0.25 or mean_logprob < -0.7 or seconds < 0.5)


def without_loop(text: str) -> str:
    """`text` up to where it begins to repeat itself: the same 1 to 8 words three times in a row (four times for one word)."""
    words = text.split()
    folded = [re.sub(r"\W", "", w).lower() for w in words]
    for at in range(len(words)):
        for size in range(1, 9):
            times = 4 if size == 1 else 3
            first = folded[at : at + size]
            if len(folded) >= at + size * times and all(folded[at + k * size : at + (k + 1) * size] == first for k in range(times)):
                return " ".join(words[: at + size])
    return text
