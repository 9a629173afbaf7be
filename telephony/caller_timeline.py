"""The caller's timeline: media messages with timestamps in, whole 20 ms frames counted in samples out.

Gaps are filled with silence, duplicates and latecomers dropped, so that sample n is always n/8000 s after the caller's first sample.
"""

from __future__ import annotations

from dataclasses import dataclass

FRAME_SAMPLES = 160
SAMPLES_PER_MS = 8
ULAW_SILENCE = b"\xff"

GAP_CAP_MS = 2000
# Twilio's timestamps count media, but a sender that stamps by its own clock wanders a little: only a step of a lost frame or more is
# a gap where the chunk number says that something is missing, of two frames where it does not.
_MISSING_MS = 20
_WANDER_MS = 40


@dataclass(frozen=True, slots=True)
class CallerFrame:
    """20 ms of the caller: 160 µ-law samples; `first_sample` counts on the caller's timeline at 8000 Hz."""

    first_sample: int
    payload: bytes


class CallerTimeline:
    """Places payloads of any length on one line of samples and cuts it into frames."""

    def __init__(self) -> None:
        self._origin_ms = 0
        self._placed = 0  # samples on the line, the carried rest included
        self._rest = b""
        self._last_ms = -1
        self._last_chunk = 0
        self.duplicates = 0
        self.filled_samples = 0
        self.resyncs = 0

    def place(self, chunk: int | None, timestamp_ms: int, payload: bytes) -> list[CallerFrame]:
        """The frames completed by this payload. A gap over 2 s is filled with 2 s only; the line then goes on from there."""
        first = self._last_ms < 0
        if not first and (timestamp_ms <= self._last_ms or (chunk is not None and chunk <= self._last_chunk)):
            self.duplicates += 1
            return []
        if first:
            self._origin_ms = timestamp_ms
        skipped = chunk is not None and self._last_chunk > 0 and chunk > self._last_chunk + 1
        gap_ms = timestamp_ms - self._origin_ms - self._placed // SAMPLES_PER_MS
        if gap_ms >= (_MISSING_MS if skipped else _WANDER_MS):
            if gap_ms > GAP_CAP_MS:
                self._origin_ms += gap_ms - GAP_CAP_MS
                self.resyncs += 1
                gap_ms = GAP_CAP_MS
            payload = ULAW_SILENCE * (gap_ms * SAMPLES_PER_MS) + payload
            self.filled_samples += gap_ms * SAMPLES_PER_MS
        self._last_ms = timestamp_ms
        self._last_chunk = chunk if chunk is not None else self._last_chunk
        return self._cut(payload)

    def _cut(self, payload: bytes) -> list[CallerFrame]:
        line = self._rest + payload
        at = self._placed - len(self._rest)
        self._placed += len(payload)
        whole = len(line) - len(line) % FRAME_SAMPLES
        self._rest = line[whole:]
        return [CallerFrame(at + i, line[i : i + FRAME_SAMPLES]) for i in range(0, whole, FRAME_SAMPLES)]
