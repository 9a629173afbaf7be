"""From a WebSocket to a call: who may open a stream, who has sent `start` in time, whose token is good.

Until the token is redeemed nothing exists of a call but its socket, and of those only so many, for so long.
"""

from __future__ import annotations

import asyncio
import time

import structlog
from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from config.settings import Settings
from pipeline.trace import trace_id_of
from telephony.metrics import Metrics
from telephony.reception import Reception
from telephony.tokens import Tokens
from telephony.twilio_leg import SocketClosedError, TwilioLeg
from telephony.twilio_stream import POLICY_VIOLATION, Ignored, StreamStarted, TwilioStream, Violation

log = structlog.get_logger(__name__)

TRY_AGAIN_LATER = 1013  # IANA WebSocket close codes
CONVERSATION_GRACE_S = 1.0  # what a conversation has for its own clean-up after `Ended`
MAX_TRANSFERS = 1024


class WebSocketMedia:
    """A Starlette WebSocket as the leg's `MediaSocket`."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def receive(self) -> str | bytes:
        """The next message, bytes for a binary one. Raises SocketClosedError."""
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise SocketClosedError(str(message.get("code")))
        text = message.get("text")
        return bytes(message["bytes"]) if text is None else str(text)

    async def send(self, message: str) -> None:
        """Send text. Raises SocketClosedError."""
        try:
            await self._websocket.send_text(message)
        except (WebSocketDisconnect, RuntimeError) as error:  # RuntimeError: closed by the server's own keepalive
            raise SocketClosedError(str(error)) from error

    async def close(self, code: int, reason: str) -> None:
        """Close, or be told by SocketClosedError that it was closed already."""
        try:
            await self._websocket.close(code, reason)
        except (WebSocketDisconnect, RuntimeError) as error:
            raise SocketClosedError(str(error)) from error


class StreamIntake:
    """Takes the streams of one process in and carries them."""

    def __init__(self, settings: Settings, reception: Reception, metrics: Metrics, tokens: Tokens) -> None:
        self._settings = settings
        self._reception = reception
        self._metrics = metrics
        self._tokens = tokens
        self._pending = 0
        self._legs: dict[str, TwilioLeg] = {}
        self._transfers: dict[str, str] = {}
        self.quiet = asyncio.Event()  # set while nothing is pending and nobody is on a call
        self.quiet.set()

    @property
    def pending(self) -> int:
        """Sockets that have not sent `start`."""
        return self._pending

    @property
    def active(self) -> int:
        """Calls with a stream that is up."""
        return len(self._legs)

    @property
    def outbox(self) -> int:
        """Messages of all calls that wait for their sockets."""
        return sum(leg.outbox for leg in self._legs.values())

    @property
    def queued_ms(self) -> int:
        """Speech of all calls that was made and is not heard yet."""
        return sum(leg.queued_samples * 1000 // leg.rate_hz for leg in self._legs.values())

    @property
    def full(self) -> bool:
        """No room for one more call."""
        return self.active >= self._settings.max_calls or not self._reception.admit()

    def transfer_of(self, call_sid: str) -> str | None:
        """Where the call asked to be handed over to; told once."""
        return self._transfers.pop(call_sid, None)

    async def refuse(self, websocket: WebSocket, status: int, reason: str) -> None:
        """Turn an upgrade away with an HTTP status, before there is a WebSocket."""
        self._metrics.count_refused(reason)
        await websocket.send_denial_response(PlainTextResponse(reason, status))

    async def take(self, websocket: WebSocket) -> None:
        """One stream, from its upgrade to its end. Returns when nothing of it is left; never raises for what the peer did."""
        if self._pending >= self._settings.max_pending_streams:
            await self.refuse(websocket, 503, "too_many_pending")
            return None
        socket = WebSocketMedia(websocket)
        stream = TwilioStream()
        self._pending += 1
        self.quiet.clear()
        try:
            async with asyncio.timeout(self._settings.start_timeout_s):
                await websocket.accept()
                started, opening = await self._start(socket, stream)
        except TimeoutError:
            return await self._close(socket, POLICY_VIOLATION, "no_start")
        except (SocketClosedError, WebSocketDisconnect, RuntimeError) as gone:
            log.debug("gone_before_start", reason=str(gone))
            return None
        finally:
            self._pending -= 1
            self._count()
        if isinstance(started, Violation):
            return await self._close(socket, started.close_code, started.reason)
        if not self._tokens.redeem(started.parameters.get("token", ""), started.call_sid, time.monotonic_ns()):
            return await self._close(socket, POLICY_VIOLATION, "token")
        if started.call_sid in self._legs:
            return await self._close(socket, POLICY_VIOLATION, "call_has_a_stream")
        if self._reception.ready() is not None or self.full:
            return await self._close(socket, TRY_AGAIN_LATER, "full")
        return await self._carry(socket, stream, started, opening)

    async def _start(self, socket: WebSocketMedia, stream: TwilioStream) -> tuple[StreamStarted | Violation, list[str]]:
        """What the stream begins with, and the first message and the last of those that it took."""
        opening: list[str] = []
        while True:
            message = await socket.receive()
            opening = [*opening[:1], str(message)]
            for event in stream.receive(message):
                match event:
                    case StreamStarted() | Violation():
                        return event, opening
                    case Ignored(reason):
                        self._metrics.count_ignored(reason)
                    case _:
                        pass  # `connected`: nothing is proven by it

    async def _close(self, socket: WebSocketMedia, code: int, reason: str) -> None:
        self._metrics.count_refused(reason)
        log.info("stream_refused", code=code, reason=reason)
        try:
            await socket.close(code, reason)
        except SocketClosedError as gone:
            log.debug("gone_at_close", reason=str(gone))

    async def _carry(self, socket: WebSocketMedia, stream: TwilioStream, started: StreamStarted, opening: list[str]) -> None:
        leg = TwilioLeg(
            socket,
            stream,
            started,
            lead_ms=self._settings.playout.lead_ms,
            mark_ms=self._settings.playout.mark_ms,
            on_ignored=self._metrics.count_ignored,
            on_transfer=self._note_transfer,
            opening=opening,
        )
        self._legs[leg.call] = leg
        self._count()
        about = structlog.contextvars.bind_contextvars(call=leg.call, trace_id=trace_id_of(leg.call))
        try:
            async with asyncio.TaskGroup() as group:
                conversation = group.create_task(self._converse(leg), name=f"{leg.call}-conversation")
                await leg.run()
                await asyncio.wait({conversation}, timeout=CONVERSATION_GRACE_S)
                conversation.cancel()
        except* Exception:  # one call's failure is its own
            log.exception("call_failed", call=leg.call)
        finally:
            structlog.contextvars.reset_contextvars(**about)
            del self._legs[leg.call]
            self._count()
            self._metrics.ended.labels(leg.reason).inc()

    async def _converse(self, leg: TwilioLeg) -> None:
        """The conversation; when it returns or fails while the call is up, the call ends."""
        try:
            await self._reception.converse(leg)
        except Exception:
            log.exception("conversation_failed", call=leg.call)
            leg.fail()
        else:
            leg.hangup(after_playout=True)

    def _count(self) -> None:
        self._metrics.active_calls.set(len(self._legs))
        if self._legs or self._pending:
            self.quiet.clear()
        else:
            self.quiet.set()

    def _note_transfer(self, call_sid: str, target: str) -> None:
        self._transfers.pop(call_sid, None)
        self._transfers[call_sid] = target
        while len(self._transfers) > MAX_TRANSFERS:
            del self._transfers[next(iter(self._transfers))]
