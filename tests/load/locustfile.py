"""Callers for Locust: each user is a recorded caller of `telephony.caller` on the real WebSocket, and every first word a sample.

`make load` runs it. By hand, against a gateway that is up:

    locust -f tests/load/locustfile.py --headless -H http://127.0.0.1:8080 -u 8 -r 0.6 -t 5m --stop-timeout 20

Locust patches the standard library for gevent, and a caller is asyncio: one greenlet runs one loop with all callers in it, and each user waits
for its call there.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import gevent
from gevent.event import AsyncResult, Event
from locust import User, events, task
from locust.env import Environment

from telephony.bench.load import summary
from telephony.bench.plan import MIX
from telephony.caller.fixture import load_fixture
from telephony.caller.place import place_call
from telephony.caller.result import CallResult
from telephony.caller.webhook import GatewayRefusedError

PAUSE_S = 1.0
"""Between two calls of a user, and after one that was not taken."""


class Callers:
    """The loop that all calls of this process run on, and what they came to."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop
        self.hang_up: asyncio.Event
        self.calls: list[CallResult] = []
        self.refused = 0
        self._up = Event()

    def run(self) -> None:
        """The greenlet."""
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self.loop, self.hang_up = asyncio.get_running_loop(), asyncio.Event()
        self._up.set()
        await asyncio.Event().wait()

    def wait_up(self) -> None:
        self._up.wait()

    def call(self, url: str, fixture: str) -> CallResult:
        """Hold one call; the greenlet that asks waits until it is over."""
        done = AsyncResult()
        call = asyncio.run_coroutine_threadsafe(place_call(url, load_fixture(fixture), hang_up=self.hang_up), self.loop)
        call.add_done_callback(done.set)
        return done.get().result()

    def end(self) -> None:
        """Everybody puts the phone down; what they have measured is kept."""
        self.loop.call_soon_threadsafe(self.hang_up.set)


CALLERS = Callers()
FIXTURES = MIX[0].fixtures
_numbers = itertools.count()


@events.init_command_line_parser.add_listener
def _options(parser: ArgumentParser, **_: Any) -> None:
    parser.add_argument("--report", default="", help="a file for the figures as JSON")


@events.test_start.add_listener
def _begin(environment: Environment, **_: Any) -> None:
    gevent.spawn(CALLERS.run)
    CALLERS.wait_up()


@events.test_stopping.add_listener
def _end(environment: Environment, **_: Any) -> None:
    CALLERS.end()


@events.quitting.add_listener
def _write(environment: Environment, **_: Any) -> None:
    if environment.parsed_options.report:
        found = summary("locust", CALLERS.calls, refused=CALLERS.refused)
        Path(environment.parsed_options.report).write_text(json.dumps(found))


class RecordedCaller(User):
    """Somebody who calls again and again, with another recorded call each time."""

    def on_start(self) -> None:
        """The first call of one user is not the first call of the next."""
        self._fixtures = itertools.islice(itertools.cycle(FIXTURES), next(_numbers) % len(FIXTURES), None)

    def wait_time(self) -> float:
        """Locust's hook, in seconds."""
        return PAUSE_S

    @task
    def call(self) -> None:
        """One call, from its webhook to its end."""
        try:
            call = CALLERS.call(self.host or "", next(self._fixtures))
        except GatewayRefusedError as error:
            CALLERS.refused += 1
            self._tell("refused", None, error)
            return
        CALLERS.calls.append(call)
        self._tell("greeting", call.greeting_ms, None)
        for turn in call.turns:
            if not turn.hum:
                self._tell("first word", turn.first_word_ms, None)

    def _tell(self, name: str, ms: int | None, error: Exception | None) -> None:
        unheard = None if ms is not None else TimeoutError("nothing was heard")
        self.environment.events.request.fire(
            request_type="call", name=name, response_time=ms or 0, response_length=0, exception=error or unheard, context={}
        )
