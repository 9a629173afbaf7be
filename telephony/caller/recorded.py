"""A caller out of a recording: the same frames and keys at the same times, whatever the bot does this time. Pure."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.audibility import FRAME_MS
from pipeline.leg import Pcm

from .line import FRAME
from .wav import pcm_to_ulaw


@dataclass(frozen=True, slots=True)
class RecordedMessage:
    """A message of the far end, `at_ms` after `start`. `body`: what stood under its event's name."""

    at_ms: float
    event: Literal["media", "dtmf", "stop"]
    body: Mapping[str, Any]


def from_wire(rows: Iterable[Mapping[str, Any]]) -> list[RecordedMessage]:
    """From a recording's wire messages: those that carry the caller's sound, keys and hanging up. Marks are the ear's own."""
    found: list[RecordedMessage] = []
    start_ms = 0.0
    for row in rows:
        message = row.get("message")
        if row.get("from") != "twilio" or not isinstance(message, Mapping):
            continue
        event = message.get("event")
        if event == "start":
            start_ms = float(row["at_ms"])
        elif event in ("media", "dtmf", "stop") and isinstance(body := message.get(event), Mapping):
            found.append(RecordedMessage(max(0.0, float(row["at_ms"]) - start_ms), event, body))
    return found


def from_audio(caller: Pcm) -> list[RecordedMessage]:
    """From a recording's left channel, int16 at 8000 Hz: on time, and without keys."""
    return [frame_message(at // FRAME, caller[at : at + FRAME]) for at in range(0, len(caller) - FRAME + 1, FRAME)]


def frame_message(frame: int, pcm: Pcm) -> RecordedMessage:
    """Frame `frame` of the caller's timeline; it leaves when its last sample has been spoken."""
    payload = base64.b64encode(pcm_to_ulaw(pcm)).decode("ascii")
    body = {"track": "inbound", "chunk": str(frame + 1), "timestamp": str(frame * FRAME_MS), "payload": payload}
    return RecordedMessage((frame + 1) * FRAME_MS, "media", body)


def next_frame(messages: Sequence[RecordedMessage]) -> int:
    """The first frame of the caller's timeline behind the recording."""
    stamps = [int(m.body.get("timestamp", 0)) for m in messages if m.event == "media"]
    return (max(stamps) // FRAME_MS + 1) if stamps else 0
