"""Audio files at the edge of a replay: WAV in PCM16 or µ-law at any rate in, 8 kHz out; stereo WAV of a call.

The standard library's `wave` refuses µ-law (format tag 7 of RFC 2361), which is what recorded calls are kept in.
"""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import numpy as np
import soxr

from pipeline.leg import Pcm
from telephony.g711 import decode, encode

RATE_HZ = 8000
_PCM, _MULAW, _EXTENSIBLE = 1, 7, 0xFFFE


class AudioFileError(ValueError):
    """The file is not audio that can be played into a call; the text names the file and what is wrong."""


def ulaw_to_pcm(payload: bytes) -> Pcm:
    """G.711 µ-law bytes to int16, one sample a byte."""
    return decode(payload)


def pcm_to_ulaw(pcm: Pcm) -> bytes:
    """int16 to G.711 µ-law, one byte a sample."""
    return encode(pcm)


def read_audio(path: Path) -> Pcm:
    """int16 mono at 8 kHz from a WAV (PCM16 or µ-law, any rate, channels mixed) or a raw 8 kHz `.ulaw` file.

    Raises `AudioFileError` for anything else.
    """
    data = path.read_bytes()
    if path.suffix == ".ulaw":
        return ulaw_to_pcm(data)
    tag, channels, rate_hz, body = _parse_riff(data, path)
    pcm = ulaw_to_pcm(body) if tag == _MULAW else np.frombuffer(body[: len(body) // 2 * 2], dtype="<i2").astype(np.int16)
    if channels > 1:
        frames = pcm[: len(pcm) // channels * channels].reshape(-1, channels).astype(np.float64)
        pcm = np.round(frames.mean(axis=1)).astype(np.int16)
    if rate_hz != RATE_HZ:
        pcm = np.asarray(soxr.resample(pcm, rate_hz, RATE_HZ), dtype=np.int16)
    return pcm


def _parse_riff(data: bytes, path: Path) -> tuple[int, int, int, bytes]:
    """Format tag, channels, rate in Hz and sample bytes of a RIFF/WAVE file."""
    if len(data) < 12 or data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise AudioFileError(f"{path}: not a WAV file")
    at, header, body = 12, b"", None
    while at + 8 <= len(data):
        name, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        chunk = data[at + 8 : at + 8 + size]
        if name == b"fmt ":
            header = chunk
        elif name == b"data":
            body = chunk
        at += 8 + size + size % 2
    if len(header) < 16 or body is None:
        raise AudioFileError(f"{path}: WAV without a format or data chunk")
    tag, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", header)
    if tag == _EXTENSIBLE and len(header) >= 26:
        tag = struct.unpack_from("<H", header, 24)[0]
    if (tag, bits) not in {(_PCM, 16), (_MULAW, 8)}:
        raise AudioFileError(f"{path}: WAV format {tag} with {bits} bits; 16-bit PCM or µ-law is wanted")
    if channels < 1 or rate_hz < 1:
        raise AudioFileError(f"{path}: WAV with {channels} channels at {rate_hz} Hz")
    return tag, channels, rate_hz, body


def write_ulaw_wav(path: Path, pcm: Pcm) -> None:
    """8 kHz mono WAV in µ-law: half the size of PCM16, and still played by every audio player."""
    body = pcm_to_ulaw(pcm)
    header = struct.pack("<HHIIHHH", _MULAW, 1, RATE_HZ, RATE_HZ, 1, 8, 0)
    fact = struct.pack("<I", len(body))
    pad = b"\0" * (len(body) % 2)
    chunks = b"".join(
        (
            b"WAVE",
            b"fmt " + struct.pack("<I", len(header)) + header,
            b"fact" + struct.pack("<I", len(fact)) + fact,
            b"data" + struct.pack("<I", len(body)) + body + pad,
        )
    )
    path.write_bytes(b"RIFF" + struct.pack("<I", len(chunks)) + chunks)


def write_stereo(path: Path, left: Pcm, right: Pcm) -> None:
    """8 kHz 16-bit stereo WAV; the shorter side is filled with silence, sample 0 of both is the same moment."""
    both = np.zeros((max(len(left), len(right)), 2), dtype="<i2")
    both[: len(left), 0] = left
    both[: len(right), 1] = right
    with wave.open(str(path), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(both.tobytes())
