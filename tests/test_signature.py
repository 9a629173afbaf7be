"""Signatures, computed here from Twilio's description rather than by the library under test."""

from __future__ import annotations

import base64
import hashlib
import hmac

from starlette.datastructures import FormData

from telephony.signature import Signature, websocket_url

TOKEN = "12345"


def sign(url: str, form: dict[str, str] | None = None) -> str:
    text = url + "".join(k + v for k, v in sorted((form or {}).items()))
    return base64.b64encode(hmac.new(TOKEN.encode(), text.encode(), hashlib.sha1).digest()).decode()


def test_webhook() -> None:
    form = {"CallSid": "CA1", "From": "+15551234", "Empty": ""}
    url = "https://bot.example.com/twilio/voice?a=1"
    signature = Signature(TOKEN)
    assert signature.valid(url, FormData(form), sign(url, form))
    assert signature.valid(url, FormData(form), sign("https://bot.example.com:443/twilio/voice?a=1", form))
    assert not signature.valid(url, FormData({**form, "From": "+1"}), sign(url, form))
    assert not signature.valid(url.replace("a=1", "a=2"), FormData(form), sign(url, form))
    assert not signature.valid(url, FormData(form), "")
    assert not Signature("other").valid(url, FormData(form), sign(url, form))


def test_upgrade_with_or_without_slash() -> None:
    url = websocket_url("https://bot.example.com/twilio/stream")
    assert url == "wss://bot.example.com/twilio/stream"
    signature = Signature(TOKEN)
    assert signature.valid_upgrade(url, sign(url))
    assert signature.valid_upgrade(url, sign(url + "/"))
    assert not signature.valid_upgrade(url, sign("https://bot.example.com/twilio/stream"))
    assert websocket_url("http://127.0.0.1:1/x") == "ws://127.0.0.1:1/x"


def test_a_url_that_is_none_is_just_wrong() -> None:
    signature = Signature(TOKEN)
    assert not signature.valid("http://host:port/twilio/voice", FormData(), sign("x"))
    assert not signature.valid("http://host/\udcff", FormData(), sign("x"))
    assert not signature.valid("http://host/", FormData(), "µ")
