"""The far end's play-out: what is heard when, which marks come back."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from telephony.caller.ear import Ear
from telephony.caller.wav import pcm_to_ulaw, ulaw_to_pcm

MS = 1_000_000
ORIGIN = 5_000 * MS
TONE = pcm_to_ulaw((np.sin(np.arange(160) * np.pi / 4) * 8000).astype(np.int16))


def at(ms: float) -> int:
    return ORIGIN + round(ms * MS)


def test_media_is_heard_at_once_or_after_what_is_queued() -> None:
    ear = Ear(ORIGIN)
    ear.media(TONE, at(100))
    ear.media(TONE, at(101))
    ear.media(TONE, at(300))
    ear.advance(at(400))
    heard = ear.heard(4000)
    assert np.count_nonzero(heard[:800]) == 0
    assert np.count_nonzero(heard[800:1120]) > 200
    assert np.count_nonzero(heard[1120:2400]) == 0
    assert np.count_nonzero(heard[2400:2560]) > 100


def test_a_mark_comes_back_when_its_audio_has_been_heard() -> None:
    ear = Ear(ORIGIN)
    ear.media(TONE * 5, at(0))
    assert ear.mark("a", at(1)) == []
    ear.media(TONE, at(2))
    assert ear.mark("b", at(2)) == []
    assert ear.next_mark_ns == at(100)
    assert ear.advance(at(99.8)) == []
    assert ear.advance(at(100)) == ["a"]
    assert ear.advance(at(500)) == ["b"]
    assert ear.next_mark_ns is None


def test_a_mark_with_nothing_queued_comes_back_at_once() -> None:
    ear = Ear(ORIGIN)
    assert ear.mark("a", at(5)) == ["a"]


def test_clear_silences_at_once_and_returns_every_mark() -> None:
    ear = Ear(ORIGIN)
    ear.media(TONE * 50, at(0))
    ear.mark("a", at(1))
    ear.mark("b", at(1))
    assert ear.clear(at(200)) == ["a", "b"]
    assert ear.cut_at == [1600]
    assert ear.heard_samples == 1600
    ear.media(TONE, at(300))
    ear.advance(at(2000))
    assert ear.heard_samples == 1760
    assert np.count_nonzero(ear.heard(8000)[1600:2400]) == 0
    assert np.count_nonzero(ear.heard(8000)[2560:]) == 0
    assert np.count_nonzero(ear.heard(8000)[2400:2560]) > 100


def test_onsets_need_quiet_before_them() -> None:
    ear = Ear(ORIGIN)
    ear.media(TONE * 5, at(0))
    ear.media(TONE * 5, at(200))
    ear.media(TONE * 5, at(600))
    ear.advance(at(1000))
    ear.hear(50)
    assert ear.onsets == [0, 30]
    assert ear.last_audible_frame == 34
    assert ear.empty_since_frame == 35


def test_it_is_not_empty_while_something_plays() -> None:
    ear = Ear(ORIGIN)
    ear.media(TONE * 5, at(0))
    ear.advance(at(60))
    assert ear.empty_since_frame is None
    ear.advance(at(100))
    assert ear.empty_since_frame == 5


@given(st.lists(st.tuples(st.integers(0, 400), st.sampled_from(["media", "clear", "mark"])), max_size=60))
def test_nothing_is_lost_or_doubled(steps: list[tuple[int, str]]) -> None:
    ear, now, sent, back = Ear(ORIGIN), 0, [], []
    for gap, kind in steps:
        now += gap
        back += ear.advance(at(now))
        if kind == "media":
            ear.media(TONE, at(now))
        elif kind == "clear":
            back += ear.clear(at(now))
        else:
            sent.append(str(len(sent)))
            back += ear.mark(sent[-1], at(now))
    back += ear.advance(at(now + 100_000))
    assert back == sent
    assert ear.received_samples == 160 * sum(kind == "media" for _, kind in steps)
    heard = np.count_nonzero(ear.heard(1_000_000))
    assert heard == ear.heard_samples * np.count_nonzero(ulaw_to_pcm(TONE)) / 160 or any(kind == "clear" for _, kind in steps)
    assert heard <= ear.heard_samples <= ear.received_samples
