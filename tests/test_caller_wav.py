"""Audio files in and out of a replay."""

import struct
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.caller.wav import AudioFileError, pcm_to_ulaw, read_audio, ulaw_to_pcm, write_stereo, write_ulaw_wav


@given(st.binary(max_size=400))
def test_every_ulaw_byte_but_minus_zero_survives_a_round_trip(payload: bytes) -> None:
    # 0x7f is "minus zero": it decodes to 0, whose code is 0xff.
    assert pcm_to_ulaw(ulaw_to_pcm(payload)) == payload.replace(b"\x7f", b"\xff")


@pytest.mark.parametrize("length", [0, 1, 160, 161])
def test_a_ulaw_wav_reads_back(tmp_path: Path, length: int) -> None:
    pcm = ulaw_to_pcm(bytes(n % 127 for n in range(length)))
    write_ulaw_wav(tmp_path / "a.wav", pcm)
    assert np.array_equal(read_audio(tmp_path / "a.wav"), pcm)


def test_a_raw_ulaw_file_reads(tmp_path: Path) -> None:
    (tmp_path / "a.ulaw").write_bytes(b"\xff\x00\x80")
    assert read_audio(tmp_path / "a.ulaw").tolist() == [0, -32124, 32124]


def test_pcm16_at_another_rate_and_in_stereo_becomes_8_khz_mono(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    sound = (np.sin(np.arange(48000) * 2 * np.pi * 440 / 48000) * 10000).astype("<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(48000)
        out.writeframes(np.repeat(sound, 2).tobytes())
    pcm = read_audio(path)
    assert abs(len(pcm) - 8000) <= 1
    crossings = np.count_nonzero((pcm[1:-1] >= 0) != (pcm[2:] >= 0))
    assert abs(crossings - 880) < 10


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"ID3 an mp3", "not a WAV"),
        (b"RIFF\x04\0\0\0WAVE", "without a format"),
        (b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0" + struct.pack("<HHIIHH", 6, 1, 8000, 8000, 1, 8) + b"data\x02\0\0\0ab", "format 6"),
        (b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0" + struct.pack("<HHIIHH", 1, 0, 8000, 8000, 1, 16) + b"data\x02\0\0\0ab", "0 channels"),
    ],
)
def test_what_is_not_playable_is_refused_with_a_reason(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "bad.wav"
    path.write_bytes(data)
    with pytest.raises(AudioFileError, match=said) as caught:
        read_audio(path)
    assert "bad.wav" in str(caught.value)


def test_stereo_keeps_both_sides_on_one_timeline(tmp_path: Path) -> None:
    write_stereo(tmp_path / "s.wav", np.array([1, 2, 3], np.int16), np.array([7], np.int16))
    with wave.open(str(tmp_path / "s.wav")) as read:
        assert (read.getnchannels(), read.getframerate(), read.getsampwidth()) == (2, 8000, 2)
        assert np.frombuffer(read.readframes(9), "<i2").tolist() == [1, 7, 2, 0, 3, 0]
