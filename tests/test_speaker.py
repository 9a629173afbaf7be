"""Phrases as audio: the cache, the shelf on disk, and what of them spares the synthesiser work."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from fake_leg import Tone

from pipeline.jobs import Priority
from pipeline.scheduler import Scheduler
from pipeline.speaker import PhraseCache, PhraseKey, PhraseShelf, PhraseSpeaker, SpokenPhrase, WireFormat
from pipeline.tts import Speech, TtsEngine, TtsRequest
from telephony.g711 import encode

WIRE = WireFormat("mulaw", 8000, encode)


def key(text: str, speed: float = 1.0, encoding: str = "mulaw", rate_hz: int = 8000) -> PhraseKey:
    return PhraseKey(text, speed, encoding, rate_hz)


def phrase(text: str, size: int = 10) -> SpokenPhrase:
    return SpokenPhrase(text, b"x" * size, size, 0)


def test_a_phrase_is_found_by_all_that_makes_its_audio() -> None:
    cache = PhraseCache(1000)
    cache.put(key("Hello."), phrase("Hello."))
    assert cache.get(key("Hello.")) == phrase("Hello.")
    others = key("Hello.", 0.8), key("Hello.", rate_hz=16000), key("Hello.", encoding="alaw"), key("Hello")
    assert [cache.get(other) for other in others] == [None] * 4
    assert (cache.hits, cache.misses) == (1, 4)


def test_what_was_not_used_for_longest_goes() -> None:
    cache = PhraseCache(30)
    for text in ("one", "two", "three"):
        cache.put(key(text), phrase(text))
    cache.get(key("one"))
    cache.put(key("four"), phrase("four"))
    assert cache.get(key("two")) is None
    assert all(cache.get(key(text)) for text in ("one", "three", "four"))


def test_a_phrase_put_again_counts_once() -> None:
    cache = PhraseCache(30)
    cache.put(key("kept"), phrase("kept"))
    for size in (10, 20, 10):
        cache.put(key("again"), phrase("again", size))
    assert cache.get(key("kept")) is not None


def test_one_that_is_larger_than_the_bound_is_kept_alone() -> None:
    cache = PhraseCache(20)
    cache.put(key("small"), phrase("small", 4))
    cache.put(key("large"), phrase("large", 50))
    assert cache.get(key("small")) is None
    assert cache.get(key("large")) is not None


def test_the_shelf_knows_a_phrase_by_its_voice_too(tmp_path: Path) -> None:
    shelf = PhraseShelf(tmp_path / "phrases", "joe")
    shelf.put(key("Hello."), b"audio")
    assert PhraseShelf(tmp_path / "phrases", "joe").get(key("Hello.")) == b"audio"
    assert PhraseShelf(tmp_path / "phrases", "heart").get(key("Hello.")) is None
    assert shelf.get(key("Hello.", 0.9)) is None


def test_the_shelf_is_bounded(tmp_path: Path) -> None:
    shelf = PhraseShelf(tmp_path, "joe", bound_bytes=25)
    for text in ("one", "two", "three"):
        shelf.put(key(text), b"x" * 10)
        time.sleep(0.01)  # files have times
    assert shelf.get(key("one")) is None
    assert shelf.get(key("three")) == b"x" * 10
    assert len(list(tmp_path.iterdir())) == 2


def test_a_disk_that_takes_nothing_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    shelf = PhraseShelf(tmp_path / "file" / "phrases", "joe")
    shelf.put(key("Hello."), b"audio")
    assert shelf.get(key("Hello.")) is None


class Counted(TtsEngine):
    """A voice that counts what it is asked for."""

    def __init__(self) -> None:
        super().__init__(Tone(), threads=1)
        self.asked: list[str] = []

    def run(self, request: TtsRequest) -> Speech:
        self.asked.append(request.text)
        return super().run(request)


@pytest.mark.parametrize("again", [True, False], ids=["same process", "next process"])
def test_what_was_prepared_is_ready_and_made_once(tmp_path: Path, again: bool) -> None:
    voice = Counted()

    async def prepare() -> None:
        async with Scheduler(1, [voice], time.monotonic_ns) as scheduler:
            speaker = PhraseSpeaker(voice, scheduler, PhraseCache(), PhraseShelf(tmp_path, "tone"))
            await speaker.prepare("We are open.", WIRE, 1.0, Priority.PARTIAL)
            first = speaker.ready("We are open. ", WIRE)
            if not again:
                speaker = PhraseSpeaker(voice, scheduler, PhraseCache(), PhraseShelf(tmp_path, "tone"))
            await speaker.prepare("We are open.", WIRE, 1.0, Priority.PARTIAL)
            assert first is not None
            assert speaker.ready("We are open.", WIRE) == first
            assert first.samples == len(first.payload) > first.tail == 8 * 220

    asyncio.run(prepare())
    assert voice.asked == ["We are open."]
