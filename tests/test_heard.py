"""What was heard, in words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.heard import heard_words

TEXT = "We are open from nine, to six."


def test_nothing_all_and_half() -> None:
    assert heard_words(TEXT, 8000, 0) == ""
    assert heard_words(TEXT, 8000, 8000) == TEXT
    assert heard_words("one two", 8000, 4100) == "one"


def test_the_silence_at_the_end_holds_no_words() -> None:
    assert heard_words(TEXT, 8000, 6000, tail=2000) == TEXT
    assert heard_words("one two", 8000, 2100, tail=4000) == "one"


def test_no_words() -> None:
    assert heard_words("", 8000, 100) == ""
    assert heard_words(" … ", 8000, 100) in ("", " …")


@given(
    st.lists(st.sampled_from(["a", "seven,", "eleven", "o'clock", "—", "Straße."]), min_size=1),
    st.integers(1, 9000),
    st.integers(0, 9000),
)
def test_more_samples_are_never_fewer_words(words: list[str], one: int, other: int) -> None:
    text = " ".join(words)
    less, more = (heard_words(text, 9000, n, tail=500) for n in sorted((one, other)))
    assert more.startswith(less)
    assert text.startswith(more)
