"""A network between the caller and the gateway: constant delay, seeded jitter, a stall, order kept (a WebSocket runs over TCP).

Frames that are lost or doubled get so before the WebSocket, on the caller's way to Twilio: the gateway sees the gap in their timestamps.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from pipeline.trace import MS


@dataclass(frozen=True, slots=True)
class Network:
    """Delay of each direction in ms: every message takes `delay_ms` plus up to `jitter_ms`, drawn from `seed`.

    `loss` and `duplicates`: shares of the caller's frames, 0 to 1. Nothing moves in either direction for `stall_ms` from `stall_at_ms`
    (since the call began) on; then it all comes at once.
    """

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    seed: int = 1
    loss: float = 0.0
    duplicates: float = 0.0
    stall_at_ms: float = 0.0
    stall_ms: float = 0.0

    @property
    def is_direct(self) -> bool:
        """Nothing is added: messages need not be held back at all."""
        return self.delay_ms <= 0 and self.jitter_ms <= 0 and self.stall_ms <= 0


class Direction:
    """One way through a `Network`: tells when a message sent at `now` arrives. Pure; times are monotonic nanoseconds."""

    def __init__(self, network: Network, name: str, origin_ns: int = 0) -> None:
        """`name` keeps the two directions of one seed apart. `origin_ns`: when the call began."""
        self._network = network
        self._draw = random.Random(f"{network.seed}/{name}")  # noqa: S311  (reproducible on purpose)
        self._last_ns = 0
        self._stall_ns = origin_ns + round(network.stall_at_ms * MS)

    def arrival(self, now: int) -> int:
        """When a message sent at `now` arrives: never before one that was sent earlier."""
        delay_ms = self._network.delay_ms + self._draw.uniform(0.0, self._network.jitter_ms)
        arrival = now + round(delay_ms * MS)
        if 0 <= arrival - self._stall_ns < self._network.stall_ms * MS:
            arrival = self._stall_ns + round(self._network.stall_ms * MS)
        self._last_ns = max(self._last_ns, arrival)
        return self._last_ns


class FrameLoss:
    """How often each of the caller's frames reaches Twilio: 0, 1 or 2 times. Pure."""

    def __init__(self, network: Network) -> None:
        """Drawn from the network's seed."""
        self._network = network
        self._draw = random.Random(f"{network.seed}/frames")  # noqa: S311  (reproducible on purpose)

    def copies(self) -> int:
        """For the next frame."""
        drawn = self._draw.random()
        if drawn < self._network.loss:
            return 0
        return 2 if drawn >= 1 - self._network.duplicates else 1
