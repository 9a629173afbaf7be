"""Gaps, duplicates and payloads of any length on the caller's line of samples."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from telephony.caller_timeline import CallerFrame, CallerTimeline

FRAME = bytes(range(160))
SILENCE = b"\xff"


def joined(frames: list[CallerFrame]) -> bytes:
    """The frames' audio; they must follow each other without a hole."""
    assert all(b.first_sample - a.first_sample == 160 for a, b in pairwise(frames))
    assert all(len(f.payload) == 160 for f in frames)
    return b"".join(f.payload for f in frames)


def test_starts_at_zero_wherever_the_timestamps_do() -> None:
    assert CallerTimeline().place(4, 1240, FRAME) == [CallerFrame(0, FRAME)]


def test_a_lost_frame_is_silence() -> None:
    line = CallerTimeline()
    frames = line.place(1, 0, FRAME) + line.place(3, 40, FRAME)
    assert joined(frames) == FRAME + SILENCE * 160 + FRAME
    assert line.filled_samples == 160


def test_a_gap_without_missing_chunks_is_filled_too() -> None:
    line = CallerTimeline()
    assert joined(line.place(1, 0, FRAME) + line.place(2, 100, FRAME)) == FRAME + SILENCE * 640 + FRAME


def test_a_wandering_sender_clock_is_no_gap() -> None:
    line = CallerTimeline()
    frames = [f for i in range(200) for f in line.place(i + 1, i * 20 + (i * 7) % 15, FRAME)]
    assert joined(frames) == FRAME * 200
    assert line.filled_samples == 0


def test_long_gaps_are_capped_and_the_line_goes_on() -> None:
    line = CallerTimeline()
    frames = line.place(1, 0, FRAME) + line.place(2, 60_020, FRAME) + line.place(3, 60_040, FRAME)
    assert joined(frames) == FRAME + SILENCE * 16_000 + FRAME * 2
    assert line.resyncs == 1


def test_duplicates_and_latecomers_are_dropped() -> None:
    line = CallerTimeline()
    frames = line.place(1, 0, FRAME) + line.place(3, 40, FRAME)
    assert line.place(3, 40, FRAME) + line.place(2, 20, FRAME) + line.place(None, 40, FRAME) == []
    assert line.duplicates == 3
    assert joined(frames + line.place(4, 60, FRAME)) == FRAME + SILENCE * 160 + FRAME * 2


@given(lengths=st.lists(st.integers(1, 900), min_size=1, max_size=30))
def test_payloads_of_any_length_are_carried(lengths: list[int]) -> None:
    line = CallerTimeline()
    sent = b""
    frames: list[CallerFrame] = []
    for chunk, length in enumerate(lengths):
        payload = bytes((len(sent) + i) % 251 for i in range(length))
        frames += line.place(chunk + 1, len(sent) // 8 + chunk, payload)
        sent += payload
    assert joined(frames) == sent[: len(sent) // 160 * 160]
