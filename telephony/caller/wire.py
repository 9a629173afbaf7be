"""Twilio's side of the stream protocol, as JSON text: what the far end writes, with its running sequence number. Pure.

https://www.twilio.com/docs/voice/media-streams/websocket-messages
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from pipeline.audibility import FRAME_MS
from pipeline.leg import Pcm

from .wav import pcm_to_ulaw
from .webhook import ACCOUNT_SID


class FarEnd:
    """Writes one stream's messages in order."""

    def __init__(self, call_sid: str, stream_sid: str) -> None:
        """Ids as Twilio would draw them."""
        self._call_sid = call_sid
        self._stream_sid = stream_sid
        self._sequence = 0
        self._chunk = 0

    @staticmethod
    def connected() -> str:
        """The first message: it has no sequence number."""
        return json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"})

    def start(self, parameters: Mapping[str, str]) -> str:
        """Names the stream and hands over the TwiML's parameters."""
        return self._message(
            "start",
            {
                "accountSid": ACCOUNT_SID,
                "streamSid": self._stream_sid,
                "callSid": self._call_sid,
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": dict(parameters),
            },
        )

    def media(self, pcm: Pcm) -> str:
        """The next 20 ms of the caller (160 samples at 8 kHz)."""
        self._chunk += 1
        payload = base64.b64encode(pcm_to_ulaw(pcm)).decode("ascii")
        timestamp = str((self._chunk - 1) * FRAME_MS)
        return self._message("media", {"track": "inbound", "chunk": str(self._chunk), "timestamp": timestamp, "payload": payload})

    def dtmf(self, digit: str) -> str:
        """A key was pressed."""
        return self._message("dtmf", {"track": "inbound_track", "digit": digit})

    def mark(self, name: str) -> str:
        """A mark of the bot's was reached, or cleared."""
        return self._message("mark", {"name": name})

    def again(self, event: str, body: Mapping[str, Any]) -> str:
        """A message of another stream as one of this."""
        return self._message(event, body)

    def stop(self) -> str:
        """The call is over."""
        return self._message("stop", {"accountSid": ACCOUNT_SID, "callSid": self._call_sid})

    def _message(self, event: str, body: Mapping[str, Any]) -> str:
        self._sequence += 1
        return json.dumps({"event": event, "sequenceNumber": str(self._sequence), event: body, "streamSid": self._stream_sid})
