"""What can be heard, and from where to where."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.audibility import audible_frames, audible_runs, first_audible, last_audible


def tone(samples: int, rms: float) -> np.ndarray:
    return (np.sin(np.arange(samples) * 2 * np.pi / 8) * rms * np.sqrt(2)).round().astype(np.int16)


def test_the_threshold_is_an_rms_of_200() -> None:
    assert not audible_frames(tone(160, 190)).any()
    assert audible_frames(tone(160, 210)).all()


def test_silence_has_neither_first_nor_last() -> None:
    silence = np.zeros(1000, dtype=np.int16)
    assert first_audible(silence) is None
    assert last_audible(silence) is None
    assert first_audible(silence[:0]) is None
    assert audible_runs(silence) == []


@given(before=st.integers(0, 50), length=st.integers(1, 50), after=st.integers(0, 50), rate=st.sampled_from([8000, 16000, 24000]))
def test_first_and_last_enclose_the_sound(before: int, length: int, after: int, rate: int) -> None:
    frame = rate // 50
    pcm = np.concatenate((np.zeros(before * frame, np.int16), tone(length * frame, 3000), np.zeros(after * frame, np.int16)))
    assert first_audible(pcm, rate) == before * frame
    assert last_audible(pcm, rate) == (before + length) * frame


def test_a_sound_in_the_last_part_of_a_frame_counts() -> None:
    pcm = np.concatenate((np.zeros(160, np.int16), tone(40, 3000)))
    assert first_audible(pcm) == 160
    assert last_audible(pcm) == 200


def test_runs_are_parted_by_long_pauses_only() -> None:
    pause, long_pause = np.zeros(800, np.int16), np.zeros(3200, np.int16)
    sound = tone(1600, 2000)
    assert audible_runs(np.concatenate((sound, pause, sound, long_pause, sound)), gap_ms=200) == [(0, 4000), (7200, 8800)]
