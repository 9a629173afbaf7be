"""The event loop of the real server under a replayed call, by py-spy from outside and by the kernel's account of its threads."""

from __future__ import annotations

import asyncio
import time
from contextlib import nullcontext
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from telephony.caller.fixture import bot_file, load_fixture
from telephony.caller.own_server import own_server
from telephony.caller.place import place_call

from .profile import Profile, ProfileError, Row, Table, self_times
from .spy import spying

# Where a thread stands while it has nothing to do. uvloop waits inside its own C code, which looks like the call that runs it, so what uvloop itself
# does (reading and writing sockets) is counted as waiting too.
_WAITING = (
    "run  uvloop/",
    "Runner.run  asyncio/",
    "select  ",
    "EpollSelector.select  ",
    "_work  pipeline/scheduler.py",
    "Scheduler._work  ",
    "wait  ",
    "_worker  ",
)


def profile_loop(fixture: str, bot: Path | None, profile: str | None, url: str | None = None) -> Profile:
    """Start the product, replay one call, watch; or watch the server at `url`, on this machine.

    Raises `ProfileError`, `FixtureError`, `GatewayRefusedError`, and what starting the server raises.
    """
    script = load_fixture(fixture)
    with own_server(bot or bot_file(script), profile) if url is None else nullcontext(url) as url:
        server = _listening(urlsplit(url).port or 0)
        before, began = _threads(server), time.monotonic()
        with spying(server.pid) as spied:
            call = asyncio.run(place_call(url, script))
            after, wall_s = _threads(server), time.monotonic() - began
    main = spied.thread("MainThread")
    if main is None:
        raise ProfileError("py-spy did not see the main thread")
    functions = self_times(spied.events)[main]
    rows = tuple(
        Row(name, calls, ms) for name, (calls, ms) in functions.items() if ms > 0 and not name.startswith((*_WAITING, "thread ("))
    )
    cpu_s = {thread: seconds - before.get(thread, 0.0) for thread, seconds in after.items()}
    loop_s = cpu_s.pop(server.pid, 0.0)
    others = Row("all other threads: models, workers", len(cpu_s), 1000 * sum(cpu_s.values()))
    found = Profile("loop")
    found.tables = [
        Table("CPU time, by the kernel", (Row("the event loop's thread", 1, 1000 * loop_s), others), 1000 * wall_s),
        Table("Python functions on the event loop, py-spy", rows, sum(row.ms for row in rows)),
    ]
    found.events = list(spied.events)
    found.notes = [
        f"call {fixture!r}: {wall_s:.1f} s, {len(call.turns)} turns, ended by {call.ended_by}; the loop's thread was busy {loop_s / wall_s:.1%} of it",
        "the watched process is stopped for every sample: its first words are later than usual",
    ]
    return found


def _listening(port: int) -> psutil.Process:
    """Who listens on this port of this machine."""
    for connection in psutil.net_connections("tcp"):
        here = connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN
        if here and connection.pid is not None:
            return psutil.Process(connection.pid)
    raise ProfileError(f"no process of this user listens on port {port} of this machine")


def _threads(process: psutil.Process) -> dict[int, float]:
    """CPU seconds of each thread so far."""
    return {thread.id: thread.user_time + thread.system_time for thread in process.threads()}
