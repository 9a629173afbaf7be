"""Whole calls without a socket or a model: see fake_leg.py. Everything between the leg and the engines is the real thing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from fake_leg import LEVELS, Ears, FakeLeg, Grammar, Judge, Line, Loudness, Meaning, Mind, Tone, VirtualLoop, noise

from pipeline.call import KEYS, PARDON, Call, CallSettings
from pipeline.dialogue import Dialogue
from pipeline.endpointing import Waits
from pipeline.engines import Engines
from pipeline.leg import Digit, Ended
from pipeline.llm import LlamaLlm
from pipeline.recorder import Recorder
from pipeline.scheduler import Scheduler
from pipeline.speaker import PhraseCache, PhraseSpeaker
from pipeline.trace import TurnTrace
from pipeline.tts import TtsEngine
from pipeline.turn import TurnTaking

GREETING = "Hello, Spoke and Chain."
FACTS = """We are open Tuesday to Friday from 9 am to 6 pm. We are closed on Sunday and Monday.
A full service costs 90 pounds with a wash and a long test ride. We do not rent out bikes."""
SERVICE, THANKS, HUM, MORE = LEVELS
WORDS = {SERVICE: "How much is a full service?", THANKS: "Are you open on Sunday?", HUM: "Mm-hmm.", MORE: "please"}
SETTINGS = CallSettings(
    bot="test",
    greeting=GREETING,
    goodbye="Goodbye.",
    reprompts=("Are you still there?",),
    turn=TurnTaking(waits=Waits(sure=0.75, sure_ms=160), silence_s=5.0, reprompts=1),
)


@dataclass
class Counts:
    """A call's observer."""

    turns: list[TurnTrace] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def turn_over(self, trace: TurnTrace) -> None:
        self.turns.append(trace)

    def counted(self, name: str) -> None:
        self.names.append(name)

    def silenced(self, outcome_ms: float) -> None:
        self.names.append("silenced")


@dataclass
class Phone:
    """One call on fakes. `hold` runs a script while the call runs, and sees to it that nothing is left."""

    asr: Ears = field(default_factory=lambda: Ears(words=WORDS))
    partial: Ears | None = None
    turn: Judge = field(default_factory=Judge)
    reader: Grammar = field(default_factory=Grammar)
    embed: Meaning = field(default_factory=Meaning)
    llm: Mind = field(default_factory=Mind)
    voice: TtsEngine = field(default_factory=lambda: TtsEngine(Tone(), threads=1))
    leg: FakeLeg = field(default_factory=FakeLeg)
    counts: Counts = field(default_factory=Counts)
    recorder: Recorder | None = None

    def hold(self, script: Callable[[Line], Awaitable[None]]) -> Call:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(self._hold(script))

    async def _hold(self, script: Callable[[Line], Awaitable[None]]) -> Call:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        engines = [self.asr, self.turn, self.reader, self.embed, self.llm, self.voice]
        async with Scheduler(2, engines, lambda: round(loop.now * 1e9)) as scheduler:
            llm = LlamaLlm(self.llm, scheduler, 16)
            dialogue = Dialogue(
                "Spoke and Chain", GREETING, FACTS, "I don't know that.", "Goodbye.", self.embed.embed, as_written=0
            )
            self.reader.learn("", dialogue.statements)
            await llm.share(dialogue.prefix)
            speaker = PhraseSpeaker(self.voice, scheduler, PhraseCache())
            line = Line(self.leg, scheduler, loop)
            parts = Engines(
                scheduler, self.asr, self.partial or self.asr, self.turn, self.reader, self.embed, llm, Loudness(), speaker
            )
            call = Call(self.leg, parts, dialogue.fork(), SETTINGS, self.counts, lambda: line.now_ns, self.recorder)
            self.leg.subscribe(call.receive)
            running = asyncio.create_task(call.run(), name="call")
            await asyncio.sleep(0)
            line.start()
            await script(line)
            if not self.leg.over:
                self.leg.emit(Ended("caller_hung_up"))
            async with asyncio.timeout(5):
                await running
            await line.settle()
            left = asyncio.all_tasks() - {asyncio.current_task()}
            assert left == set(), "no task is left"
            assert len(llm.planner) == 1, "the sequence was given back: the shared one alone is open"
        return call


@pytest.fixture
def phone() -> Phone:
    return Phone()


def said(call: Call) -> list[tuple[str, str, str]]:
    """(caller, heard, outcome) of each turn."""
    return [(t.caller, t.heard, t.outcome) for t in call.trace.turns]


async def greeted(line: Line) -> None:
    await line.silence(100)
    await line.until_quiet()


async def ask(line: Line, level: int = SERVICE, ms: int = 900) -> None:
    await line.hear(noise(level, ms))
    await line.silence(300)


def test_a_greeting_a_question_its_answer_and_another(phone: Phone) -> None:
    async def script(line: Line) -> None:
        await greeted(line)
        await ask(line)
        await line.until_quiet()
        await ask(line, THANKS)
        await line.until_quiet()

    call = phone.hold(script)
    (_, greeting, first), (service, price, second), (sunday, closed, third) = said(call)
    assert (greeting, first) == (GREETING, "greeting")
    assert (service, second) == (WORDS[SERVICE], "answered")
    assert "90 pounds" in price or "ninety pounds" in price
    assert (sunday, third) == (WORDS[THANKS], "answered")
    assert "closed" in closed
    assert call.trace.end_reason == "caller_hung_up"
    assert phone.counts.names.count("bet_won") == 2


def test_an_answer_is_heard_soon_after_the_pause_and_its_stages_are_on_record(phone: Phone) -> None:
    async def script(line: Line) -> None:
        await greeted(line)
        await ask(line)
        await line.until_quiet()

    turn = phone.hold(script).trace.turns[1]
    assert {"vad", "turn", "asr", "llm", "tts"} <= {span.name for span in turn.spans}
    first_ms = (turn.first_audio_ns - turn.speech_end_ns) / 1e6
    assert 100 <= first_ms <= 260  # the engines take no time here: it is the silence that was waited for
    assert turn.fact
    assert turn.speech_end_ns < turn.committed_ns <= turn.first_audio_ns < turn.last_audio_ns


def test_a_caller_who_goes_on_is_answered_once_and_whole(phone: Phone) -> None:
    async def script(line: Line) -> None:
        await greeted(line)
        await line.hear(noise(SERVICE, 700))
        await line.silence(80)
        await line.hear(noise(MORE, 500))
        await line.silence(400)
        await line.until_quiet()

    call = phone.hold(script)
    assert [caller for caller, *_ in said(call)] == ["", "How much is a full service? please"]
    assert phone.counts.names.count("bet_lost") >= 1


MISHEARD = "How much is a fool's service?"


@pytest.mark.parametrize(
    ("least", "broken", "caller", "spans"),
    [
        (0.9, False, MISHEARD, ["final"]),
        (0.2, False, MISHEARD, ["final"]),
        (0.19, False, WORDS[SERVICE], ["unsure", "final"]),
        (0.9, True, WORDS[SERVICE], ["final"]),
    ],
    ids=["sure of every word", "sure enough", "not sure", "broken"],
)
def test_the_smaller_recogniser_is_believed_where_it_is_sure_of_every_word(
    phone: Phone, least: float, broken: bool, caller: str, spans: list[str]
) -> None:
    heard = MISHEARD
    phone.partial = Ears(words={**WORDS, SERVICE: heard}, first=True, least=least, broken=broken)

    async def script(line: Line) -> None:
        await greeted(line)
        await ask(line, ms=600)  # too short for a partial transcript
        await line.until_quiet()

    turn = phone.hold(script).trace.turns[1]
    assert turn.caller == caller
    assert [span.note for span in turn.spans if span.name == "asr"] == spans
    assert phone.asr.runs == (0 if caller == heard else 1)


def test_what_is_said_over_the_bot_is_for_the_larger_recogniser(phone: Phone) -> None:
    phone.partial = Ears(words=WORDS, first=True)

    async def script(line: Line) -> None:
        await greeted(line)
        await ask(line)
        assert line.leg.playing
        await line.hear(noise(THANKS, 600))
        await line.silence(800)
        await line.until_quiet()

    assert [turn.caller for turn in phone.hold(script).trace.turns] == ["", WORDS[SERVICE], WORDS[THANKS]]
    assert phone.asr.runs == 1


def test_a_hum_suspends_and_the_reply_is_heard_whole(phone: Phone) -> None:
    async def script(line: Line) -> None:
        await greeted(line)
        await ask(line)
        assert line.leg.playing
        await line.hear(noise(HUM, 260))
        await line.silence(200)
        await line.until_quiet()

    call = phone.hold(script)
    turn = call.trace.turns[1]
    assert (turn.outcome, turn.heard) == ("answered", turn.reply)
    assert phone.leg.flushes == 1
    assert call.trace.counters["barge_in_resumed"] == 1
    assert "silenced" in phone.counts.names
    # Heard, the pieces are the reply: nothing twice and nothing missing.
    of_reply = [s for s in phone.leg.segments if s.turn_id == turn.turn_id]
    whole = of_reply[0].payload
    resumed = next(s for s in of_reply[1:] if whole.endswith(s.payload))
    assert 0 < len(resumed.payload) < len(whole)


def test_words_over_the_reply_cancel_it_and_are_answered(phone: Phone) -> None:
    async def script(line: Line) -> None:
        await greeted(line)
        await ask(line)
        assert line.leg.playing
        await line.hear(noise(THANKS, 700))
        await line.silence(800)
        await line.until_quiet()

    call = phone.hold(script)
    _, cut, answer = call.trace.turns
    assert cut.outcome == "interrupted"
    assert len(cut.heard) < len(cut.reply)
    assert cut.reply.startswith(cut.heard)
    assert (answer.caller, answer.outcome) == (WORDS[THANKS], "answered")
    assert call.trace.counters["barge_in_cancelled"] == 1


def test_the_question_that_a_reply_answers_is_prefilled_while_it_is_spoken(phone: Phone) -> None:
    async def script(line: Line) -> None:
        await greeted(line)
        await ask(line)
        assert line.leg.playing
        assert phone.reader.ahead[-1].said == ""
        assert phone.reader.ahead[-1].before is not None
        assert phone.reader.ahead[-1].before[0] == WORDS[SERVICE]

    phone.hold(script)


def test_silence_is_asked_about_and_then_the_call_ends(phone: Phone) -> None:
    async def script(line: Line) -> None:
        await greeted(line)
        await line.silence(16_000)

    call = phone.hold(script)
    assert [(t.heard, t.outcome, t.caller) for t in call.trace.turns[1:]] == [
        ("Are you still there?", "reprompt", ""),
        ("Goodbye.", "goodbye", ""),
    ]
    assert call.trace.end_reason == "hung_up"


def test_keys_are_answered(phone: Phone) -> None:
    async def script(line: Line) -> None:
        await greeted(line)
        line.leg.emit(Digit("5"))
        await line.silence(2000)
        await line.until_quiet()

    assert phone.hold(script).trace.turns[1].reply == KEYS


@pytest.mark.parametrize("after_ms", [0, 40, 200, 500, 940, 1000, 1060, 1100, 1160, 1300, 1600])
def test_a_caller_may_hang_up_at_any_moment(phone: Phone, after_ms: int) -> None:
    """`hold` sees to it that no task is left and the model's sequence is given back."""

    async def script(line: Line) -> None:
        await greeted(line)
        for at in range(0, 1600, 20):
            if at >= after_ms:
                break
            await line.hear(noise(SERVICE, 20, seed=at) if at < 900 else noise(0, 20))

    assert phone.hold(script).trace.end_reason == "caller_hung_up"


def test_a_caller_who_hangs_up_in_the_middle_of_a_reply_leaves_the_turn_on_record(phone: Phone) -> None:
    async def script(line: Line) -> None:
        await greeted(line)
        await ask(line)
        await line.silence(400)

    turn = phone.hold(script).trace.turns[1]
    assert turn.outcome == "interrupted"
    assert turn.heard
    assert len(turn.heard) < len(turn.reply)


def test_the_leg_ends_while_a_phrase_is_being_spoken(phone: Phone) -> None:
    spoken = phone.voice.run

    async def script(line: Line) -> None:
        await greeted(line)
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()

        def hang_up_meanwhile() -> None:
            line.leg.emit(Ended("caller_hung_up"))
            ended.set()

        def run(request: object) -> object:
            loop.call_soon_threadsafe(hang_up_meanwhile)
            return spoken(request)

        phone.voice.run = run
        await ask(line)
        await ended.wait()

    call = phone.hold(script)
    assert [t.outcome for t in call.trace.turns] == ["greeting"]


@pytest.mark.parametrize(("engine", "expected"), [("asr", PARDON), ("embed", PARDON), ("llm", "ninety|90")])
def test_an_engine_that_breaks_is_pardoned_and_the_call_goes_on(phone: Phone, engine: str, expected: str) -> None:
    async def script(line: Line) -> None:
        await greeted(line)
        getattr(phone, engine).broken = True
        await ask(line)
        await line.silence(1000)
        await line.until_quiet()
        getattr(phone, engine).broken = False
        await ask(line, THANKS)
        await line.until_quiet()

    call = phone.hold(script)
    assert any(part in call.trace.turns[1].heard for part in expected.split("|"))
    assert "closed" in call.trace.turns[-1].heard


def test_without_an_end_of_turn_model_the_silence_decides(phone: Phone) -> None:
    phone.turn.broken = True

    async def script(line: Line) -> None:
        await greeted(line)
        await ask(line)
        await line.silence(600)
        await line.until_quiet()

    assert phone.hold(script).trace.turns[1].outcome == "answered"


def test_a_voice_that_breaks_leaves_a_call_that_ends_itself(phone: Phone) -> None:
    async def script(line: Line) -> None:
        def broken(request: object) -> object:
            raise RuntimeError("no voice")

        phone.voice.run = broken
        await line.silence(40_000)

    call = phone.hold(script)
    assert call.trace.turns == []
    assert call.trace.end_reason == "hung_up"


def test_the_log_of_events_replays_the_call(phone: Phone) -> None:
    """The recording format: the same events into a new machine give the same commands, and the same state after each."""
    from pipeline.turn import TurnMachine
    from pipeline.turn_events import Finish

    async def script(line: Line) -> None:
        await greeted(line)
        await ask(line)
        await line.until_quiet()

    call = phone.hold(script)
    machine = TurnMachine(SETTINGS.turn, 8000)
    finished = [c for now, event in call.log for c in machine.handle(event, now) if isinstance(c, Finish)]
    assert [f.turn_id for f in finished] == [t.turn_id for t in call.trace.turns]
