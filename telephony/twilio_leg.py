"""The Twilio leg: one media stream as a `pipeline.leg.CallLeg`.

Thin: messages go through `TwilioStream` and `Playout`, which decide; this file reads the socket, arms one timer and sends. One task
reads and one paces, both in one TaskGroup; the first reason to end ends both, whatever they wait for, and `Ended` is the last thing the sink hears.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol, assert_never

import structlog

from pipeline.leg import Audio, Capability, Digit, Ended, Flushed, LegEvent, Outcome, Pcm, Segment, Started, Wiretap
from telephony.g711 import decode, encode
from telephony.playout import Clear, Frame, Mark, Output, Playout
from telephony.transfer import is_target
from telephony.twilio_stream import (
    RATE_HZ,
    Connected,
    Dtmf,
    Ignored,
    MarkReturned,
    Media,
    Stopped,
    StreamEvent,
    StreamStarted,
    TwilioStream,
    Violation,
)

log = structlog.get_logger(__name__)

# RFC 6455, 7.4.1. After a normal closure Twilio goes on with the <Connect action>.
NORMAL_CLOSURE = 1000
GOING_AWAY = 1001
INTERNAL_ERROR = 1011

SUBSCRIBE_TIMEOUT_S = 5.0
SEND_TIMEOUT_S = 5.0  # a peer that reads nothing for so long is gone
IDLE_TIMEOUT_S = 30.0  # Twilio sends media all the time, silence too
CLOSE_TIMEOUT_S = 0.5
HANGUP_GRACE_MS = 2000  # what a hang-up waits beyond the time that the queue takes
MAX_OUTBOX = 256
MAX_AHEAD_MS = 60_000  # caller media further ahead of real time than this is no phone call
MS = 1_000_000


class SocketClosedError(Exception):
    """The peer has closed the socket, or is gone."""


class MediaSocket(Protocol):
    """The WebSocket as the leg needs it. All three raise SocketClosedError when the peer is gone."""

    async def receive(self) -> str | bytes:
        """The next message; bytes for a binary one."""
        ...

    async def send(self, message: str) -> None:
        """Hand a text message to the transport; waits while its buffer is full."""
        ...

    async def close(self, code: int, reason: str) -> None:
        """Close with a code of RFC 6455, 7.4.1."""
        ...


class TwilioLeg:
    """One call's stream, from `start` on. Events go to the sink on the event loop; commands come from there as well."""

    rate_hz = RATE_HZ
    encoding = "mulaw"
    capabilities = frozenset({Capability.TRANSFER, Capability.HANGUP})

    def __init__(
        self,
        socket: MediaSocket,
        stream: TwilioStream,
        started: StreamStarted,
        *,
        lead_ms: int,
        mark_ms: int,
        clock: Callable[[], int] = time.monotonic_ns,
        on_ignored: Callable[[str], None] = lambda _reason: None,
        on_transfer: Callable[[str, str], None] = lambda _call, _target: None,
        opening: Sequence[str] = (),
    ) -> None:
        """`opening`: the messages up to `start`, for whoever listens in."""
        self._socket = socket
        self._stream = stream
        self._started = started
        self._playout = Playout(RATE_HZ, lead_ms, mark_ms)
        self._clock = clock
        self._on_ignored = on_ignored
        self._on_transfer = on_transfer
        self._opening = opening
        self._wiretap: Wiretap | None = None
        self._sink: Callable[[LegEvent], None] | None = None
        self._subscribed = asyncio.Event()
        self._wake = asyncio.Event()
        self._ended = asyncio.Event()
        self._outbox: deque[str] = deque()
        self._reason = ""
        self._close = (NORMAL_CLOSURE, "")
        self._hangup_deadline_ns: int | None = None
        self._hangup_reason = "hung_up"
        self._answered_at_ns = clock()
        self._over = False

    # what the pipeline sees

    @property
    def call(self) -> str:
        """The CallSid."""
        return self._started.call_sid

    @property
    def queued_samples(self) -> int:
        """Samples played but not yet heard, by the best estimate; 0 once the call is over."""
        return 0 if self._over else self._playout.queued(self._clock())

    @property
    def outbox(self) -> int:
        """Messages that wait for the socket to take them."""
        return len(self._outbox)

    @property
    def reason(self) -> str:
        """Why the leg ended; empty while it is up."""
        return self._reason

    def subscribe(self, sink: Callable[[LegEvent], None]) -> None:
        """Name the receiver of events; `Started` waits for it."""
        if self._sink is not None:
            raise RuntimeError(f"{self.call}: the leg has a sink already")
        self._sink = sink
        self._subscribed.set()

    def listen_in(self, wiretap: Wiretap) -> None:
        """Name who sees the stream's messages; those up to `start` come at once."""
        self._wiretap = wiretap
        for message in self._opening:
            wiretap("twilio", message, self._clock())

    def encode(self, pcm: Pcm) -> bytes:
        """int16 mono at 8000 Hz to µ-law (ITU-T G.711), one byte a sample."""
        return encode(pcm)

    def decode(self, payload: bytes) -> Pcm:
        """µ-law back to int16 mono at 8000 Hz; the array is read-only."""
        return decode(payload)

    def play(self, segment: Segment) -> None:
        """Queue µ-law. Raises ValueError and PlayoutFullError as `Playout.enqueue` does; nothing happens once the call is over."""
        if not self._reason:
            self._playout.enqueue(segment)
            self._wake.set()

    def flush(self) -> None:
        """Stop play-out; `Flushed` follows, at the latest 400 ms and a round trip later."""
        if not self._reason:
            self._put(self._playout.flush(self._clock()), at_once=False)
            self._wake.set()

    def send_digits(self, digits: str) -> Outcome:
        """Twilio's streams carry none to the caller."""
        del digits
        return "unsupported"

    def transfer(self, target: str) -> Outcome:
        """Note where the call goes next (an E.164 number or a SIP URI) and end the stream when the caller has heard what is queued."""
        if self._reason:
            return "gone"
        if not is_target(target):
            return "unsupported"
        self._on_transfer(self.call, target)
        self._hangup_reason = "transferred"
        return self.hangup(after_playout=True)

    def hangup(self, *, after_playout: bool) -> Outcome:
        """End the stream, now or when the last mark is back; a far end that returns no marks is not waited for for ever."""
        if self._reason:
            return "gone"
        if after_playout:
            now = self._clock()
            self._hangup_deadline_ns = now + (self._playout.remaining_ms(now) + HANGUP_GRACE_MS) * MS
        else:
            self._end(self._hangup_reason)
        self._wake.set()
        return "done"

    def fail(self) -> None:
        """The conversation broke down: end the stream now, and not as if it were over."""
        self._abandon("failed", INTERNAL_ERROR)

    # the shell

    async def run(self) -> None:
        """Carry the call until it is over: `Started` first, `Ended` last, and no task left behind."""
        try:
            await self._carry()
        except asyncio.CancelledError:
            self._abandon("cancelled", GOING_AWAY)
            raise
        except Exception:
            self._abandon("failed", INTERNAL_ERROR)
            raise
        finally:
            self._over = True
            try:
                await self._close_socket()
            finally:
                self._emit(Ended(self._reason))

    async def _carry(self) -> None:
        try:
            async with asyncio.timeout(SUBSCRIBE_TIMEOUT_S):
                await self._subscribed.wait()
        except TimeoutError:
            self._end("nobody_answered")
        if self._reason:
            return
        self._answered_at_ns = self._clock()
        self._emit(Started(self.call, {k: v for k, v in self._started.parameters.items() if k != "token"}))
        async with asyncio.TaskGroup() as group:
            tasks = (
                group.create_task(self._read(), name=f"{self.call}-read"),
                group.create_task(self._pace(), name=f"{self.call}-pace"),
            )
            await self._ended.wait()
            for task in tasks:
                task.cancel()

    async def _close_socket(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._socket.close(*self._close)
        except (SocketClosedError, TimeoutError):
            log.debug("socket_gone_at_close", call=self.call, reason=self._reason)

    async def _read(self) -> None:
        while not self._reason:
            try:
                async with asyncio.timeout(IDLE_TIMEOUT_S):
                    message = await self._socket.receive()
            except SocketClosedError:
                return self._end("disconnected")
            except TimeoutError:
                return self._end("silent_socket")
            if self._wiretap is not None:
                self._wiretap("twilio", message if isinstance(message, str) else f"{len(message)} bytes", self._clock())
            for event in self._stream.receive(message):
                self._handle(event, self._clock())
        return None

    def _handle(self, event: StreamEvent, now_ns: int) -> None:
        match event:
            case Media():
                self._media(event, now_ns)
            case MarkReturned(name):
                for answer in self._playout.mark_returned(name, now_ns):
                    self._emit(answer)
                self._wake.set()
            case Dtmf(digit):
                self._emit(Digit(digit))
            case Stopped():
                self._end("caller_hung_up")
            case Ignored(reason):
                self._on_ignored(reason)
            case Violation(reason, code):
                self._violation(reason, code)
            case Connected() | StreamStarted():
                self._on_ignored("late_connected")
            case _:
                assert_never(event)

    def _media(self, media: Media, now_ns: int) -> None:
        self._playout.caller_media(media.timestamp_ms, now_ns)
        for frame in media.frames:
            self._emit(Audio(frame.first_sample, self.decode(frame.payload)))
        if media.frames and media.frames[-1].first_sample * 1000 // RATE_HZ > (now_ns - self._answered_at_ns) // MS + MAX_AHEAD_MS:
            self._violation("media_too_fast", 1008)

    async def _pace(self) -> None:
        while not self._reason:
            self._wake.clear()
            now = self._clock()
            self._put(self._playout.due(now), at_once=True)
            try:
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    await self._drain()
            except SocketClosedError:
                return self._end("disconnected")
            except TimeoutError:
                return self._violation("slow_reader", 1008)
            if self._hung_up(self._clock()):
                return self._end(self._hangup_reason)
            await self._sleep()
        return None

    async def _drain(self) -> None:
        while self._outbox and not self._reason:
            message = self._outbox.popleft()
            if self._wiretap is not None:
                self._wiretap("bot", message, self._clock())
            await self._socket.send(message)

    async def _sleep(self) -> None:
        """Until the next 20 ms are due, or somebody wakes the pacer."""
        now = self._clock()
        times = [t for t in (self._playout.next_due(now), self._hangup_deadline_ns) if t is not None]
        timer = asyncio.get_running_loop().call_later(max(0, min(times) - now) / 1e9, self._wake.set) if times else None
        try:
            await self._wake.wait()
        finally:
            if timer is not None:
                timer.cancel()

    def _hung_up(self, now_ns: int) -> bool:
        return self._hangup_deadline_ns is not None and (self._playout.idle or now_ns >= self._hangup_deadline_ns)

    def _put(self, outputs: list[Output], *, at_once: bool) -> None:
        """Into the outbox, in order: media that a flush overtakes is cleared at the far end. Answers go to the sink.

        The answer to a command must not reach the sink from inside the command: unless `at_once`, it comes a moment later.
        """
        for output in outputs:
            match output:
                case Frame(payload):
                    self._outbox.append(self._stream.media(payload))
                case Mark(name):
                    self._outbox.append(self._stream.mark(name))
                case Clear():
                    self._outbox.append(self._stream.clear())
                case Flushed() if at_once:
                    self._emit(output)
                case Flushed():
                    asyncio.get_running_loop().call_soon(self._emit, output)
                case _:
                    assert_never(output)
        if len(self._outbox) > MAX_OUTBOX:
            self._violation("slow_reader", 1008)

    def _violation(self, reason: str, code: int) -> None:
        log.warning("stream_violation", call=self.call, reason=reason, code=code)
        self._on_ignored(reason)
        self._abandon("slow_reader" if reason == "slow_reader" else "protocol", code, reason)

    def _abandon(self, reason: str, code: int, words: str = "") -> None:
        if not self._reason:
            self._close = (code, words)
        self._end(reason)

    def _end(self, reason: str) -> None:
        """The first reason stands."""
        if not self._reason:
            self._reason = reason
        self._ended.set()
        self._subscribed.set()

    def _emit(self, event: LegEvent) -> None:
        if self._sink is not None and (not self._over or isinstance(event, Ended)):
            self._sink(event)
