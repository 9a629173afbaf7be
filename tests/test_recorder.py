"""What a call gives to be written down: a real call on fakes, and an inbox that takes it, or does not."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from fake_leg import Line, noise
from test_call import GREETING, HUM, SERVICE, SETTINGS, WORDS, Phone, ask, greeted

from pipeline.audibility import audible_runs
from pipeline.event_log import Answer, Entry, EventLog, Gap
from pipeline.leg import Pcm
from pipeline.recorder import MAX_KEPT, MAX_WIRE_CHARS, Batch, CallRecorder, Lost
from pipeline.replay import replay
from pipeline.turn_events import CallEnded, Heard

MS = 1_000_000


@dataclass
class Desk:
    """Takes batches while there is `room`."""

    room: int = 10**9
    batches: list[Batch] = field(default_factory=list)

    def offer(self, batch: Batch) -> bool:
        if self.room <= 0:
            return False
        self.room -= 1
        self.batches.append(batch)
        return True

    @property
    def left(self) -> Pcm:
        return np.concatenate([batch.left for batch in self.batches])

    @property
    def right(self) -> Pcm:
        return np.concatenate([batch.right for batch in self.batches])

    @property
    def entries(self) -> list[Entry | Gap]:
        return [entry for batch in self.batches for entry in batch.entries]


@pytest.fixture(scope="module")
def recorded() -> tuple[Desk, Phone]:
    """A greeting, a question, a hum over the answer, a second question that interrupts, and the end."""
    desk = Desk()
    recorder = CallRecorder(desk, 8000, 0)
    phone = Phone(recorder=recorder)
    ended = []

    async def script(line: Line) -> None:
        await greeted(line)
        await ask(line)
        await line.silence(700)
        await line.hear(noise(HUM, 300))
        await line.silence(1500)
        await ask(line)
        await line.until_quiet()
        ended.append(line)

    phone.hold(script)
    desk.batches.append(recorder.last(ended[0].now_ns))
    return desk, phone


def test_the_batches_are_one_timeline(recorded: tuple[Desk, Phone]) -> None:
    desk, _ = recorded
    assert all(len(batch.left) == len(batch.right) for batch in desk.batches)
    assert all(a.first_sample + len(a.left) == b.first_sample for a, b in pairwise(desk.batches))
    assert len(desk.batches) > 20


def test_both_sides_are_where_they_were_heard(recorded: tuple[Desk, Phone]) -> None:
    desk, phone = recorded
    caller = audible_runs(desk.left, gap_ms=200)
    assert [end - start for start, end in caller] == [7200, 2400, 7200]
    bot = audible_runs(desk.right, gap_ms=200)
    assert len(bot) == 4  # greeting, answer up to the hum, the rest of it, the second answer
    assert caller[0][1] < bot[1][0] < caller[1][0] < bot[1][1] < caller[1][1] < bot[2][0]
    spoken = [segment.samples for segment in phone.leg.segments if segment.turn_id == 2]
    given, again = sum(spoken[:2]), sum(spoken[2:])  # two phrases, then the rest of the first and the second once more
    assert abs((bot[1][1] - bot[1][0]) - (given - again)) <= 160


def test_the_log_replays_to_the_same_commands(recorded: tuple[Desk, Phone]) -> None:
    desk, _ = recorded
    log = EventLog(8000, SETTINGS.turn, tuple(desk.entries))
    assert isinstance(log.entries[-1].event, CallEnded)
    replayed = replay(log)
    assert replayed.same
    assert replayed.entries > 50


def test_the_transcript_has_every_word(recorded: tuple[Desk, Phone]) -> None:
    lines = [line for batch in recorded[0].batches for line in batch.lines]
    assert [(line.who, line.what) for line in lines[:3]] == [("bot", "said"), ("caller", "said"), ("bot", "said")]
    assert (lines[0].text, lines[1].text) == (GREETING, WORDS[SERVICE])
    assert ("caller", "hum", WORDS[HUM]) in [(line.who, line.what, line.text) for line in lines]
    assert any(line.what == "resumed" for line in lines)


def test_every_turn_leaves_its_trace(recorded: tuple[Desk, Phone]) -> None:
    turns = [turn for batch in recorded[0].batches for turn in batch.turns]
    assert [turn.outcome for turn in turns][:2] == ["greeting", "answered"]


def frame(recorder: CallRecorder, number: int) -> None:
    recorder.caller(number * 160, np.full(160, number % 1000, np.int16), (number + 1) * 20 * MS)


def test_what_is_refused_is_told_in_the_next_batch() -> None:
    desk = Desk(room=2)
    recorder = CallRecorder(desk, 8000, 0)
    for number in range(500):
        recorder.wire("twilio", "{}", number * 20 * MS)
        recorder.took(Heard(number), Answer(), number * 20 * MS)
        frame(recorder, number)
    taken = len(desk.left)
    desk.room = 10**9
    for number in range(500, 600):
        frame(recorder, number)
    desk.batches.append(recorder.last(601 * 20 * MS))
    told = [batch for batch in desk.batches if batch.lost]
    assert len(told) == 1
    assert told[0].first_sample - taken == told[0].lost.samples > 7 * 8000
    assert 300 < told[0].lost.messages < 500
    assert [entry.event for entry in desk.entries if isinstance(entry, Entry)] == [Heard(n) for n in range(500)]


def test_memory_is_bounded_when_nothing_is_ever_taken() -> None:
    recorder = CallRecorder(Desk(room=0), 8000, 0)
    for number in range(3 * MAX_KEPT):
        recorder.took(Heard(number), Answer(), number * 20 * MS)
        frame(recorder, number)
    assert len(recorder._entries) <= MAX_KEPT + 50
    last = recorder.last(10**15)
    (gap,) = [entry for entry in last.entries if isinstance(entry, Gap)]
    assert gap.lost + len(last.entries) - 1 == 3 * MAX_KEPT
    assert last.lost.samples + len(last.left) == 3 * MAX_KEPT * 160


def test_a_peer_that_floods_fills_no_memory() -> None:
    desk = Desk()
    recorder = CallRecorder(desk, 8000, 0)
    for _ in range(100):
        recorder.wire("twilio", "x" * 60_000, 5)
    last = recorder.last(6)
    assert sum(len(message.text) for message in last.wire) <= MAX_WIRE_CHARS + 60_000
    assert last.lost == Lost(messages=100 - len(last.wire))


def test_a_burst_after_a_stall_is_placed_by_the_least_delayed_frame() -> None:
    recorder = CallRecorder(Desk(), 8000, 0)
    for number in range(50):
        frame(recorder, number)
    for number in range(50, 150):  # two seconds of frames at once, after two seconds without
        recorder.caller(number * 160, np.zeros(160, np.int16), 3000 * MS)
        assert recorder.position(3000 * MS) == 3000 * 8


def test_what_the_bot_says_when_the_caller_is_gone_is_not_heard() -> None:
    recorder = CallRecorder(Desk(), 8000, 0)
    for number in range(50):
        frame(recorder, number)
    recorder.bot(np.full(80_000, 9, np.int16), 900 * MS)
    last = recorder.last(1200 * MS)
    assert last.first_sample + len(last.right) == 1200 * 8
