"""What tracing costs the caller: two servers, one with spans going to a collector, and the same caller in one and the other by turns.

Machines are shared: two runs after one another differ by more than tracing could. Here each turn has its twin half a minute away.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from contextlib import ExitStack

from config.settings import Settings
from pipeline.audibility import FRAME_MS
from telephony.bench.collector import collector
from telephony.bench.figures import percentiles
from telephony.caller.fixture import bot_file, load_fixture
from telephony.caller.own_server import own_server
from telephony.caller.place import place_call

from .experiment import Outcome, Row, ms

FIXTURE = "default"
PAIRS = 16
SETTLE_S = 30.0
WITHOUT, WITH = "without", "with spans"


def tracing(_settings: Settings) -> Outcome:
    """The same calls by turns, and the difference between twins."""
    script = load_fixture(FIXTURE)
    words: dict[str, list[float | None]] = {WITHOUT: [], WITH: []}
    with ExitStack() as stack:
        variables = {"FIRSTWORD_TRACING__ENDPOINT": stack.enter_context(collector())}
        urls = {
            WITHOUT: stack.enter_context(own_server(bot_file(script))),
            WITH: stack.enter_context(own_server(bot_file(script), settings=variables)),
        }
        time.sleep(SETTLE_S)
        for number in range(PAIRS):
            # Whoever goes first meets the colder caches: by turns.
            for kind in (WITHOUT, WITH) if number % 2 else (WITH, WITHOUT):
                call = asyncio.run(place_call(urls[kind], script))
                words[kind] += [turn.first_word_ms for turn in call.turns]
    return Outcome(
        ("", "turns", "first word p50", "p95"),
        tuple(_row(kind, each) for kind, each in words.items()),
        (_compared([b - a for a, b in zip(words[WITHOUT], words[WITH], strict=True) if a is not None and b is not None]),),
        {kind: [word for word in each if word is not None] for kind, each in words.items()},
    )


def _compared(twins: list[float]) -> str:
    """What the differences say. The ear counts in frames of 20 ms, so the median is that of grouped data."""
    later, earlier = (sum(sign * difference > 0 for difference in twins) for sign in (1, -1))
    error = statistics.stdev(twins) / len(twins) ** 0.5
    return (
        f"Difference between twins (the same words said to both): median {statistics.median_grouped(twins, FRAME_MS):+.1f} ms (interpolated: the ear counts in frames of {FRAME_MS} ms), "
        f"{later} later with spans, {earlier} earlier, {len(twins) - later - earlier} the same; mean {statistics.fmean(twins):+.0f} ms (standard error {error:.0f}). "
        "Spans are made when a turn is over and sent by a thread of their own, so nothing of it lies between a caller's last sound and the bot's first."
    )


def _row(kind: str, words: list[float | None]) -> Row:
    found = percentiles([word for word in words if word is not None])
    return (kind, str(found["n"]), ms(found), ms(found, "p95"))
