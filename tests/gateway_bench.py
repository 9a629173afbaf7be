"""The real app under a real uvicorn on a free port, a reception that does what a test says, and Twilio's side of a call."""

from __future__ import annotations

import asyncio
import heapq
import json
import random
import socket
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic_ns
from typing import Any
from xml.etree import ElementTree

import httpx
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK

from config.settings import Settings
from pipeline.leg import CallLeg, Ended, LegEvent, Segment, Started
from pipeline.trace import CallTrace
from telephony.call_log import CallLog
from telephony.gateway import create_app, serve_config
from telephony.metrics import Metrics
from telephony.stream_intake import StreamIntake
from telephony.transfer import AfterCall, HangUp
from telephony.twilio_player import Heard, PlayerEvent, TwilioPlayer

MS = 1_000_000
STREAM_SID = "MZ0123456789abcdef0123456789abcdef"


@dataclass
class Desk:
    """A reception for tests: `react` is called with every event of every leg."""

    react: Callable[[CallLeg, LegEvent], None] = lambda _leg, _event: None
    calls: CallLog = field(default_factory=lambda: CallLog(10))
    reason: str | None = None
    room: bool = True
    then: AfterCall = field(default_factory=HangUp)
    events: list[LegEvent] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    started: asyncio.Event = field(default_factory=asyncio.Event)

    def ready(self) -> str | None:
        return self.reason

    def admit(self) -> bool:
        return self.room

    def after_call(self, call_sid: str) -> AfterCall:
        del call_sid
        return self.then

    async def converse(self, leg: CallLeg) -> None:
        over = asyncio.Event()
        trace = CallTrace(leg.call, "test", monotonic_ns())
        self.calls.begin(trace)

        def sink(event: LegEvent) -> None:
            self.events.append(event)
            self.react(leg, event)
            if isinstance(event, Started):
                self.started.set()
            if isinstance(event, Ended):
                trace.ended_ns, trace.end_reason = monotonic_ns(), event.reason
                self.calls.end(leg.call)
                over.set()
                self.ended.set()

        leg.subscribe(sink)
        await over.wait()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


@dataclass
class Gateway:
    """A running gateway as its peers see it."""

    port: int
    desk: Any
    intake: StreamIntake
    http: httpx.AsyncClient
    settings: Settings

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/twilio/stream"

    async def voice(self, call_sid: str = "CA1", **more: Any) -> httpx.Response:
        return await self.http.post("/twilio/voice", data={"CallSid": call_sid, "From": "+15550100"}, **more)

    async def token(self, call_sid: str = "CA1") -> str:
        root = ElementTree.fromstring((await self.voice(call_sid)).text)
        parameter = root.find("Connect/Stream/Parameter")
        assert parameter is not None
        return parameter.attrib["value"]

    def connect(self, **more: Any) -> connect:
        return connect(self.url, compression=None, proxy=None, **more)

    def metric(self, name: str, **labels: str) -> float:
        sample = self.intake._metrics.registry.get_sample_value(f"firstword_{name}", labels)
        return sample or 0.0

    @asynccontextmanager
    async def calling(self, call_sid: str = "CA1") -> AsyncIterator[ClientConnection]:
        """A stream that is up: token asked for, `start` sent."""
        token = await self.token(call_sid)
        async with self.connect() as ws:
            await ws.send(connected())
            await ws.send(start(call_sid, token))
            yield ws

    async def nothing_left(self) -> None:
        """Returns when no call and no pending socket is left; a second is the limit."""
        async with asyncio.timeout(1):
            await self.intake.quiet.wait()
        assert (self.intake.active, self.intake.pending) == (0, 0)


def connected() -> str:
    return json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"})


def start(call_sid: str, token: str | None, **more: Any) -> str:
    body: dict[str, Any] = {
        "accountSid": "AC1",
        "streamSid": STREAM_SID,
        "callSid": call_sid,
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {} if token is None else {"token": token},
    }
    return json.dumps({"event": "start", "sequenceNumber": "1", "start": {**body, **more}, "streamSid": STREAM_SID})


def media(chunk: int, timestamp_ms: int, payload: bytes) -> str:
    body = {"track": "inbound", "chunk": str(chunk), "timestamp": str(timestamp_ms), "payload": b64encode(payload).decode()}
    return json.dumps({"event": "media", "sequenceNumber": str(chunk + 1), "media": body, "streamSid": STREAM_SID})


def mark(name: str) -> str:
    return json.dumps({"event": "mark", "streamSid": STREAM_SID, "mark": {"name": name}})


def stop() -> str:
    return json.dumps({"event": "stop", "streamSid": STREAM_SID, "stop": {"accountSid": "AC1", "callSid": "CA1"}})


async def close_code(ws: ClientConnection) -> int | None:
    """Read until the server closes; a second is the limit."""
    async with asyncio.timeout(3):
        try:
            while True:
                await ws.recv()
        except ConnectionClosed:
            return ws.close_code


@asynccontextmanager
async def gateway(
    desk: Any, *, send_buffer: int | None = None, metrics: Metrics | None = None, **settings: Any
) -> AsyncIterator[Gateway]:
    """Serve, and see that nothing is left behind afterwards. `send_buffer`: bytes that the kernel takes for a peer who does not read."""
    before = asyncio.all_tasks()
    chosen = Settings(host="127.0.0.1", port=0, **settings)
    app = create_app(chosen, desk, metrics)
    server = _Server(serve_config(chosen, app))
    listener = socket.create_server(("127.0.0.1", 0))
    if send_buffer is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)  # accepted sockets inherit it
    port = listener.getsockname()[1]
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.up.wait()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, verify=False) as http:
            running = Gateway(port, desk, app.state.intake, http, chosen)
            yield running
            await running.nothing_left()
    finally:
        server.should_exit = True
        await serving
        listener.close()
    left = {t.get_name() for t in asyncio.all_tasks() - before}
    assert left <= {"server-keepalive"}, left


def run(test: Callable[[], Awaitable[None]], timeout_s: float = 10) -> None:
    """One test on a loop of its own."""

    async def limited() -> None:
        async with asyncio.timeout(timeout_s):
            await test()

    asyncio.run(limited())


class DistantPhone:
    """Twilio's side of a stream at real pace, behind a network that delays each message by its own amount and keeps the order."""

    def __init__(self, ws: ClientConnection, low_ms: float, high_ms: float, seed: int) -> None:
        self.ws = ws
        self.player = TwilioPlayer()
        self.heard = bytearray()
        self._rng = random.Random(seed)
        self._span = (low_ms, high_ms)
        self._last = {"up": 0, "down": 0}
        self._due: list[tuple[int, int, str, dict[str, Any] | str]] = []
        self._count = 0
        self._wake = asyncio.Event()

    def _later(self, way: str, message: dict[str, Any] | str) -> None:
        at = max(self._last[way], monotonic_ns() + int(self._rng.uniform(*self._span) * MS))
        self._last[way] = at
        self._count += 1
        heapq.heappush(self._due, (at, self._count, way, message))
        self._wake.set()

    async def run(self) -> None:
        """Until the server closes the stream."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(part()) for part in (self._talk, self._carry)]
            try:
                async for message in self.ws:
                    self._later("up", json.loads(message))
            finally:
                for task in tasks:
                    task.cancel()

    async def _talk(self) -> None:
        zero = monotonic_ns()
        for i in range(10_000):
            self._later("down", media(i + 1, i * 20, b"\xff" * 160))
            await asyncio.sleep(max(0.0, (zero + (i + 1) * 20 * MS - monotonic_ns()) / 1e9))

    async def _carry(self) -> None:
        while True:
            self._wake.clear()
            now = monotonic_ns()
            self._far(self.player.advance(now))
            while self._due and self._due[0][0] <= now:
                _, _, way, message = heapq.heappop(self._due)
                if way == "down":
                    with suppress(ConnectionClosedOK):  # the server has just hung up: `run` ends next
                        await self.ws.send(message)  # type: ignore[arg-type]
                else:
                    self._arrive(message, now)  # type: ignore[arg-type]
            times = [t for t in (self.player.next_due(), self._due[0][0] if self._due else None) if t is not None]
            try:
                async with asyncio.timeout(max(0.0, (min(times) - monotonic_ns()) / 1e9) if times else None):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _arrive(self, message: dict[str, Any], now: int) -> None:
        match message["event"]:
            case "media":
                self._far(self.player.media(b64decode(message["media"]["payload"]), now))
            case "mark":
                self._far(self.player.mark(message["mark"]["name"], now))
            case "clear":
                self._far(self.player.clear(now))
            case other:
                raise AssertionError(other)

    def _far(self, events: list[PlayerEvent]) -> None:
        for event in events:
            if isinstance(event, Heard):
                self.heard += event.payload
            else:
                self._later("down", mark(event.name))


def tone(samples: int) -> Segment:
    """Audible and nowhere µ-law silence."""
    return Segment(1, samples, bytes(0x10 + i % 32 for i in range(samples)))
