"""Phrases as audio, ready for the wire: synthesised through the scheduler, remembered in memory, and on disk what every call may need."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.jobs import Job, Priority, Work
from pipeline.leg import CallLeg, Pcm
from pipeline.scheduler import Ran, Scheduler
from pipeline.spoken import spoken
from pipeline.tts import Speech, TtsEngine, TtsRequest, pause_ms


@dataclass(frozen=True, slots=True)
class WireFormat:
    """What a leg wants to be given. `encode`: int16 at `rate_hz` to the encoding of that name."""

    encoding: str
    rate_hz: int
    encode: Callable[[Pcm], bytes]

    @classmethod
    def of(cls, leg: CallLeg) -> WireFormat:
        """A leg's own."""
        return cls(leg.encoding, leg.rate_hz, leg.encode)


@dataclass(frozen=True, slots=True)
class PhraseKey:
    """What makes two phrases the same audio."""

    text: str
    speed: float
    encoding: str
    rate_hz: int


@dataclass(frozen=True, slots=True)
class SpokenPhrase:
    """A phrase ready to be played: its text as written, `payload` in the leg's encoding, `tail` samples of silence at its end."""

    text: str
    payload: bytes
    samples: int
    tail: int


class PhraseCache:
    """Audio of phrases that recur. Holds `bound_bytes` at most; the one not used for longest goes."""

    def __init__(self, bound_bytes: int = 32 << 20) -> None:
        self._bound = bound_bytes
        self._bytes = 0
        self._phrases: OrderedDict[PhraseKey, SpokenPhrase] = OrderedDict()
        self.hits = 0
        self.misses = 0

    def get(self, key: PhraseKey) -> SpokenPhrase | None:
        """The phrase, if it was spoken before."""
        phrase = self._phrases.get(key)
        if phrase is None:
            self.misses += 1
            return None
        self.hits += 1
        self._phrases.move_to_end(key)
        return phrase

    def put(self, key: PhraseKey, phrase: SpokenPhrase) -> None:
        """Keep a phrase."""
        old = self._phrases.pop(key, None)
        self._bytes += len(phrase.payload) - (len(old.payload) if old else 0)
        self._phrases[key] = phrase
        while self._bytes > self._bound and len(self._phrases) > 1:
            _, oldest = self._phrases.popitem(last=False)
            self._bytes -= len(oldest.payload)


class PhraseShelf:
    """Phrases on disk, a file each: whole or not there. Blocks: call it in a thread.

    Only what the owner wrote is kept here, never what a caller said. `voice` names the synthesiser and all that its audio depends on.
    """

    def __init__(self, folder: Path, voice: str, bound_bytes: int = 64 << 20) -> None:
        self._folder = folder
        self._voice = voice
        self._bound = bound_bytes

    def get(self, key: PhraseKey) -> bytes | None:
        """The phrase's payload."""
        try:
            return self._path(key).read_bytes() or None
        except OSError:
            return None

    def put(self, key: PhraseKey, payload: bytes) -> None:
        """Keep it; the files not written for longest go when there are too many. A full or read-only disk is no error."""
        path = self._path(key)
        partial = path.with_suffix(f".{os.getpid()}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(payload)
            partial.replace(path)
            self._trim()
        except OSError:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)

    def _trim(self) -> None:
        files = sorted((f.stat().st_mtime, f.stat().st_size, f) for f in self._folder.glob("*.phrase"))
        excess = sum(size for _, size, _ in files) - self._bound
        for _, size, file in files:
            if excess <= 0:
                break
            file.unlink(missing_ok=True)
            excess -= size

    def _path(self, key: PhraseKey) -> Path:
        said = f"1|{self._voice}|{key.speed}|{key.encoding}|{key.rate_hz}|{key.text}|{spoken(key.text)}"
        return self._folder / f"{hashlib.sha256(said.encode()).hexdigest()[:40]}.phrase"


class PhraseSpeaker:
    """Text to `SpokenPhrase`, through the cache, the scheduler and the TTS engine."""

    def __init__(self, engine: TtsEngine, scheduler: Scheduler, cache: PhraseCache, shelf: PhraseShelf | None = None) -> None:
        self._engine = engine
        self._scheduler = scheduler
        self._cache = cache
        self._shelf = shelf

    def ready(self, text: str, wire: WireFormat, speed: float = 1.0) -> SpokenPhrase | None:
        """The phrase, if no work is needed for it."""
        return self._cache.get(_key(text, wire, speed))

    def ask(self, text: str, rate_hz: int, work: Work, speed: float = 1.0) -> tuple[Job, asyncio.Future[Ran[Speech]]]:
        """Queue the synthesis of a phrase."""
        return self._scheduler.submit(self._engine, work, lambda: TtsRequest(spoken(text), rate_hz, speed))

    def keep(self, text: str, speech: Speech, wire: WireFormat, speed: float = 1.0) -> SpokenPhrase:
        """Encode a result and remember it."""
        return self._remember(_key(text, wire, speed), wire.encode(speech.pcm), len(speech.pcm))

    async def prepare(self, text: str, wire: WireFormat, speed: float, priority: Priority) -> None:
        """Have the phrase ready: from memory, from disk, or made now. Raises what the scheduler and the engine raise."""
        key = _key(text, wire, speed)
        if self._cache.get(key) is not None:
            return
        loop = asyncio.get_running_loop()
        payload = await loop.run_in_executor(None, self._shelf.get, key) if self._shelf is not None else None
        if payload is not None:
            self._remember(key, payload, len(payload) // len(wire.encode(_ONE_SAMPLE)))
            return
        _, future = self.ask(text, wire.rate_hz, Work("tts", priority, ("prepare", 0)), speed)
        phrase = self.keep(text, (await future).value, wire, speed)
        if self._shelf is not None and phrase.payload:
            await loop.run_in_executor(None, self._shelf.put, key, phrase.payload)

    def reprioritise(self, job: Job, priority: Priority) -> None:
        """Move a waiting synthesis."""
        self._scheduler.reprioritise(job, priority)

    def _remember(self, key: PhraseKey, payload: bytes, samples: int) -> SpokenPhrase:
        phrase = SpokenPhrase(key.text, payload, samples, min(samples, key.rate_hz * pause_ms(key.text) // 1000))
        self._cache.put(key, phrase)
        return phrase


_ONE_SAMPLE = np.zeros(1, np.int16)


def _key(text: str, wire: WireFormat, speed: float) -> PhraseKey:
    return PhraseKey(text.strip(), speed, wire.encoding, wire.rate_hz)
