"""The bot's side of a recording: where what was given to the leg is heard, and what a flush takes out again."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.heard_track import HeardTrack
from pipeline.leg import Pcm


def sound(samples: int, level: int = 7) -> Pcm:
    return np.full(samples, level, np.int16)


def test_what_is_given_is_heard_at_once_and_in_one_piece() -> None:
    track = HeardTrack()
    track.play(sound(100, 1), 50)
    track.play(sound(100, 2), 60)
    heard = track.read(0, 300)
    assert heard.tolist() == [0] * 50 + [1] * 100 + [2] * 100 + [0] * 50


def test_after_a_pause_it_is_heard_when_it_is_given() -> None:
    track = HeardTrack()
    track.play(sound(10, 1), 0)
    track.play(sound(10, 2), 30)
    assert track.free_from(0) == 40
    assert track.read(0, 40).tolist() == [1] * 10 + [0] * 20 + [2] * 10


def test_a_flush_takes_out_what_the_ear_did_not_hear() -> None:
    track = HeardTrack()
    track.play(sound(100, 1), 0)
    track.play(sound(100, 2), 0)
    track.silenced(130)
    track.play(sound(70, 3), 160)  # it goes on with what was cut
    assert track.read(0, 250).tolist() == [1] * 100 + [2] * 30 + [0] * 30 + [3] * 70 + [0] * 20


def test_a_second_cut_counts_what_was_dropped_by_the_first() -> None:
    track = HeardTrack()
    track.play(sound(100, 1), 0)
    track.silenced(40)
    track.play(sound(100, 2), 50)  # the bot's samples 100 to 200
    track.silenced(110)
    assert track.read(0, 200).tolist() == [1] * 40 + [0] * 10 + [2] * 10 + [0] * 140


def test_a_cut_before_anything_was_heard_leaves_nothing() -> None:
    track = HeardTrack()
    track.play(sound(100), 0)
    track.silenced(0)
    assert not track.read(0, 100).any()
    assert track.free_from(5) == 5


@given(
    st.lists(st.tuples(st.integers(1, 50), st.integers(0, 80)), max_size=12),
    st.lists(st.integers(1, 60), min_size=1, max_size=30),
)
def test_it_does_not_matter_in_which_steps_it_is_read(pieces: list[tuple[int, int]], steps: list[int]) -> None:
    whole, stepwise, at = HeardTrack(), HeardTrack(), 0
    for level, (samples, pause) in enumerate(pieces, 1):
        at += pause
        for track in (whole, stepwise):
            track.play(sound(samples, level), at)
    read, done = [], 0
    for step in steps:
        read.append(stepwise.read(done, done + step))
        done += step
    assert np.concatenate(read).tolist() == whole.read(0, done).tolist()
