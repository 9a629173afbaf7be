"""Twilio's HTTP side: TwiML read, signatures made, refusals named."""

import http.server
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from twilio.request_validator import RequestValidator
from twilio.twiml.voice_response import Connect, VoiceResponse

from telephony.caller.webhook import GatewayRefusedError, Webhook, new_call_sid, signature


@dataclass
class Gateway:
    url: str = ""
    status: int = 200
    body: str = ""
    seen: list[tuple[str, str, str]] = field(default_factory=list)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    state = Gateway()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["Content-Length"])).decode()
            state.seen.append((self.path, form, self.headers.get("X-Twilio-Signature", "")))
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            self.send_response(state.status)
            self.end_headers()
            self.wfile.write(state.body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        state.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield state
        server.shutdown()
        thread.join()


def twiml(url: str) -> str:
    response, connect = VoiceResponse(), Connect(action="https://bot.example/twilio/next?a=1")
    connect.stream(url=url).parameter(name="token", value="t&1")
    response.append(connect)
    return str(response)


def test_the_stream_is_read_from_what_twilios_library_writes(gateway: Gateway) -> None:
    gateway.body = twiml("wss://bot.example/twilio/stream")
    target = Webhook(gateway.url).voice({"CallSid": "CA1"})
    assert target.url == "wss://bot.example/twilio/stream"
    assert target.parameters == {"token": "t&1"}
    assert Webhook(gateway.url).next({"CallSid": "CA1"}, target.action)
    assert [path for path, _, _ in gateway.seen] == ["/twilio/voice", "/twilio/next?a=1"]


def test_a_local_gateway_is_reached_without_tls(gateway: Gateway) -> None:
    gateway.body = twiml(gateway.url.replace("http", "wss") + "/twilio/stream")
    assert Webhook(gateway.url).voice({}).url == gateway.url.replace("http", "ws") + "/twilio/stream"


def test_requests_are_signed_for_the_public_address(gateway: Gateway) -> None:
    gateway.body = twiml("wss://bot.example/twilio/stream")
    form = {"CallSid": "CA1", "To": "+15550100", "From": "é"}
    webhook = Webhook(gateway.url, "secret", "https://bot.example/")
    webhook.voice(form)
    made = gateway.seen[0][2]
    assert RequestValidator("secret").validate("https://bot.example/twilio/voice", form, made)
    headers = webhook.stream_headers("wss://bot.example/twilio/stream")
    assert headers == {"X-Twilio-Signature": signature("secret", "wss://bot.example/twilio/stream", {})}
    assert Webhook(gateway.url).stream_headers("wss://bot.example/twilio/stream") == {}


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (403, "no token", "answered 403: no token"),
        (200, "hello", "no TwiML"),
        (200, "<Response><Hangup/></Response>", "no stream"),
        (200, "<Response><Connect><Stream/></Connect></Response>", "no stream"),
    ],
)
def test_a_refusal_says_what_was_answered(gateway: Gateway, status: int, body: str, said: str) -> None:
    gateway.status, gateway.body = status, body
    with pytest.raises(GatewayRefusedError, match=said):
        Webhook(gateway.url).voice({"CallSid": "CA1"})


def test_a_trace_that_is_not_told_is_none(gateway: Gateway) -> None:
    gateway.body = '{"version": 1}'
    assert Webhook(gateway.url).trace("CA1") == {"version": 1}
    gateway.body = "not json"
    assert Webhook(gateway.url).trace("CA1") is None
    gateway.status = 404
    assert Webhook(gateway.url).trace("CA1") is None


def test_only_http_addresses_are_opened() -> None:
    with pytest.raises(ValueError, match="http"):
        Webhook("file:///etc/passwd")


def test_call_sids_look_like_twilios_and_differ() -> None:
    one, two = new_call_sid(), new_call_sid()
    assert len(one) == 34
    assert one.startswith("CA")
    assert set(one[2:]) <= set("0123456789abcdef")
    assert one != two


def test_a_gateway_that_dies_while_it_answers_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def die() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(1)
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing resets the connection

        thread = threading.Thread(target=die)
        thread.start()
        with pytest.raises(GatewayRefusedError, match="cannot be reached"):
            Webhook(f"http://127.0.0.1:{listener.getsockname()[1]}").next({"CallSid": "CA1"}, None)
        thread.join()
