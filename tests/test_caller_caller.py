"""The caller's decisions, driven frame by frame against a bot that is a list of numbers."""

from dataclasses import dataclass, field

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.caller.caller import Caller, Command, PressKey, PutDown, Speak
from telephony.caller.script import AfterBot, AfterPrevious, CallerScript, HangUp, IntoReply, Press, Say, Wait

WORDS = (np.sin(np.arange(1600) * np.pi / 4) * 8000).astype(np.int16)  # 200 ms: ten frames


@dataclass
class Bot:
    """Speaks in the given stretches of frames [start, end)."""

    spans: list[tuple[int, int]]
    now: int = 0
    queued_until: int = 0
    started: list[int] = field(default_factory=list)

    @property
    def onsets(self) -> list[int]:
        return [start for start, _ in self.spans if start < self.now]

    @property
    def last_audible_frame(self) -> int | None:
        ends = [min(end, self.now) - 1 for start, end in self.spans if start < self.now]
        return max(ends, default=None)

    @property
    def empty_since_frame(self) -> int | None:
        current = [(start, end) for start, end in self.spans if start < self.now]
        if not current:
            return 0
        return None if current[-1][1] > self.now else current[-1][1]


def run(script: CallerScript, bot: Bot, frames: int = 2000) -> list[tuple[int, Command]]:
    caller, log = Caller(script), []
    for frame in range(frames):
        bot.now = frame
        log += [(frame, command) for command in caller.tick(frame, bot)]
        assert len(caller.voice()) == 160
    return log


def test_speaks_a_second_after_the_greeting_and_hangs_up_after_the_answer() -> None:
    script = CallerScript("a", (Say("hello", WORDS),))
    log = run(script, Bot([(10, 60), (100 + 50, 200)]))
    assert log == [(110, Speak(0)), (200 + 75, PutDown("script"))]


def test_a_pause_between_two_phrases_is_not_the_end() -> None:
    script = CallerScript("a", (Say("hello", WORDS, AfterBot(0)),))
    log = run(script, Bot([(10, 60), (90, 120)]), 200)
    assert log == [(155, Speak(0))]


def test_interrupts_into_the_reply_and_waits_for_the_next_one() -> None:
    script = CallerScript("a", (Say("wait", WORDS, IntoReply(500)), Say("more", WORDS)))
    log = run(script, Bot([(10, 60), (100, 150)]), 300)
    assert log == [(35, Speak(0)), (200, Speak(1))]


def test_hums_do_not_ask_for_an_answer() -> None:
    hum = Say("mhm", WORDS, IntoReply(500), hum=True)
    again = Say("mhm", WORDS, IntoReply(1500), hum=True)
    log = run(CallerScript("a", (hum, again, Say("and", WORDS))), Bot([(10, 110)]), 300)
    assert log == [(35, Speak(0)), (85, Speak(1)), (160, Speak(2))]


def test_a_reply_too_short_for_the_cue_is_noted() -> None:
    caller = Caller(CallerScript("a", (Say("wait", WORDS, IntoReply(5000)),)))
    bot = Bot([(10, 30)])
    for frame in range(120):
        bot.now = frame
        caller.tick(frame, bot)
        caller.voice()
    assert [(begun.frame, begun.late) for begun in caller.begun] == [(65, True)]


def test_goes_on_when_the_bot_never_answers() -> None:
    script = CallerScript("a", (Say("a", WORDS), Say("b", WORDS)), patience_ms=2000)
    log = run(script, Bot([]), 400)
    assert [frame for frame, _ in log] == [100, 100 + 8 + 100, 208 + 8 + 100]
    assert log[-1][1] == PutDown("script")


def test_keys_are_pressed_one_by_one_during_speech() -> None:
    script = CallerScript("a", (Say("a", WORDS, AfterPrevious(200)), Press("12#", AfterPrevious(60)), HangUp(AfterPrevious(1000))))
    log = run(script, Bot([]), 200)
    assert log == [
        (10, Speak(0)),
        (13, PressKey("1")),
        (18, PressKey("2")),
        (23, PressKey("#")),
        (63, PutDown("script")),
    ]


def test_one_utterance_is_finished_before_the_next() -> None:
    log = run(CallerScript("a", (Say("a", WORDS, AfterPrevious(0)), Say("b", WORDS, AfterPrevious(20)))), Bot([]), 50)
    assert log == [(0, Speak(0)), (10, Speak(1))]


def test_waits_in_silence() -> None:
    script = CallerScript("a", (Wait(3000, AfterPrevious(100)), Say("a", WORDS, AfterPrevious(0))))
    assert run(script, Bot([]), 300)[0] == (155, Speak(1))


def test_waits_for_the_bot_to_end_the_call_but_not_for_ever() -> None:
    assert run(CallerScript("a", (), ends_by="bot", limit_s=4.0), Bot([(0, 20)]), 400) == [(200, PutDown("limit"))]


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 100)), max_size=8), st.integers(0, 3000))
def test_a_script_is_always_run_to_its_end(raw: list[tuple[int, int]], gap_ms: int) -> None:
    spans, at = [], 0
    for quiet, length in raw:
        at += quiet
        spans.append((at, at + length))
        at += length
    steps = (Say("a", WORDS, AfterBot(gap_ms)), Say("b", WORDS, IntoReply(gap_ms)), Press("1", AfterPrevious(gap_ms)))
    log = run(CallerScript("a", steps, patience_ms=3000, limit_s=100), Bot(spans), 5001)
    kinds = [type(command).__name__ for _, command in log]
    assert kinds == ["Speak", "Speak", "PressKey", "PutDown"]
    assert [frame for frame, _ in log] == sorted(frame for frame, _ in log)
