"""Was it Twilio who asked? X-Twilio-Signature, also behind a proxy that ends TLS.

Twilio signs the URL that it was given, with the form's fields behind it (Twilio, "Webhooks security"), so what counts is the address
in front of the proxy: the public URL, not what this server sees. The upgrade of a media stream is signed over its wss URL.
"""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from starlette.datastructures import FormData
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

HEADER = "x-twilio-signature"


class Signature:
    """Validates against one auth token."""

    def __init__(self, auth_token: str) -> None:
        self._validator = RequestValidator(auth_token)

    def valid(self, url: str, form: FormData, signature: str) -> bool:
        """`url` is the full public URL, query included; `form` the POST's fields."""
        try:
            return bool(signature) and bool(self._validator.validate(url, form, signature))
        except ValueError:  # a Host header with a port that is none, a lone surrogate in the path
            return False

    def valid_upgrade(self, url: str, signature: str) -> bool:
        """The same for a WebSocket's upgrade. With and without a last slash: which of them is signed is not certain."""
        parts = urlsplit(url)
        bare, slashed = (urlunsplit(parts._replace(path=path)) for path in (parts.path.rstrip("/"), parts.path.rstrip("/") + "/"))
        return self.valid(bare, FormData(), signature) or self.valid(slashed, FormData(), signature)


def websocket_url(url: str) -> str:
    """https:// to wss://, http:// to ws://."""
    return "ws" + url.removeprefix("http") if url.startswith("http") else url
