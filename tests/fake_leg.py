"""A call without a socket: a leg on a clock that the test turns, and engines that answer at once from what is in the audio itself.

Speech is noise; its loudness is its meaning: the recogniser reads the level and looks the words up. So the real call, scheduler, planner,
dialogue, phrases and play-out bookkeeping run, in milliseconds, without a model.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from pipeline.asr import AsrRequest, Transcript
from pipeline.audibility import rms
from pipeline.leg import Audio, Capability, Ended, Flushed, LegEvent, Outcome, Pcm, Played, Segment, Started
from pipeline.likeness import TextVectors
from pipeline.llm_batch import Batch, BatchResult
from pipeline.reader import ReadRequest
from pipeline.reading import Reading
from pipeline.smart_turn import TurnRequest

FRAME = 160
END_OF_REPLY = 0


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its timers run on `now`, which the test moves."""

    now = 0.0

    def time(self) -> float:
        """Seconds."""
        return self.now


class FakeLeg:
    """8000 Hz, 16-bit samples on the wire; plays exactly one frame a tick."""

    rate_hz = 8000
    encoding = "mulaw"
    capabilities = frozenset({Capability.HANGUP})

    def __init__(self, call: str = "CA1") -> None:
        self.call = call
        self.segments: list[Segment] = []
        self.heard = 0
        self.flushes = 0
        self.over = False
        self._queue: deque[tuple[int, int]] = deque()  # [start, end) on the bot's timeline
        self._given = 0
        self._hanging_up = False
        self._sink: Callable[[LegEvent], None] = lambda _event: None

    @property
    def queued_samples(self) -> int:
        return sum(end - max(start, self.heard) for start, end in self._queue)

    @property
    def playing(self) -> bool:
        return bool(self._queue)

    def subscribe(self, sink: Callable[[LegEvent], None]) -> None:
        self._sink = sink

    def encode(self, pcm: Pcm) -> bytes:
        return pcm.astype("<i2").tobytes()

    def decode(self, payload: bytes) -> Pcm:
        return np.frombuffer(payload, "<i2")

    def play(self, segment: Segment) -> None:
        assert len(segment.payload) == 2 * segment.samples
        assert not self.over
        self.segments.append(segment)
        self._queue.append((self._given, self._given + segment.samples))
        self._given += segment.samples

    def flush(self) -> None:
        self.flushes += 1
        self._queue.clear()
        asyncio.get_running_loop().call_soon(self.emit, Flushed(self.heard, 0))

    def send_digits(self, digits: str) -> Outcome:
        return "unsupported"

    def transfer(self, target: str) -> Outcome:
        return "unsupported"

    def hangup(self, *, after_playout: bool) -> Outcome:
        assert after_playout
        self._hanging_up = True
        return "done"

    def emit(self, event: LegEvent) -> None:
        if not self.over:
            self.over = isinstance(event, Ended)
            self._sink(event)

    def tick(self) -> None:
        """20 ms at the ear."""
        room = FRAME
        while room and self._queue:
            start, end = self._queue[0]
            at = max(self.heard, start)
            step = min(room, end - at)
            self.heard, room = at + step, room - step
            if self.heard == end:
                self._queue.popleft()
        if room < FRAME:
            self.emit(Played(self.heard))
        if self._hanging_up and not self._queue:
            self.emit(Ended("hung_up"))


@dataclass
class Engine:
    """What all fakes share."""

    name: str
    threads: int = 1
    concurrency: int = 1
    device: str = "cpu"
    broken: bool = False
    runs: int = 0

    def cost_ms(self, request: Any) -> float:
        return 1.0

    def begin(self) -> None:
        self.runs += 1
        if self.broken:
            raise RuntimeError(f"{self.name} broke")


LEVELS = (2000, 4000, 8000, 16000)
"""RMS of what a caller says: one level for each thing said."""


def noise(level: int, ms: int, seed: int = 1) -> Pcm:
    """`ms` of speech, as far as the fakes can tell."""
    return (np.random.default_rng(seed).choice([-1, 1], ms * 8) * level).astype(np.int16)


@dataclass
class Ears(Engine):
    """The recogniser: the levels in the audio, in order, as words."""

    name: str = "asr"
    words: dict[int, str] = field(default_factory=dict)
    first: bool = False
    least: float = 0.9

    def run(self, request: AsrRequest) -> Transcript:
        self.begin()
        frames = [rms(request.pcm[at : at + FRAME]) for at in range(0, len(request.pcm), FRAME)]
        levels = [min(LEVELS, key=lambda level: abs(level - frame)) for frame in frames if frame > 1000]
        said = [self.words[level] for level in dict.fromkeys(levels) if levels.count(level) > 2]
        return Transcript(" ".join(said), 0.9, least=self.least)


@dataclass
class Judge(Engine):
    """The end-of-turn model: sure, unless told otherwise."""

    name: str = "turn"
    probability: float = 0.95

    def run(self, request: TurnRequest) -> float:
        self.begin()
        return self.probability


@dataclass
class Grammar(Engine):
    """The reader: a turn may be over here, unless it ends on an article; of the lines it thinks nothing."""

    name: str = "reader"
    lines: int = 0
    ahead: list[ReadRequest] = field(default_factory=list)

    def learn(self, _name: str, statements: Sequence[Any]) -> None:
        self.lines = len(statements)

    def run(self, request: ReadRequest) -> Reading:
        self.begin()
        if request.ahead:
            self.ahead.append(request)
        over = -7.6 if re.search(r"(?:the|an?)\W*$", request.said) else 0.0
        return Reading(over, np.zeros(self.lines + 1, np.float32), (0.3, 0.3, 0.4))


WIDTH = 768
"""Of sentence embeddings, as training knows them."""


@dataclass
class Meaning(Engine):
    """Sentence embeddings: the words themselves, hashed."""

    name: str = "embed"

    def embed(self, texts: Sequence[str]) -> list[TextVectors]:
        out = np.full((len(texts), WIDTH), 1e-6, np.float32)
        for row, text in zip(out, texts, strict=True):
            for word in re.findall(r"[a-z]+", text.lower()):
                row[sum(map(ord, word)) % WIDTH] += 1
        out /= np.linalg.norm(out, axis=1, keepdims=True)
        return [TextVectors(row, row[None]) for row in out]

    def run(self, request: str) -> Any:
        self.begin()
        return self.embed(request)


class Words:
    """A vocabulary of whole words."""

    eog = frozenset({END_OF_REPLY})
    template = bos = eos = ""

    def __init__(self) -> None:
        self.known = ["<end>"]

    def tokens(self, text: str, *, first: bool = True) -> list[int]:
        found = re.findall(r"\s?\w+|\W", text)
        self.known += [word for word in dict.fromkeys(found) if word not in self.known]
        return [self.known.index(word) for word in found]

    def piece(self, token: int) -> bytes:
        return b"" if token == END_OF_REPLY else self.known[token].encode()


@dataclass
class Mind(Engine):
    """The language model: says the last fact that it was shown. Keeps a cache as llama.cpp would, and checks its positions."""

    name: str = "llm"
    max_sequences: int = 4
    vocabulary: Words = field(default_factory=Words)
    cells: dict[int, list[int]] = field(default_factory=dict)
    stalled: bool = False

    def run(self, request: Batch) -> BatchResult:
        self.begin()
        for number in request.frees:
            self.cells[number] = []
        for source, target in request.forks:
            self.cells[target] = list(self.cells[source])
        for number, start in request.rollbacks:
            del self.cells[number][start:]
        sampled = {}
        for row in request.rows:
            cells = self.cells.setdefault(row.sequence, [])
            assert row.position == len(cells)
            cells.append(row.token)
            if row.sample:
                sampled[row.sequence] = self._next(cells)
        return BatchResult(sampled)

    def _next(self, cells: list[int]) -> int:
        text = b"".join(self.vocabulary.piece(token) for token in cells).decode()
        prompt, said = text.rsplit("assistant\n", 1)
        fact = prompt.rsplit("Fact: ", 1)[1].split("\nQuestion:")[0] if "Fact: " in prompt else "Nothing."
        rest = self.vocabulary.tokens(fact)[len(self.vocabulary.tokens(said)) :]
        return rest[0] if rest else END_OF_REPLY


class Tone:
    """A voice: 30 ms a character, at the leg's own rate."""

    rate_hz = 8000

    def speak(self, text: str, speed: float) -> Any:
        samples = int(240 * len(text) / speed)
        return (0.3 * np.sin(2 * np.pi * 300 * np.arange(samples) / 8000)).astype(np.float32)


class Loudness:
    """A VAD: speech is what is loud."""

    chunk_samples = 256

    def stream(self, rate_hz: int) -> Loudness:
        return self

    def probability(self, chunk: Pcm) -> float:
        return 1.0 if rms(chunk) > 500 else 0.0


@dataclass
class Line:
    """Drives a call: audio in, time on, until everybody has done what there was to do."""

    leg: FakeLeg
    scheduler: Any
    loop: VirtualLoop
    sample: int = 0

    @property
    def now_ns(self) -> int:
        return round(self.loop.now * 1e9)

    async def settle(self) -> None:
        """Until no engine runs and no task has anything left to do."""
        quiet = 0
        while quiet < 10:
            busy = len(self.scheduler.jobs) or self.scheduler.jobs.busy_threads
            quiet = 0 if busy else quiet + 1
            await asyncio.sleep(0)

    async def hear(self, pcm: Pcm) -> None:
        """The caller's audio, 20 ms after 20 ms."""
        for at in range(0, len(pcm), FRAME):
            if self.leg.over:
                return
            self.loop.now += 0.02
            self.leg.tick()
            frame = pcm[at : at + FRAME]
            self.leg.emit(Audio(self.sample, np.pad(frame, (0, FRAME - len(frame)))))
            self.sample += FRAME
            await self.settle()

    async def silence(self, ms: int) -> None:
        """The caller says nothing."""
        await self.hear(np.zeros(ms * 8, np.int16))

    async def until_quiet(self, bound_ms: int = 20_000) -> None:
        """The caller listens until the bot has said all that it has to say."""
        for _ in range(0, bound_ms, 20):
            await self.silence(20)
            if not self.leg.playing:
                return
        raise AssertionError("the bot does not stop talking")

    def start(self) -> None:
        self.leg.emit(Started(self.leg.call))


def as_engines(**parts: Any) -> Any:
    """Fakes in the place of engines."""
    return cast("Any", SimpleNamespace(**parts))
