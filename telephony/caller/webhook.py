"""Twilio's HTTP side of a call: asks the gateway what to do, reads the TwiML, and comes back when the stream is over.

Blocking: call from a thread. Only `http` and `https` are opened.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

TIMEOUT_S = 15.0
ACCOUNT_SID = "AC" + "0" * 31 + "1"


class GatewayRefusedError(RuntimeError):
    """The gateway did not take the call; the text says what it answered."""


@dataclass(frozen=True, slots=True)
class StreamTarget:
    """What the TwiML of `/twilio/voice` asks for: a stream to `url` with `parameters`, then a request to `action`."""

    url: str
    parameters: Mapping[str, str]
    action: str | None


def new_call_sid() -> str:
    """A CallSid that no other call has: `CA` and 32 hex digits."""
    return "CA" + secrets.token_hex(16)


def new_stream_sid() -> str:
    """A StreamSid: `MZ` and 32 hex digits."""
    return "MZ" + secrets.token_hex(16)


def signature(auth_token: str, url: str, form: Mapping[str, str]) -> str:
    """Twilio's signature of a request: https://www.twilio.com/docs/usage/security#validating-requests.

    Written out here, so that the gateway's library is checked against something else than itself.
    """
    signed = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(auth_token.encode(), signed.encode(), hashlib.sha1).digest()).decode("ascii")


class Webhook:
    """The gateway at `base` (scheme and host). With `auth_token` requests carry Twilio's signature for `public_url`."""

    def __init__(self, base: str, auth_token: str | None = None, public_url: str | None = None) -> None:
        """Raises ValueError for anything but http and https."""
        self._base = base.rstrip("/")
        if urllib.parse.urlsplit(self._base).scheme not in {"http", "https"}:
            raise ValueError(f"{base}: the gateway's address begins with http:// or https://")
        self._auth_token = auth_token
        self._public = (public_url or self._base).rstrip("/")

    def voice(self, form: Mapping[str, str]) -> StreamTarget:
        """POST /twilio/voice. Raises `GatewayRefusedError` when the answer is no stream."""
        return self._read_twiml(self._post("/twilio/voice", form))

    def next(self, form: Mapping[str, str], action: str | None) -> str:
        """POST to the stream's action (default /twilio/next): the TwiML that says how the call goes on."""
        path = "/twilio/next" if action is None else urllib.parse.urlsplit(action)._replace(scheme="", netloc="").geturl()
        return self._post(path, form)

    def trace(self, call_sid: str) -> dict[str, Any] | None:
        """GET /calls/{call_sid}, or None when the gateway does not tell."""
        try:
            with self._open(urllib.request.Request(f"{self._base}/calls/{call_sid}")) as answer:  # noqa: S310  (scheme checked)
                found = json.load(answer)
        except (OSError, json.JSONDecodeError):
            return None
        return found if isinstance(found, dict) else None

    def stream_headers(self, url: str) -> dict[str, str]:
        """Headers of the WebSocket handshake: Twilio signs it like a webhook without a form."""
        return {"X-Twilio-Signature": signature(self._auth_token, url, {})} if self._auth_token else {}

    def _post(self, path: str, form: Mapping[str, str]) -> str:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if self._auth_token:
            headers["X-Twilio-Signature"] = signature(self._auth_token, self._public + path, form)
        request = urllib.request.Request(self._base + path, urllib.parse.urlencode(form).encode(), headers)  # noqa: S310
        try:
            with self._open(request) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            raise GatewayRefusedError(
                f"{self._base}{path} answered {error.code}: {error.read()[:200].decode(errors='replace')}"
            ) from error
        except OSError as error:  # a gateway that dies while it answers resets the connection
            raise GatewayRefusedError(f"{self._base}{path} cannot be reached: {getattr(error, 'reason', error)}") from error

    @staticmethod
    def _open(request: urllib.request.Request) -> Any:
        return urllib.request.urlopen(request, timeout=TIMEOUT_S)  # noqa: S310

    def _read_twiml(self, twiml: str) -> StreamTarget:
        try:
            # The peer is the gateway under test, and ElementTree opens no external entities.
            root = ElementTree.fromstring(twiml)  # noqa: S314
        except ElementTree.ParseError as error:
            raise GatewayRefusedError(f"/twilio/voice answered no TwiML: {twiml[:200]}") from error
        connect = root.find("Connect")
        stream = None if connect is None else connect.find("Stream")
        if connect is None or stream is None or "url" not in stream.attrib:
            raise GatewayRefusedError(f"/twilio/voice asked for no stream: {twiml[:200]}")
        parameters = {p.attrib["name"]: p.attrib.get("value", "") for p in stream.findall("Parameter") if "name" in p.attrib}
        return StreamTarget(self._reachable(stream.attrib["url"]), parameters, connect.attrib.get("action"))

    def _reachable(self, url: str) -> str:
        """A gateway on this machine has no TLS of its own, though its TwiML says wss: Twilio speaks nothing else."""
        mine, theirs = urllib.parse.urlsplit(self._base), urllib.parse.urlsplit(url)
        if mine.scheme == "http" and theirs.scheme == "wss" and theirs.netloc == mine.netloc:
            return theirs._replace(scheme="ws").geturl()
        return url
