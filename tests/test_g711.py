"""µ-law there and back (ITU-T G.711)."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from telephony.g711 import decode, encode


@given(st.binary(max_size=400))
def test_every_byte_comes_back(payload: bytes) -> None:
    # 0x7F is negative zero: it comes back as zero.
    assert encode(decode(payload)) == payload.replace(b"\x7f", b"\xff")


@given(st.lists(st.integers(-32768, 32767), max_size=200))
def test_a_sample_comes_back_within_its_step(samples: list[int]) -> None:
    pcm = np.array(samples, np.int16)
    back = decode(encode(pcm)).astype(int)
    clipped = np.clip(pcm.astype(int), -32635, 32635)
    assert (np.abs(back - clipped) <= np.abs(clipped) / 16 + 8).all()


def test_known_values() -> None:
    assert encode(np.array([0, 32767, -32768], np.int16)) == b"\xff\x80\x00"
    assert list(decode(b"\xff\x80\x00")) == [0, 32124, -32124]


def test_a_slice_with_gaps_is_encoded_as_it_reads() -> None:
    pcm = np.arange(0, 4000, 10, dtype=np.int16)
    assert encode(pcm[::2]) == encode(pcm[::2].copy())
