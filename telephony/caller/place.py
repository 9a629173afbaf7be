"""Places one recorded call: the thin shell that moves bytes between a `Caller`, an `Ear` and a gateway's WebSocket at real pace."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from pipeline.audibility import FRAME_MS
from pipeline.leg import Pcm
from pipeline.trace import MS
from telephony.caller_timeline import CallerTimeline

from .caller import Caller, PressKey, PutDown, Speak
from .ear import Ear
from .line import FRAME, Echo, Line
from .measure import greeting_ms, measure_turns, missed, spoken, with_checks, with_trace
from .network import Direction, FrameLoss, Network
from .recorded import RecordedMessage, frame_message, next_frame
from .result import CallResult
from .script import CallerScript
from .wav import RATE_HZ, ulaw_to_pcm
from .webhook import ACCOUNT_SID, GatewayRefusedError, Webhook, new_call_sid, new_stream_sid
from .wire import FarEnd

Tap = Callable[[Literal["twilio", "bot"], int, str], None]
"""Sees every wire message: who wrote it, ms since `start`, the JSON text."""

_IN_FLIGHT = 2000
"""Messages on the way in one direction: 40 s of media. What no longer fits is dropped, and makes the call a failed one."""
_TRACE_TRIES = 20
_LISTENING_FRAMES = 500
"""10 s in which a recorded caller who did not hang up waits for the bot to do so."""


async def place_call(
    url: str,
    script: CallerScript,
    *,
    network: Network | None = None,
    echo: Echo | None = None,
    auth_token: str | None = None,
    public_url: str | None = None,
    tap: Tap | None = None,
    recorded: Sequence[RecordedMessage] = (),
    hang_up: asyncio.Event | None = None,
) -> CallResult:
    """Play `script` into the gateway at `url` (its http address) and measure at the caller's ear.

    `network` and `echo` default to the script's own. `recorded` is sent as it is, in place of the script's steps. With `auth_token` webhooks and the stream carry Twilio's signature.
    Set `hang_up`, and the caller puts the phone down with the next frame; an answer that was still waited for is no turn of the result.
    Raises `GatewayRefusedError` when no stream comes about; whatever happens later is in the result.
    """
    webhook = Webhook(url, auth_token, public_url)
    call_sid = new_call_sid()
    form = {"CallSid": call_sid, "AccountSid": ACCOUNT_SID, "From": script.caller, "To": script.called, "Direction": "inbound"}
    target = await asyncio.to_thread(webhook.voice, {**form, "CallStatus": "ringing"})
    far_end = FarEnd(call_sid, new_stream_sid())
    try:
        async with connect(
            target.url,
            additional_headers=webhook.stream_headers(target.url),
            compression=None,
            proxy=None,
            ping_interval=None,
            close_timeout=2,
        ) as socket:
            stream = _Stream(script, socket, far_end, network or script.network, echo or script.echo, tap, hang_up)
            await stream.run(target.parameters, recorded)
    except (OSError, InvalidHandshake) as error:
        raise GatewayRefusedError(f"{target.url}: {error}") from error
    status = "in-progress" if stream.ended_by == "bot" else "completed"
    try:
        after = await asyncio.to_thread(webhook.next, {**form, "CallStatus": status}, target.action)
    except GatewayRefusedError as error:
        after = f"refused: {error}"
    trace = await _final_trace(webhook, call_sid)
    return _assemble(script, call_sid, stream, after, trace)


async def _final_trace(webhook: Webhook, call_sid: str) -> dict[str, Any] | None:
    """The gateway's account of the call, once it says that the call has ended."""
    trace: dict[str, Any] | None = None
    for _ in range(_TRACE_TRIES):
        trace = await asyncio.to_thread(webhook.trace, call_sid)
        if trace is None or trace.get("state") == "ended":
            break
        await asyncio.sleep(0.1)
    return trace


def _assemble(script: CallerScript, call_sid: str, stream: _Stream, after: str, trace: dict[str, Any] | None) -> CallResult:
    caller_pcm = stream.sent_pcm
    length = len(caller_pcm)
    bot_pcm = stream.ear.heard(length)
    said = spoken(script, stream.caller.begun, length)
    turns = with_checks(with_trace(measure_turns(said, bot_pcm), said, trace), said, traced=trace is not None)
    if stream.told and turns and turns[-1].first_word_ms is None:
        turns.pop()
    everything = " ".join(str(turn.get("reply") or "") for turn in (trace or {}).get("turns", []))
    failures = missed(everything, script.expect_spoken, ())
    if script.expect_ended_by is not None and script.expect_ended_by != stream.ended_by:
        failures.append(f"expected the {script.expect_ended_by} to end the call, it was ended by: {stream.ended_by}")
    if stream.ended_by == "limit":
        failures.append(f"the call was not over after {script.limit_s:g} s")
    if stream.dropped:
        failures.append(f"the gateway did not read fast enough: {stream.dropped} messages never reached it")
    unsaid = len(script.steps) - len(stream.caller.begun)
    if unsaid and not stream.told:
        failures.append(f"the call ended ({stream.ended_by}) with {unsaid} steps of the script still to come")
    return CallResult(
        name=script.name,
        call_sid=call_sid,
        ended_by=stream.ended_by,
        duration_ms=length * 1000 // RATE_HZ,
        greeting_ms=greeting_ms(bot_pcm),
        turns=tuple(turns),
        received_ms=stream.ear.received_samples * 1000 // RATE_HZ,
        heard_ms=stream.ear.heard_samples * 1000 // RATE_HZ,
        clears=stream.ear.clears,
        marks_returned=stream.marks_returned,
        worst_tick_ms=round(stream.worst_tick_ns / MS, 1),
        next_twiml=after,
        failures=tuple(failures),
        trace=trace,
        caller_pcm=caller_pcm,
        bot_pcm=bot_pcm,
        cut_at=tuple(stream.ear.cut_at),
    )


class _Stream:
    """One open stream: a frame goes out every 20 ms on an absolute schedule, whatever comes in is heard when it arrives."""

    def __init__(
        self,
        script: CallerScript,
        socket: ClientConnection,
        far_end: FarEnd,
        network: Network,
        echo: Echo | None,
        tap: Tap | None,
        hang_up: asyncio.Event | None,
    ) -> None:
        self._socket = socket
        self._far_end = far_end
        self._line = Line(script.noise, echo)
        self._tap = tap
        self._network = network
        self._frames = FrameLoss(network)
        self._hang_up = hang_up
        self._up = Direction(network, "up")
        self._down = Direction(network, "down")
        self._going: asyncio.Queue[tuple[int, str]] = asyncio.Queue(_IN_FLIGHT)
        self._coming: asyncio.Queue[tuple[int, str]] = asyncio.Queue(_IN_FLIGHT)
        self._mark_timer: asyncio.TimerHandle | None = None
        self._origin_ns = 0
        self._sent: list[Pcm] = []
        self._put_down: PutDown | None = None
        self.caller = Caller(script)
        self.ear = Ear(0)
        self.ended_by = "bot"
        self.marks_returned = 0
        self.dropped = 0
        self.worst_tick_ns = 0

    @property
    def sent_pcm(self) -> Pcm:
        """The caller's side of the timeline as it went onto the wire."""
        return np.concatenate(self._sent) if self._sent else np.zeros(0, dtype=np.int16)

    @property
    def told(self) -> bool:
        """The caller put the phone down because they were told to."""
        return self._put_down is not None and self._put_down.reason == "told"

    async def run(self, parameters: Any, recorded: Sequence[RecordedMessage] = ()) -> None:
        """Until the bot closes the stream or the caller has put the phone down and `stop` has arrived."""
        self._origin_ns = time.monotonic_ns()
        self.ear = Ear(self._origin_ns)
        self._up = Direction(self._network, "up", self._origin_ns)
        self._down = Direction(self._network, "down", self._origin_ns)
        self._send(self._far_end.connected())
        self._send(self._far_end.start(parameters))
        talk = asyncio.create_task(self._repeat(recorded) if recorded else self._talk(), name="talk")
        tasks = [
            talk,
            asyncio.create_task(self._carry_up(), name="carry up"),
            asyncio.create_task(self._listen(), name="listen"),
            asyncio.create_task(self._hear(), name="hear"),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if talk in done and self._put_down is not None:
                self.ended_by = "limit" if self._put_down.reason == "limit" else "caller"
                self._send(self._far_end.stop())
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._going.join(), 2)
            for task in done:
                if (error := task.exception()) is not None and not isinstance(error, ConnectionClosed):
                    raise error
        finally:
            if self._mark_timer is not None:
                self._mark_timer.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _send(self, text: str) -> None:
        now = time.monotonic_ns()
        if self._tap is not None:
            self._tap("twilio", (now - self._origin_ns) // MS, text)
        try:
            self._going.put_nowait((self._up.arrival(now), text))
        except asyncio.QueueFull:
            self.dropped += 1

    async def _talk(self) -> None:
        """Frame n holds the samples spoken until its tick, so it leaves 20 ms after its first sample."""
        frame = 0
        while self._put_down is None:
            due_ns = self._origin_ns + (frame + 1) * FRAME_MS * MS
            wait_ns = due_ns - time.monotonic_ns()
            if wait_ns > 0:
                await _until(due_ns)
            self.worst_tick_ns = max(self.worst_tick_ns, time.monotonic_ns() - due_ns)
            self._give_back(self.ear.advance(time.monotonic_ns()))
            self.ear.hear(frame)
            for command in self.caller.tick(frame, self.ear):
                if isinstance(command, PressKey):
                    self._send(self._far_end.dtmf(command.digit))
                elif isinstance(command, PutDown):
                    self._put_down = command
                else:
                    assert isinstance(command, Speak)
            if self._hang_up is not None and self._hang_up.is_set():
                self._put_down = PutDown("told")
            sound = self._line.mix(self.caller.voice(), self.ear.heard((frame + 1) * FRAME))
            self._sent.append(sound)
            message = self._far_end.media(sound)
            for _ in range(self._frames.copies()):
                self._send(message)
            frame += 1

    async def _repeat(self, recorded: Sequence[RecordedMessage]) -> None:
        """The recorded caller, at the recorded pace; then silence for a while, unless they hung up."""
        timeline = CallerTimeline()
        frame = next_frame(recorded)
        hung_up = recorded[-1].event == "stop"
        silent = () if hung_up else (frame_message(frame + n, np.zeros(FRAME, np.int16)) for n in range(_LISTENING_FRAMES))
        for message in (*recorded, *silent):
            due_ns = self._origin_ns + round(message.at_ms * MS)
            await _until(due_ns)
            self.worst_tick_ns = max(self.worst_tick_ns, time.monotonic_ns() - due_ns)
            self._give_back(self.ear.advance(time.monotonic_ns()))
            if message.event == "media":
                placed = timeline.place(None, int(message.body["timestamp"]), base64.b64decode(message.body["payload"]))
                self._sent += [ulaw_to_pcm(frame.payload) for frame in placed]
            if message.event != "stop":
                self._send(self._far_end.again(message.event, message.body))
        self._put_down = PutDown("script" if hung_up else "limit")

    async def _carry_up(self) -> None:
        while True:
            arrival_ns, text = await self._going.get()
            await _until(arrival_ns)
            try:
                await self._socket.send(text)
            finally:
                self._going.task_done()

    async def _listen(self) -> None:
        async for message in self._socket:
            text = message if isinstance(message, str) else message.decode("utf-8", errors="replace")
            now = time.monotonic_ns()
            arrival_ns = self._down.arrival(now)
            if arrival_ns <= now and self._coming.empty():
                self._take(text)
            else:
                await self._coming.put((arrival_ns, text))
        # What was on its way when the far side hung up is still heard.
        await self._coming.join()

    async def _hear(self) -> None:
        while True:
            arrival_ns, text = await self._coming.get()
            await _until(arrival_ns)
            self._take(text)
            self._coming.task_done()

    def _take(self, text: str) -> None:
        """One message of the bot, at the moment it reaches the far end. What Twilio would ignore is ignored."""
        now = time.monotonic_ns()
        if self._tap is not None:
            self._tap("bot", (now - self._origin_ns) // MS, text)
        try:
            message = json.loads(text)
            event = message["event"]
            if event == "media":
                self._give_back(self.ear.media(base64.b64decode(message["media"]["payload"], validate=True), now))
            elif event == "mark":
                self._give_back(self.ear.mark(str(message["mark"]["name"]), now))
            elif event == "clear":
                self._give_back(self.ear.clear(now))
        except (json.JSONDecodeError, KeyError, TypeError, binascii.Error):
            return
        self._arm()

    def _give_back(self, names: list[str]) -> None:
        for name in names:
            self.marks_returned += 1
            self._send(self._far_end.mark(name))

    def _arm(self) -> None:
        """One timer, for the next mark that will be reached."""
        if self._mark_timer is not None:
            self._mark_timer.cancel()
        self._mark_timer = None
        due_ns = self.ear.next_mark_ns
        if due_ns is not None:
            delay_s = max(0.0, (due_ns - time.monotonic_ns()) / 1e9)
            self._mark_timer = asyncio.get_running_loop().call_later(delay_s, self._reach)

    def _reach(self) -> None:
        self._give_back(self.ear.advance(time.monotonic_ns()))
        self._arm()


async def _until(at_ns: int) -> None:
    """Sleep until a moment of `time.monotonic_ns`; at once when it has passed."""
    wait_ns = at_ns - time.monotonic_ns()
    if wait_ns > 0:
        await asyncio.sleep(wait_ns / 1e9)


async def place_calls(url: str, script: CallerScript, *, callers: int, stagger_ms: int, **how: Any) -> list[CallResult]:
    """Several callers with the same script, each beginning `stagger_ms` after the one before."""

    async def one(index: int) -> CallResult:
        await asyncio.sleep(index * stagger_ms / 1000)
        named = replace(script, name=f"{script.name}-{index + 1}") if callers > 1 else script
        return await place_call(url, named, **how)

    return list(await asyncio.gather(*(one(index) for index in range(callers))))
