"""The HTTP side: Twilio's webhooks, the media stream's door, and what operators look at. Contract: docs/twilio.md.

Routes only: who may ask is decided in `access` and `signature`, streams are carried by `StreamIntake`, and what a call is about is
the `Reception`'s.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import assert_never
from urllib.parse import parse_qsl

import structlog
import uvicorn
from fastapi import FastAPI, Request, WebSocket
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import JSONResponse, PlainTextResponse, Response
from twilio.twiml.voice_response import Connect, VoiceResponse  # type: ignore[import-untyped]

from config.settings import Settings
from telephony.access import may_call, may_operate
from telephony.metrics import CONTENT_TYPE, Metrics
from telephony.reception import Reception
from telephony.signature import HEADER, Signature, websocket_url
from telephony.stream_intake import StreamIntake
from telephony.tokens import Tokens
from telephony.transfer import AfterCall, Dial, HangUp, Record
from telephony.twilio_stream import MAX_MESSAGE_BYTES

log = structlog.get_logger(__name__)

MAX_FORM_BYTES = 64 * 1024
MAX_FORM_FIELDS = 200
NOT_READY = "Sorry, we are not ready to take calls yet. Please call again in a minute."
NO_ROOM = "Sorry, all our lines are busy. Please call again in a few minutes."

_CALL_SID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def create_app(settings: Settings, reception: Reception, metrics: Metrics | None = None) -> FastAPI:
    """The whole gateway. `metrics` is handed in by whoever observes turns as well."""
    return Gateway(settings, reception, metrics or Metrics()).app()


def serve_config(settings: Settings, app: FastAPI) -> uvicorn.Config:
    """How uvicorn must run the app: small frames, no compression (µ-law does not compress), no faith in forwarding headers."""
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        ws="websockets-sansio",
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=20.0,
        ws_ping_timeout=20.0,
        proxy_headers=False,  # they would be taken for the peer's address, and every tunnel for loopback
        server_header=False,
        access_log=False,
        log_config=None,
        log_level=settings.log_level,
        lifespan="on",
        timeout_graceful_shutdown=5,
    )
    logging.getLogger("uvicorn.error").addFilter(_without_traceback)
    return config


def _without_traceback(record: logging.LogRecord) -> bool:
    """uvicorn logs a peer's invalid UTF-8 as if it were a fault of the server."""
    if record.msg == "Invalid UTF-8 sequence received from client.":
        record.exc_info = None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


class Gateway:
    """The routes of one process."""

    def __init__(self, settings: Settings, reception: Reception, metrics: Metrics) -> None:
        self._settings = settings
        self._reception = reception
        self._metrics = metrics
        self._tokens = Tokens(settings.token_ttl_s)
        token = settings.twilio_auth_token
        self._signature = Signature(token.get_secret_value()) if token else None
        self._intake = intake = StreamIntake(settings, reception, metrics, self._tokens)
        metrics.watch("streams_pending", "Sockets that have not sent start", lambda: intake.pending)
        metrics.watch("outbox_messages", "Messages that wait for their sockets", lambda: intake.outbox)
        metrics.watch("playout_queued_ms", "Speech that was made and is not heard yet", lambda: intake.queued_ms)

    def app(self) -> FastAPI:
        """The routes as an ASGI application; `app.state.metrics` and `app.state.intake` are for whoever runs it."""
        app = FastAPI(title="firstword", docs_url=None, redoc_url=None, openapi_url=None, lifespan=self._lifespan)
        app.state.metrics = self._metrics
        app.state.intake = self._intake
        app.add_api_route("/twilio/voice", self.voice, methods=["POST"], response_model=None)
        app.add_api_route("/twilio/next", self.next, methods=["POST"], response_model=None)
        app.add_api_websocket_route("/twilio/stream", self.stream)
        app.add_api_route("/healthz", self.healthz, methods=["GET"], response_model=None)
        app.add_api_route("/readyz", self.readyz, methods=["GET"], response_model=None)
        app.add_api_route("/metrics", self.metrics, methods=["GET"], response_model=None)
        app.add_api_route("/calls", self.calls, methods=["GET"], response_model=None)
        app.add_api_route("/calls/{call_sid}", self.call, methods=["GET"], response_model=None)
        return app

    @asynccontextmanager
    async def _lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        if self._signature is None:
            log.warning("no_twilio_auth_token", serving="everybody" if self._settings.insecure else "loopback only")
        async with asyncio.TaskGroup() as group:
            sampler = group.create_task(self._metrics.sample_loop_lag(), name="loop-lag")
            yield
            sampler.cancel()

    # Twilio

    async def voice(self, request: Request) -> Response:
        """`POST /twilio/voice`: TwiML that connects the call to our stream, with a token that only this call can use."""
        form = await self._twilio_form(request)
        if isinstance(form, Response):
            return form
        call_sid = str(form["CallSid"])
        if (reason := self._reception.ready()) is not None:
            log.warning("call_while_not_ready", call=call_sid, reason=reason)
            return self._apology("not_ready", NOT_READY)
        if self._intake.full:
            return self._apology("full", NO_ROOM)
        base = self._base(request)
        response = VoiceResponse()
        connect = Connect(action=f"{base}/twilio/next", method="POST")
        stream = connect.stream(url=websocket_url(f"{base}/twilio/stream"))
        stream.parameter(name="token", value=self._tokens.issue(call_sid, time.monotonic_ns()))
        response.append(connect)
        return _twiml(response)

    async def next(self, request: Request) -> Response:
        """`POST /twilio/next`: how the call goes on after its stream."""
        form = await self._twilio_form(request)
        if isinstance(form, Response):
            return form
        if request.query_params.get("after") == "record":
            return _after(HangUp(), "")
        call_sid = str(form["CallSid"])
        target = self._intake.transfer_of(call_sid)
        return _after(Dial(target) if target else self._reception.after_call(call_sid), self._base(request))

    async def stream(self, websocket: WebSocket) -> None:
        """`WS /twilio/stream`: the media stream. An upgrade need not be signed (the token decides), but must not be signed wrongly."""
        if not self._may_call(websocket):
            await self._intake.refuse(websocket, 403, "not_loopback")
            return
        signature = websocket.headers.get(HEADER)
        url = websocket_url(self._base(websocket) + _path(websocket))
        if self._signature is not None and signature is not None and not self._signature.valid_upgrade(url, signature):
            await self._intake.refuse(websocket, 403, "signature")
            return
        await self._intake.take(websocket)

    # operators

    async def healthz(self, request: Request) -> Response:
        """`GET /healthz`: the process is alive."""
        return JSONResponse({"alive": True}) if self._may_call(request) else self._refused("not_loopback")

    async def readyz(self, request: Request) -> Response:
        """`GET /readyz`: models warm, and room for a call."""
        if not self._may_call(request):
            return self._refused("not_loopback")
        reason = self._reception.ready() or ("full" if self._intake.full else None)
        return JSONResponse({"ready": reason is None, "reason": reason}, 200 if reason is None else 503)

    async def metrics(self, request: Request) -> Response:
        """`GET /metrics`: Prometheus' text format."""
        return self._operator(request) or Response(self._metrics.exposition(), media_type=CONTENT_TYPE)

    async def calls(self, request: Request) -> Response:
        """`GET /calls`: the calls that are up and the last that were, newest first, without their turns."""
        if refused := self._operator(request):
            return refused
        traces = [trace.as_json() for trace in self._reception.calls.traces()]
        return JSONResponse({"version": 1, "calls": [{**t, "turns": len(t["turns"])} for t in traces]})

    async def call(self, request: Request, call_sid: str) -> Response:
        """`GET /calls/{call_sid}`: one call, turn by turn."""
        if refused := self._operator(request):
            return refused
        trace = self._reception.calls.get(call_sid)
        return JSONResponse(trace.as_json()) if trace else JSONResponse({"error": "no such call"}, 404)

    # who may

    def _may_call(self, request: HTTPConnection) -> bool:
        peer = request.client.host if request.client else None
        return may_call(peer, request.headers, signed=self._signature is not None, insecure=self._settings.insecure)

    async def _twilio_form(self, request: Request) -> FormData | Response:
        """The webhook's fields, CallSid among them, or the answer to somebody who is not Twilio."""
        if not self._may_call(request):
            return self._refused("not_loopback")
        form = await _form(request)
        if form is None:
            return self._refused("bad_form")
        if self._signature is not None:
            url = self._base(request) + _path(request)
            if not self._signature.valid(url, form, request.headers.get(HEADER, "")):
                return self._refused("signature")
        call_sid = form.get("CallSid")
        if not isinstance(call_sid, str) or not _CALL_SID.fullmatch(call_sid):
            return self._refused("call_sid")
        return form

    def _operator(self, request: Request) -> Response | None:
        token = self._settings.admin_token
        peer = request.client.host if request.client else None
        match may_operate(peer, request.headers, token.get_secret_value() if token else None):
            case "granted":
                return None
            case "unauthorized":
                self._metrics.count_refused("admin_token")
                return PlainTextResponse("admin token needed", 401, {"WWW-Authenticate": "Bearer"})
            case "forbidden":
                return self._refused("not_loopback")
            case other:
                assert_never(other)

    def _refused(self, reason: str) -> Response:
        self._metrics.count_refused(reason)
        return PlainTextResponse(f"refused: {reason}", 403)

    def _apology(self, reason: str, words: str) -> Response:
        self._metrics.count_refused(reason)
        response = VoiceResponse()
        response.say(words)
        response.hangup()
        return _twiml(response)

    def _base(self, request: HTTPConnection) -> str:
        """Scheme and host as Twilio knows them. Without a public URL: what the request says, which a signature then vouches for."""
        if self._settings.public_url:
            return self._settings.public_url
        scheme = "https" if request.url.scheme in ("https", "wss") else "http"
        if self._signature is not None:
            scheme = request.headers.get("x-forwarded-proto", "https" if _is_proxied(request.headers) else scheme).partition(",")[0]
        host = request.headers.get("x-forwarded-host") if self._signature is not None else None
        return f"{scheme}://{host or request.headers.get('host', 'localhost')}"


def _is_proxied(headers: Headers) -> bool:
    return "x-forwarded-for" in headers or "forwarded" in headers


def _path(request: HTTPConnection) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


async def _form(request: Request) -> FormData | None:
    """A url-encoded body of bounded size, as Twilio sends it; None for anything else."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        return None
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > MAX_FORM_BYTES:
                return None
        fields: list[tuple[str, str | UploadFile]] = list(
            parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS)
        )
    except (ClientDisconnect, ValueError):  # ValueError: not UTF-8, or too many fields
        return None
    return FormData(fields)


def _after(then: AfterCall, base: str) -> Response:
    response = VoiceResponse()
    match then:
        case HangUp():
            response.hangup()
        case Dial(target):
            dial = response.dial()
            dial.sip(target) if target.startswith("sip") else dial.number(target)
        case Record(prompt, max_s):
            if prompt:
                response.say(prompt)
            # Without an action Twilio would come back here as if the stream had just ended.
            response.record(max_length=max_s, play_beep=True, action=f"{base}/twilio/next?after=record", method="POST")
        case _:
            assert_never(then)
    return _twiml(response)


def _twiml(response: VoiceResponse) -> Response:
    return Response(str(response), media_type="application/xml")
