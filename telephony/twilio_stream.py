"""Twilio Media Streams, bidirectional: the pure codec between WebSocket messages and events.

Follows Twilio, "Media Streams: WebSocket Messages" (connected, start, media, dtmf, mark, stop in; media, mark, clear out; numbers
are sent as strings). What happens to bad input is one rule, spelled out in docs/twilio.md: what breaks the transport or comes
before `start` ends the stream; after it a bad message is ignored and counted, until there are too many.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from telephony.caller_timeline import CallerFrame, CallerTimeline

MAX_MESSAGE_BYTES: Final = 64 * 1024
MAX_PARAMETERS: Final = 64
MAX_PARAMETER_CHARS: Final = 1024
RATE_HZ: Final = 8000

# RFC 6455, 7.4.1
POLICY_VIOLATION: Final = 1008
UNSUPPORTED_DATA: Final = 1003
TOO_BIG: Final = 1009

# An ignored message costs 10, a good one forgives 1: a stream ends after 100 bad messages in a row, and a carrier that adds a new kind
# of event to every second of a long call is tolerated.
_COST = 10
_LIMIT = 100 * _COST

_SID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NUMBER = re.compile(r"[0-9]{1,15}")
_DIGITS = frozenset("0123456789*#ABCD")


@dataclass(frozen=True, slots=True)
class Connected:
    """The socket is up; `protocol` is `Call`."""

    protocol: str
    version: str


@dataclass(frozen=True, slots=True)
class StreamStarted:
    """`start`: whose stream this is. `parameters` are the TwiML's <Parameter>s."""

    call_sid: str
    stream_sid: str
    account_sid: str
    parameters: Mapping[str, str]
    encoding: str
    rate_hz: int


@dataclass(frozen=True, slots=True)
class Media:
    """One media message; `frames` are the whole 20 ms frames which it completed on the caller's timeline."""

    sequence: int | None
    chunk: int | None
    timestamp_ms: int
    frames: tuple[CallerFrame, ...]


@dataclass(frozen=True, slots=True)
class Dtmf:
    """A key was pressed: 0-9, *, #, A-D."""

    digit: str


@dataclass(frozen=True, slots=True)
class MarkReturned:
    """A mark of ours came back: its audio was played, or cleared."""

    name: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """The stream is over: the call ended, or moved on."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """A message that changes nothing; `reason` is one of a fixed set, fit for a metric's label."""

    reason: str


@dataclass(frozen=True, slots=True)
class Violation:
    """The stream must be closed with `close_code` (RFC 6455, 7.4.1); nothing is decoded after it."""

    reason: str
    close_code: int


StreamEvent = Connected | StreamStarted | Media | Dtmf | MarkReturned | Stopped | Ignored | Violation


class _BadMessageError(Exception):
    """A message that is not what its event name says; the text is the reason."""


class TwilioStream:
    """The codec of one stream. `receive` never raises, whatever it is given."""

    def __init__(self) -> None:
        self._stream_sid = ""
        self._over = False
        self._strain = 0
        self._timeline = CallerTimeline()
        self._media_head = ""
        self.ignored: Counter[str] = Counter()

    @property
    def stream_sid(self) -> str:
        """Empty before `start`."""
        return self._stream_sid

    @property
    def timeline(self) -> CallerTimeline:
        """The caller's samples so far, and what was filled or dropped."""
        return self._timeline

    def receive(self, message: str | bytes) -> list[StreamEvent]:
        """What one WebSocket message means. Bytes are a binary frame, which Twilio never sends."""
        if self._over:
            return [Ignored("after_end")]
        if isinstance(message, bytes):
            return [self._violation("binary_frame", UNSUPPORTED_DATA)]
        if len(message) > MAX_MESSAGE_BYTES:
            return [self._violation("too_big", TOO_BIG)]
        try:
            event = self._decode(message)
        except _BadMessageError as bad:
            event = self._reject(str(bad))
        if not isinstance(event, Ignored | Violation):
            self._strain = max(0, self._strain - 1)
        return [event]

    def media(self, payload: bytes) -> str:
        """20 ms (or any length) of µ-law for the caller, without a file header."""
        return f'{self._media_head}{base64.b64encode(payload).decode("ascii")}"}}}}'

    def mark(self, name: str) -> str:
        """Ask for `name` back when all media before it has been played, or cleared."""
        return json.dumps({"event": "mark", "streamSid": self._stream_sid, "mark": {"name": name}})

    def clear(self) -> str:
        """Drop what Twilio has buffered; its marks come back at once."""
        return json.dumps({"event": "clear", "streamSid": self._stream_sid})

    def _decode(self, message: str) -> StreamEvent:
        try:
            parsed = json.loads(message)
        except (ValueError, RecursionError):  # RecursionError: 64 KiB of "["
            raise _BadMessageError("malformed_json") from None
        if not isinstance(parsed, dict):
            raise _BadMessageError("not_an_object")
        event = parsed.get("event")
        match event:
            case "connected":
                return Connected(_text(parsed, "protocol"), _text(parsed, "version"))
            case "start":
                return self._start(parsed)
            case "media" | "dtmf" | "mark" | "stop":
                if not self._stream_sid:
                    return self._violation(f"{event}_before_start", POLICY_VIOLATION)
                if parsed.get("streamSid") != self._stream_sid:
                    raise _BadMessageError("wrong_stream_sid")
                return self._started(event, parsed)
            case _:
                # Twilio may add events: never a reason to end the stream on its own.
                return self._ignore("unknown_event")

    def _started(self, event: str, parsed: dict[str, Any]) -> StreamEvent:
        if event == "stop":
            self._over = True
            return Stopped()
        body = parsed.get(event)
        if not isinstance(body, dict):
            raise _BadMessageError(f"bad_{event}")
        if event == "media":
            return self._media(parsed, body)
        if event == "mark":
            name = body.get("name")
            if not isinstance(name, str):
                raise _BadMessageError("bad_mark")
            return MarkReturned(name)
        digit = body.get("digit")
        if not isinstance(digit, str) or digit not in _DIGITS:
            raise _BadMessageError("bad_dtmf")
        return Dtmf(digit)

    def _start(self, parsed: dict[str, Any]) -> StreamEvent:
        if self._stream_sid:
            return self._violation("second_start", POLICY_VIOLATION)
        start = parsed.get("start")
        if not isinstance(start, dict):
            raise _BadMessageError("bad_start")
        call_sid, stream_sid, account_sid = (start.get(key) for key in ("callSid", "streamSid", "accountSid"))
        if not _is_sid(call_sid) or not _is_sid(stream_sid) or not (account_sid is None or _is_sid(account_sid)):
            raise _BadMessageError("bad_start")
        tracks = start.get("tracks", ["inbound"])
        if not isinstance(tracks, list) or "inbound" not in tracks:
            raise _BadMessageError("no_inbound_track")
        parameters = _parameters(start.get("customParameters"))
        _check_format(start.get("mediaFormat"))
        self._stream_sid = str(stream_sid)
        self._media_head = f'{{"event": "media", "streamSid": {json.dumps(self._stream_sid)}, "media": {{"payload": "'
        return StreamStarted(str(call_sid), self._stream_sid, str(account_sid or ""), parameters, "audio/x-mulaw", RATE_HZ)

    def _media(self, parsed: dict[str, Any], media: dict[str, Any]) -> StreamEvent:
        if media.get("track", "inbound") != "inbound":
            return Ignored("outbound_track")  # asked for by nobody, but legitimate: it does not strain the stream
        timestamp_ms = _number(media.get("timestamp"))
        chunk = _number(media.get("chunk"))
        payload = media.get("payload")
        if timestamp_ms is None or (chunk is None and "chunk" in media) or not isinstance(payload, str):
            raise _BadMessageError("bad_media")
        try:
            ulaw = base64.b64decode(payload, validate=True)
        except (binascii.Error, ValueError):
            raise _BadMessageError("bad_base64") from None
        if not ulaw:
            raise _BadMessageError("empty_media")
        dropped = self._timeline.duplicates
        frames = self._timeline.place(chunk, timestamp_ms, ulaw)
        if self._timeline.duplicates > dropped:
            self.ignored["duplicate_media"] += 1
            return Ignored("duplicate_media")  # the network's doing, not the peer's: it does not strain the stream
        return Media(_number(parsed.get("sequenceNumber")), chunk, timestamp_ms, tuple(frames))

    def _reject(self, reason: str) -> StreamEvent:
        """The rule: before `start` nothing is proven, so a bad message ends the stream; after it, it is ignored."""
        if not self._stream_sid:
            return self._violation(reason, UNSUPPORTED_DATA if reason == "media_format" else POLICY_VIOLATION)
        return self._ignore(reason)

    def _ignore(self, reason: str) -> StreamEvent:
        self.ignored[reason] += 1
        self._strain += _COST
        if self._strain > _LIMIT:
            return self._violation("too_many_ignored", POLICY_VIOLATION)
        return Ignored(reason)

    def _violation(self, reason: str, close_code: int) -> Violation:
        self._over = True
        return Violation(reason, close_code)


def _text(parsed: dict[str, Any], key: str) -> str:
    value = parsed.get(key, "")
    if not isinstance(value, str):
        raise _BadMessageError("bad_connected")
    return value[:64]


def _is_sid(value: object) -> bool:
    return isinstance(value, str) and _SID.fullmatch(value) is not None


def _number(value: object) -> int | None:
    """Twilio sends numbers as strings; an int is taken too."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**15:
        return value
    if isinstance(value, str) and value.isascii() and _NUMBER.fullmatch(value):
        return int(value)
    return None


def _parameters(value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > MAX_PARAMETERS:
        raise _BadMessageError("bad_parameters")
    for name, content in value.items():
        if not isinstance(content, str) or len(name) > MAX_PARAMETER_CHARS or len(content) > MAX_PARAMETER_CHARS:
            raise _BadMessageError("bad_parameters")
    return dict(value)


def _check_format(value: object) -> None:
    """Only what Twilio has ever sent: {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}."""
    if (
        not isinstance(value, dict)
        or value.get("encoding") != "audio/x-mulaw"
        or _number(value.get("sampleRate")) != RATE_HZ
        or _number(value.get("channels", 1)) != 1
    ):
        raise _BadMessageError("media_format")
