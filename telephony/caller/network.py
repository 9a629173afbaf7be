"""A network between the caller and the gateway: constant delay, seeded jitter, order kept (a WebSocket runs over TCP)."""

from __future__ import annotations

import random
from dataclasses import dataclass

from pipeline.trace import MS


@dataclass(frozen=True, slots=True)
class Network:
    """Delay of each direction in ms: every message takes `delay_ms` plus up to `jitter_ms`, drawn from `seed`."""

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    seed: int = 1

    @property
    def is_direct(self) -> bool:
        """Nothing is added: messages need not be held back at all."""
        return self.delay_ms <= 0 and self.jitter_ms <= 0


class Direction:
    """One way through a `Network`: tells when a message sent at `now` arrives. Pure; times are monotonic nanoseconds."""

    def __init__(self, network: Network, name: str) -> None:
        """`name` keeps the two directions of one seed apart."""
        self._network = network
        self._draw = random.Random(f"{network.seed}/{name}")  # noqa: S311  (reproducible on purpose)
        self._last_ns = 0

    def arrival(self, now: int) -> int:
        """When a message sent at `now` arrives: never before one that was sent earlier."""
        delay_ms = self._network.delay_ms + self._draw.uniform(0.0, self._network.jitter_ms)
        self._last_ns = max(self._last_ns, now + round(delay_ms * MS))
        return self._last_ns
