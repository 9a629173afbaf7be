"""The pacer against a model of Twilio's player, through networks that delay each message by its own amount and keep their order."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.leg import Flushed, Played, Segment
from telephony.playout import Clear, Frame, Mark, Output, Playout, PlayoutFullError
from telephony.twilio_player import Heard, PlayerEvent, TwilioPlayer

MS = 1_000_000
PER_MS = 8


@dataclass
class Pipe:
    """One direction: messages arrive in order, each at least its own delay after it was sent."""

    delay_ms: Callable[[], float]
    last_ns: int = 0

    def arrival(self, sent_ns: int) -> int:
        self.last_ns = max(self.last_ns, sent_ns + int(self.delay_ms() * MS))
        return self.last_ns


@dataclass
class World:
    """Playout, network and far end on one clock. The payload's byte is the epoch, so that what was heard can be counted."""

    playout: Playout
    up: Pipe
    down: Pipe
    caller_media: bool = True
    answers: bool = True
    forgetful: bool = False
    now: int = 5 * MS
    epoch: int = 0
    given: int = 0
    bases: list[int] = field(default_factory=lambda: [0])
    heard: list[int] = field(default_factory=lambda: [0] * 200)
    stream: bytearray = field(default_factory=bytearray)
    stretches: list[tuple[int, int]] = field(default_factory=list)
    played: list[tuple[int, int]] = field(default_factory=list)  # (claimed, true)
    flushed: list[tuple[Flushed, int, int]] = field(default_factory=list)  # (answer, epoch, when)
    most_buffered: int = 0
    marks_out: int = 0
    frames_out: int = 0

    def __post_init__(self) -> None:
        self.player = TwilioPlayer()
        self.events: list[tuple[int, int, object]] = []
        self.count = 0
        self.expected: list[int] = []
        if self.caller_media:
            self._push(self.now + 3 * MS, ("tick", 0))

    def _push(self, at: int, what: object) -> None:
        self.count += 1
        heapq.heappush(self.events, (at, self.count, what))

    def say(self, samples: int) -> None:
        self.playout.enqueue(Segment(1, samples, bytes([self.epoch]) * samples))
        self.given += samples

    def flush(self) -> None:
        self.expected.append(self.epoch)
        self._out(self.playout.flush(self.now))
        self.epoch += 1
        self.bases.append(self.given)

    def truth(self, epoch: int) -> int:
        return self.bases[epoch] + self.heard[epoch]

    def _out(self, outputs: list[Output]) -> None:
        for output in outputs:
            if isinstance(output, Flushed):
                self.flushed.append((output, self.expected.pop(0), self.now))
                continue
            self.frames_out += isinstance(output, Frame)
            self.marks_out += isinstance(output, Mark)
            self._push(self.up.arrival(self.now), output)

    def _far(self, events: list[PlayerEvent]) -> None:
        for event in events:
            if isinstance(event, Heard):
                self.stretches.append((event.at_ns, len(event.payload)))
                self.stream += event.payload
                for epoch in range(self.epoch + 1):
                    self.heard[epoch] += event.payload.count(epoch)
            elif self.answers and not (self.forgetful and event.cleared):
                self._push(self.down.arrival(max(event.at_ns, self.down.last_ns - 10**12)), event)

    def run(self, ms: float) -> None:
        """Let time pass, event by event."""
        until = self.now + int(ms * MS)
        self._out(self.playout.due(self.now))
        while True:
            due = self.playout.next_due(self.now)
            far = self.player.next_due()
            times = [t for t in (due, far, self.events[0][0] if self.events else None) if t is not None]
            at = max(self.now, min(times, default=until))
            if at > until:
                break
            self.now = at
            self._step()
            if not times:
                break
        self.now = until
        self._far(self.player.advance(self.now))

    def _step(self) -> None:
        self._far(self.player.advance(self.now))
        self.most_buffered = max(self.most_buffered, self.player.buffered_samples)
        while self.events and self.events[0][0] <= self.now:
            what = heapq.heappop(self.events)[2]
            match what:
                case Frame(payload):
                    self._far(self.player.media(payload, self.now))
                case Mark(name):
                    self._far(self.player.mark(name, self.now))
                case Clear():
                    self._far(self.player.clear(self.now))
                case ("tick", int(stamp)):
                    self._push(self.down.arrival(self.now), ("media", stamp))
                    self._push(self.now + 20 * MS, ("tick", stamp + 20))
                case ("media", int(stamp)):
                    self.playout.caller_media(stamp, self.now)
                case _:
                    for event in self.playout.mark_returned(what.name, self.now):  # type: ignore[attr-defined]
                        if isinstance(event, Played):
                            self.played.append((event.sample, self.truth(self.epoch)))
                        else:
                            self._out([event])
        self._out(self.playout.due(self.now))


def world(
    low_ms: float = 0.2, high_ms: float = 0.2, seed: int = 1, *, lead_ms: int = 160, mark_ms: int = 60, media: bool = True
) -> World:
    rng = random.Random(seed)
    pipes = [Pipe(lambda: rng.uniform(low_ms, high_ms)) for _ in range(2)]
    return World(Playout(8000, lead_ms, mark_ms), pipes[0], pipes[1], caller_media=media)


def error_ms(w: World) -> float:
    answer, epoch, _ = w.flushed[-1]
    return abs(answer.sample - w.truth(epoch)) / PER_MS


def test_plays_at_real_pace_and_reports_it() -> None:
    w = world()
    w.say(8000)
    w.run(500)
    assert w.most_buffered <= 160 * PER_MS
    assert w.played
    assert all(claimed <= true for claimed, true in w.played)
    w.run(800)
    assert w.played[-1] == (8000, 8000)
    assert w.playout.idle
    assert w.playout.queued(w.now) == 0
    assert bytes(w.stream) == bytes(8000)
    assert [b - a - n * 125_000 for (a, n), (b, _) in zip(w.stretches, w.stretches[1:], strict=False)].count(0) == len(
        w.stretches
    ) - 1


def test_nothing_to_say_sends_nothing() -> None:
    w = world()
    w.run(1000)
    assert (w.frames_out, w.marks_out, w.playout.next_due(w.now)) == (0, 0, None)
    assert w.playout.idle


def test_pads_only_the_end() -> None:
    w = world()
    w.say(250)
    w.say(100)
    w.run(200)
    assert bytes(w.stream) == bytes(350) + b"\xff" * 130
    assert w.played[-1][0] == 350
    w.say(160)
    w.run(200)
    assert w.played[-1][0] == 510  # padding is no part of the bot's timeline


def test_an_unfinished_frame_waits_for_its_rest() -> None:
    w = world()
    w.say(1000)  # 6.25 frames
    w.run(50)
    w.say(600)
    w.run(400)
    assert bytes(w.stream) == bytes(1600)


def test_flush_with_nothing_playing_answers_at_once() -> None:
    w = world()
    w.say(320)
    w.run(300)
    w.playout.enqueue(Segment(1, 160, bytes(160)))
    assert w.playout.flush(w.now) == [Flushed(320, 0)]
    assert w.playout.queued(w.now) == 0
    assert Playout(8000, 160, 60).flush(0) == [Flushed(0, 0)]


def test_round_trip_is_measured_before_the_first_word() -> None:
    w = world(70, 70)
    w.say(1600)
    w.run(150)
    assert w.playout.rtt_ms == pytest.approx(140, abs=1)


@settings(max_examples=120, deadline=None)
@given(
    segments=st.lists(st.integers(1, 6000), min_size=1, max_size=5),
    cut_ms=st.integers(0, 1500),
    lead=st.sampled_from([100, 160, 200]),
)
def test_heard_to_20_ms_on_loopback(segments: list[int], cut_ms: int, lead: int) -> None:
    for media in (True, False):
        w = world(lead_ms=lead, media=media)
        for samples in segments:
            w.say(samples)
        w.run(cut_ms)
        w.flush()
        w.run(60)
        assert len(w.flushed) == 1
        assert error_ms(w) <= 20
        assert w.player.buffered_samples == 0


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    segments=st.lists(st.integers(1, 9000), min_size=1, max_size=5),
    pauses=st.lists(st.integers(0, 500), min_size=5, max_size=5),
    cut_ms=st.integers(0, 1800),
    again_ms=st.integers(0, 700),
)
@example(seed=2299, segments=[640], pauses=[0] * 5, cut_ms=0, again_ms=0)  # the ear ran dry within the first burst
def test_heard_to_60_ms_through_a_slow_network(
    seed: int, segments: list[int], pauses: list[int], cut_ms: int, again_ms: int
) -> None:
    w = world(50, 150, seed)
    for samples, pause in zip(segments, pauses, strict=False):
        w.say(samples)
        w.run(pause)
    w.run(cut_ms)
    w.flush()
    if again_ms > 100:  # a second reply starts before the first flush is answered, and is cut as well
        w.say(8000)
        w.run(again_ms)
        w.flush()
    w.run(700)
    assert not w.expected
    for answer, epoch, _ in w.flushed:
        assert abs(answer.sample - w.truth(epoch)) / PER_MS <= 60
        assert abs(answer.sample - w.truth(epoch)) / PER_MS <= answer.error_ms + 20
    assert all(claimed <= true for claimed, true in w.played)


def test_without_caller_media_the_arrival_times_do() -> None:
    errors = []
    for seed in range(40):
        w = world(50, 150, seed, media=False)
        w.say(16000)
        w.run(400 + seed * 17)
        w.flush()
        w.run(700)
        errors.append(error_ms(w))
    assert sorted(errors)[20] <= 40
    assert sorted(errors)[35] <= 80


def test_a_far_end_that_never_answers_gets_an_answer_by_the_clock() -> None:
    w = world(40, 40)
    w.answers = False
    w.say(16000)
    w.run(600)
    at = w.now
    w.flush()
    w.run(1000)
    answer, _, when = w.flushed[0]
    assert when - at <= 600 * MS
    assert error_ms(w) <= answer.error_ms


@pytest.mark.parametrize("high_ms", [0.5, 90])
def test_a_far_end_that_forgets_marks_at_clear(high_ms: float) -> None:
    for seed in range(20):
        w = world(0.5, high_ms, seed)
        w.forgetful = True
        w.say(16000)
        w.run(400 + 13 * seed)
        at = w.now
        w.flush()
        w.run(300)
        assert len(w.flushed) == 1
        assert w.flushed[0][2] - at <= 250 * MS
        assert error_ms(w) <= 20 + high_ms
        w.say(800)
        w.run(500)
        assert w.playout.idle


def test_resume_after_flush_counts_dropped_samples() -> None:
    w = world(30, 30)
    w.say(8000)
    w.run(300)
    w.flush()
    w.run(200)
    w.say(800)
    w.run(400)
    assert w.played[-1][0] == 8800
    assert w.playout.idle


def test_a_late_shell_does_not_pile_up_audio() -> None:
    p = Playout(8000, 160, 60)
    p.enqueue(Segment(1, 16000, bytes(16000)))
    assert sum(isinstance(o, Frame) for o in p.due(0)) == 8  # 160 ms ahead of the ear
    late = p.due(1000 * MS)  # the ear ran dry long ago
    assert sum(isinstance(o, Frame) for o in late) == 8


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), marks=st.integers(20, 300))
def test_heard_estimate_while_playing(seed: int, marks: int) -> None:
    w = world(20, 60, seed, mark_ms=marks)
    w.say(24000)
    for _ in range(12):
        w.run(150)
        sample, error = w.playout.heard(w.now)
        assert abs(sample - w.truth(0)) / PER_MS <= error + 60
        assert w.playout.queued(w.now) == 24000 - sample


def test_bad_segments_are_refused() -> None:
    p = Playout(8000, 160, 60)
    with pytest.raises(ValueError, match="has 3 bytes"):
        p.enqueue(Segment(1, 4, b"abc"))
    for _ in range(600):
        p.enqueue(Segment(1, 8000, bytes(8000)))
    with pytest.raises(PlayoutFullError):
        p.enqueue(Segment(1, 1, b"a"))
    assert p.mark_returned("not ours", 0) == []


def test_many_flushes_are_all_answered_and_bounded() -> None:
    p = Playout(8000, 160, 60)
    answers = 0
    for i in range(50):
        now = i * 5 * MS
        p.enqueue(Segment(1, 160, bytes(160)))
        answers += sum(isinstance(o, Flushed) for o in p.due(now) + p.flush(now))
    answers += sum(isinstance(o, Flushed) for o in p.due(10_000 * MS))
    assert answers == 50
    assert p.next_due(0) is None
