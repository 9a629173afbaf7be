"""The cache of phrases; how replies are made is in test_call.py."""

from __future__ import annotations

from pipeline.reply import PhraseCache, SpokenPhrase
from pipeline.wording import phrases_of


def phrase(text: str, size: int = 10) -> SpokenPhrase:
    return SpokenPhrase(text, b"x" * size, size, 0)


def test_a_phrase_is_found_by_text_speed_and_rate() -> None:
    cache = PhraseCache()
    cache.put(1.0, 8000, phrase("Hello."))
    assert cache.get("Hello.", 1.0, 8000) == phrase("Hello.")
    assert cache.get("Hello.", 0.8, 8000) is cache.get("Hello.", 1.0, 16000) is cache.get("Hello", 1.0, 8000) is None
    assert (cache.hits, cache.misses) == (1, 3)


def test_what_was_not_used_for_longest_goes_first() -> None:
    cache = PhraseCache(bound_bytes=30)
    for text in ("one", "two", "three"):
        cache.put(1.0, 8000, phrase(text))
    cache.get("one", 1.0, 8000)
    cache.put(1.0, 8000, phrase("four"))
    assert cache.get("two", 1.0, 8000) is None
    assert all(cache.get(text, 1.0, 8000) for text in ("one", "three", "four"))


def test_a_phrase_that_is_put_again_is_counted_once() -> None:
    cache = PhraseCache(bound_bytes=30)
    cache.put(1.0, 8000, phrase("kept"))
    for size in (5, 20, 15):
        cache.put(1.0, 8000, phrase("again", size))
    assert cache.get("kept", 1.0, 8000) is not None


def test_one_that_is_larger_than_the_cache_is_kept_alone() -> None:
    cache = PhraseCache(bound_bytes=5)
    cache.put(1.0, 8000, phrase("small", 4))
    cache.put(1.0, 8000, phrase("large", 50))
    assert cache.get("small", 1.0, 8000) is None
    assert cache.get("large", 1.0, 8000) is not None


def test_nothing_of_a_text_is_lost_when_it_is_cut_into_phrases() -> None:
    text = "Yes, we are open. On Saturday we close at four! Would you like to come by?"
    phrases = phrases_of(text)
    assert len(phrases) > 1
    assert " ".join(p.strip() for p in phrases) == text
