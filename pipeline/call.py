"""One call: the thin shell around the turn machine. Feeds it what is heard, does what it says, writes down when.

Per 20 ms of the caller: one append, one VAD chunk now and then, one comparison. Everything heavier is asked of the scheduler.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol, assert_never

import structlog

from pipeline.at_ear import AtEar
from pipeline.bets import Bets
from pipeline.dialogue import Ask, Dialogue, Say
from pipeline.ears import Ears, Hearing
from pipeline.engines import Engines
from pipeline.event_log import Answer
from pipeline.heard import heard_words
from pipeline.jobs import Priority
from pipeline.leg import Audio, CallLeg, Digit, Ended, Flushed, Held, LegEvent, Played, Resumed, Segment, Started
from pipeline.listen_ahead import ListenAhead
from pipeline.planner import Planner
from pipeline.recorder import NotRecorded, Recorder
from pipeline.reply import Reply, ReplyMaker
from pipeline.scheduler import JobDroppedError
from pipeline.speaker import WireFormat
from pipeline.trace import MS, BargeIn, CallTrace, Span, TurnTrace
from pipeline.turn import State, TurnMachine, TurnTaking
from pipeline.turn_events import (
    Abandon,
    CallEnded,
    CallStarted,
    Commit,
    Count,
    EngineFailed,
    FinalReady,
    Finish,
    Flush,
    Greet,
    HangUp,
    Heard,
    Judge,
    JudgeWords,
    KeyPressed,
    MakeReply,
    PartialReady,
    Play,
    ReplyComplete,
    ReplyPhraseReady,
    ReplyPlanned,
    Silenced,
    SilenceReached,
    SpeechPaused,
    SpeechStarted,
    TimerFired,
    Transcribe,
    TurnCommand,
    TurnEvent,
    Unpark,
    Verdict,
    WordsVerdict,
)
from pipeline.vad import SpeechPaused as VadPaused
from pipeline.vad import SpeechStarted as VadStarted

log = structlog.get_logger()

LOG_BOUND = 20_000
# What ran so long before the end of a turn is in its trace.
AROUND_NS = 1500 * MS
# What the machine's counts say of a bet, and of somebody who spoke over the bot.
_BETS = {"bet_won": "won", "bet_lost": "lost", "commit_undone": "undone"}
_BARGE_INS = {"barge_in_resumed": "resumed", "barge_in_cancelled": "cancelled"}


class CallObserver(Protocol):
    """Who counts: the metrics. Calls return at once."""

    def turn_over(self, trace: TurnTrace) -> None:
        """A turn has ended, answered or not."""
        ...

    def counted(self, name: str) -> None:
        """One of the machine's counts."""
        ...

    def silenced(self, outcome_ms: float) -> None:
        """The bot fell silent at the ear this long after the caller's first sound over it."""
        ...


@dataclass(frozen=True, slots=True)
class CallSettings:
    """What a call takes from the bot file and the settings."""

    bot: str
    greeting: str
    goodbye: str
    reprompts: tuple[str, ...]
    turn: TurnTaking
    bias: str = ""
    vad_threshold: float = 0.5
    barge_in_ms: int = 90
    echo_likeness: float = 0.5
    max_reply_tokens: int = 80
    speed: float = 1.0
    log_words: bool = False
    partials: bool = True


KEYS = "I heard your keys, but I work by voice. Please tell me what you need."
PARDON = "Sorry, I didn't catch that. Could you say it again?"


class Call:
    """`receive` takes the leg's events on the loop; `run` lives as long as the call and leaves nothing behind."""

    def __init__(
        self,
        leg: CallLeg,
        engines: Engines,
        dialogue: Dialogue,
        settings: CallSettings,
        observer: CallObserver,
        clock: Callable[[], int],
        recorder: Recorder | None = None,
    ) -> None:
        self._recorder = recorder or NotRecorded()
        self.trace = CallTrace(leg.call, settings.bot, clock())
        self.log: deque[tuple[int, TurnEvent]] = deque(maxlen=LOG_BOUND)
        self._leg = leg
        self._engines = engines
        self._dialogue = dialogue
        self._settings = settings
        self._observer = observer
        self._clock = clock
        self._machine = TurnMachine(settings.turn, leg.rate_hz)
        hearing = Hearing(settings.vad_threshold, settings.turn.waits.pause_ms, settings.barge_in_ms, settings.echo_likeness)
        self._ears = Ears(engines.vad.stream(leg.rate_hz), leg.rate_hz, hearing)
        self._ahead = ListenAhead(leg.rate_hz)
        self._planner = Planner(leg.call, engines, dialogue)
        self._reader = self._planner.reader
        self._bets = Bets(leg.call, leg.rate_hz, engines, self._ears, settings.bias, self._take, self._spawn, self._planner)
        self._partial: asyncio.Task[None] | None = None
        self._replies: dict[int, Reply] = {}
        self._noticed: Span | None = None  # how the newest pause was
        self._over_bot: int | None = None  # first sample of what the caller said over the bot
        self._at_ear = AtEar(leg.rate_hz)
        self._flushed = 0  # the turn that was silenced last
        self._barge_in: BargeIn | None = None
        self._making: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._group: asyncio.TaskGroup | None = None
        self._over = asyncio.Event()
        self._session = engines.llm.session(leg.call)
        self._maker = ReplyMaker(
            leg,
            self._session,
            engines.speaker,
            clock,
            max_tokens=settings.max_reply_tokens,
            phrase_ready=lambda reply, i: self._take(
                ReplyPhraseReady(reply.turn_id, i, reply.phrases[i].samples, reply.phrases[i].text)
            ),
            complete=self._complete,
        )

    async def run(self) -> None:
        """Until the leg has ended. Every task of the call lives in here."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                await self._over.wait()
                self._bets.end()
                for task in (self._making, self._partial):
                    if task is not None:
                        task.cancel()
        finally:
            if self._timer is not None:
                self._timer.cancel()
            self._session.close()
            self.trace.ended_ns = self._clock()

    @property
    def unheard_s(self) -> float:
        """Seconds of a whole reply that the caller has yet to hear: until then nobody waits for a model, unless they interrupt."""
        return self._machine.unheard / self._leg.rate_hz

    # what the leg says

    def receive(self, event: LegEvent) -> None:
        """An event of the leg, on the event loop, in order."""
        match event:
            case Audio():
                self._hear(event)
            case Started():
                self._take(CallStarted())
            case Digit():
                self._take(KeyPressed(event.digit))
            case Played():
                self._at_ear.played(event.sample, self._clock())
                self._take(Heard(event.sample))
            case Flushed():
                self._measure_silence(event.sample)  # first: what comes of it is counted with this time
                self._take(Silenced(event.sample, event.error_ms))
            case Held() | Resumed():
                pass  # no media comes while the far end holds; the timeline fills it with silence
            case Ended():
                self.trace.end_reason = event.reason
                self._take(CallEnded(event.reason))
                self._over.set()
            case _:
                assert_never(event)

    def _hear(self, event: Audio) -> None:
        now = self._clock()
        self._recorder.caller(event.first_sample, event.pcm, now)
        heard = self._ears.hear(
            event.first_sample, event.pcm, now, bot_audible=self._machine.bot_audible, ahead=self._leg.queued_samples
        )
        for speech in heard:
            match speech:
                case VadStarted():
                    self._over_bot = speech.sample if self._ears.over_bot else None
                    self._bets.end()
                    self._take(SpeechStarted(speech.sample))
                case VadPaused():
                    self._noticed = Span("vad", self._ears.arrived(speech.sample), now)
                    self._take(SpeechPaused(speech.sample))
        self._notice_silence()
        self._listen_ahead()

    def _notice_silence(self) -> None:
        alarm = self._machine.alarm_sample
        if alarm is not None and self._ears.newest >= alarm and not self._ears.unsure:
            self._take(SilenceReached(self._ears.newest))

    # the machine

    def _take(self, event: TurnEvent) -> None:
        now = self._clock()
        self.log.append((now, event))
        commands = tuple(self._machine.handle(event, now))
        self._recorder.took(event, Answer(commands, self._machine.alarm_sample, self._machine.alarm_ns), now)
        for command in commands:
            self._do(command, now)
        if self._machine.state is State.THINKING:
            self._bets.hurry()  # it began as a bet
        if isinstance(event, Verdict | WordsVerdict | FinalReady | ReplyPlanned | EngineFailed):
            # The silence that it asks for may be over already.
            asyncio.get_running_loop().call_soon(self._notice_silence)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._machine.alarm_ns is not None and self._group is not None:
            delay_s = max(0.0, (self._machine.alarm_ns - now) / 1e9)
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._take, TimerFired())

    def _do(self, command: TurnCommand, now: int) -> None:  # noqa: C901 - one arm a command
        match command:
            case Transcribe():
                urgent = self._machine.state is State.THINKING
                self._bets.begin(command.bet, self._noticed or Span("vad", now, now))
                self._noticed = None
                self._bets.transcribe(command, Priority.FIRST_PHRASE if urgent else Priority.BET)
            case JudgeWords():
                self._bets.judge_words(command)
            case Judge():
                self._bets.judge(command)
            case MakeReply():
                self._make_reply(command, now)
            case Commit():
                self._commit(command, now)
            case Abandon():
                self._abandon(command.turn_id)
            case Play():
                self._play(command, now)
            case Greet():
                self._greet(command, now)
            case Flush():
                self._leg.flush()
                self._flushed = command.turn_id
                if command.turn_id in self._replies:
                    self._replies[command.turn_id].unparked.clear()
            case Unpark():
                self._replies[command.turn_id].unparked.set()
            case Finish():
                self._finish(command, now)
            case Count():
                self._count(command.name, now)
            case HangUp():
                self._leg.hangup(after_playout=True)
            case _:
                assert_never(command)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        assert self._group is not None, "the leg must not deliver events before the call runs"
        return self._group.create_task(work, name=f"{self._leg.call}-{name}")

    def _count(self, name: str, now: int) -> None:
        self.trace.count(name)
        self._observer.counted(name)
        if name in _BETS:
            self._bets.over(_BETS[name], now)
        elif name in _BARGE_INS and self._barge_in is not None:
            self._barge_in.outcome = _BARGE_INS[name]

    # ahead of the pause

    def _listen_ahead(self) -> None:
        """A partial transcript while the caller talks and nobody needs the cores."""
        start = self._machine.speech_start
        if start is None:
            self._ahead.reset()
        if self._machine.state is not State.LISTENING:
            return
        if start is None or not self._settings.partials or self._ears.hushed or not self._ahead.due(start, self._ears.newest):
            return
        if self._partial is None and self._engines.scheduler.idle:
            self._partial = self._spawn(self._hear_partial(start, self._ears.newest), "partial")
        elif self._ahead.passed_over(start, self._ears.newest):
            self._drop_partial()

    async def _hear_partial(self, start: int, end: int) -> None:
        try:
            heard = await self._bets.hear_partial(start, end)
            self._take(PartialReady(heard))
            text = self._ahead.stable(heard, end)
            if self._reader is not None and heard and self._machine.state is State.LISTENING:
                self._reader.prepare(heard, self._bets.number + 1)
            if text and self._machine.state is State.LISTENING:
                await self._prepare(text, (self._leg.call, self._bets.number + 1))
        except JobDroppedError:
            self._drop_partial()
        except Exception:
            log.exception("partial_failed", call=self._leg.call, bet=self._bets.number + 1)
        finally:
            self._partial = None

    def _drop_partial(self) -> None:
        self.trace.count("partials_dropped")
        self._observer.counted("partial_dropped")

    async def _prepare(self, text: str, turn: tuple[str, int]) -> None:
        """Prefill what the words so far call for: the fact, and the question as far as it is known."""
        try:
            plan = await self._planner.plan(text, Priority.PARTIAL, turn[1])
        except JobDroppedError:
            return  # only a hint
        except Exception:
            log.exception("prepare_failed", call=self._leg.call, bet=turn[1])
            return
        if isinstance(plan, Ask) and self._machine.state is State.LISTENING:
            self._session.prepare(plan.messages, turn[1])

    # replies

    def _make_reply(self, command: MakeReply, now: int) -> None:
        said = command.text if command.kind == "answer" else ""
        spoken_to = command.kind in ("answer", "pardon")  # else nobody spoke: the clock starts here
        trace = TurnTrace(command.turn_id, self._bets.spans[0].start_ns if spoken_to and self._bets.spans else now, caller=said)
        if command.kind in ("reprompt", "goodbye"):
            trace.outcome = command.kind
        reply = Reply(command.turn_id, said, trace, committed=not command.bet)
        self._replies[command.turn_id] = reply
        before, self._making = self._making, None
        reply.task = self._making = self._spawn(self._make(command, reply, before), f"reply-{command.turn_id}")

    async def _make(self, command: MakeReply, reply: Reply, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])  # the session makes one reply at a time
        try:
            match command.kind:
                case "answer":
                    priority = Priority.FIRST_PHRASE if reply.committed else Priority.BET
                    plan = await self._planner.plan(command.text, priority, reply.turn_id)
                    self._take(ReplyPlanned(reply.turn_id, self._dialogue.answers(plan)))
                case "keys":
                    plan = Say(KEYS)
                case "reprompt":
                    plan = Say(self._settings.reprompts[min(int(command.text), len(self._settings.reprompts) - 1)])
                case "goodbye":
                    plan = Say(self._settings.goodbye, hang_up=True)
                case "pardon":
                    plan = Say(PARDON)
            await self._maker.make(reply, plan, speed=self._settings.speed)
        except JobDroppedError:
            self._take(EngineFailed("reply", reply.turn_id))
        except Exception:
            log.exception("reply_failed", call=self._leg.call, turn=reply.turn_id)
            self._take(EngineFailed("reply", reply.turn_id))

    def _commit(self, command: Commit, now: int) -> None:
        reply = self._replies.get(command.turn_id)
        if reply is None:
            return
        trace = reply.trace
        trace.committed_ns = now
        trace.caller, trace.complete = command.text, command.complete
        trace.spans[:0] = [*self._bets.partial_spans, *self._bets.spans]
        self._bets.partial_spans = []
        trace.bets = self._bets.taken()
        if command.speech_end:
            self._bets.answered = command.speech_end
            trace.speech_end_sample = self._ears.last_audible(command.speech_end)
            trace.speech_end_ns = self._ears.arrived(trace.speech_end_sample)
        self._maker.commit(reply)

    def _abandon(self, turn_id: int) -> None:
        reply = self._replies.pop(turn_id, None)
        if reply is not None:
            self._bets.abandon(reply.trace)
        if reply is not None and reply.task is not None:
            reply.task.cancel()

    def _greet(self, command: Greet, now: int) -> None:
        trace = TurnTrace(command.turn_id, now, outcome="greeting")
        reply = Reply(command.turn_id, "", trace, committed=True, plan=Say(self._settings.greeting))
        self._replies[command.turn_id] = reply
        phrase = self._engines.speaker.ready(self._settings.greeting, WireFormat.of(self._leg), self._settings.speed)
        if phrase is None or not phrase.samples:  # a leg at a rate that nobody warmed: made now, heard late
            reply.task = self._making = self._spawn(self._make_greeting(reply), "greeting")
            return
        reply.phrases.append(phrase)
        self._take(ReplyPhraseReady(reply.turn_id, 0, phrase.samples, phrase.text))
        self._take(ReplyComplete(reply.turn_id, hang_up=False))

    async def _make_greeting(self, reply: Reply) -> None:
        try:
            await self._maker.make(reply, Say(self._settings.greeting), speed=self._settings.speed)
        except Exception:
            log.exception("greeting_failed", call=self._leg.call, turn=reply.turn_id)
            self._take(EngineFailed("reply", reply.turn_id))

    def _play(self, command: Play, now: int) -> None:
        reply = self._replies[command.turn_id]
        phrase = reply.phrases[command.index]
        width = len(phrase.payload) // phrase.samples
        samples = phrase.samples - command.offset
        if samples <= 0:
            return
        payload = phrase.payload[command.offset * width :]
        reply.trace.first_audio_ns = reply.trace.first_audio_ns or now
        self._leg.play(Segment(command.turn_id, samples, payload))
        pcm = self._leg.decode(payload)
        self._ears.bot_speaks(pcm)
        self._at_ear.given(command.turn_id, pcm, now)
        self._recorder.bot(pcm, now)
        if command.index == len(reply.phrases) - 1:
            self._read_question_before(reply)

    def _read_question_before(self, reply: Reply) -> None:
        """All of a reply is on its way to the ear, and no phrase waits for a core: who interrupts it asks after it, so the question that it answers is prefilled."""
        if self._reader is not None and reply.plan is not None and self._machine.unheard:
            self._reader.prepare("", reply.turn_id, self._dialogue.before(reply.plan))

    def _complete(self, reply: Reply, hang_up: bool) -> None:
        self._take(ReplyComplete(reply.turn_id, hang_up))
        if reply.trace.first_audio_ns:
            self._read_question_before(reply)

    def _finish(self, command: Finish, now: int) -> None:
        reply = self._replies.pop(command.turn_id, None)
        if reply is None:
            return
        if reply.task is not None and command.outcome == "interrupted":
            reply.task.cancel()  # parked since the flush: the next reply would wait for it for ever
        heard = [p.text for p in reply.phrases[: command.phrases]]
        if command.phrases < len(reply.phrases) and command.offset:
            phrase = reply.phrases[command.phrases]
            heard.append(heard_words(phrase.text, phrase.samples, command.offset, tail=phrase.tail))
        trace = reply.trace
        trace.reply, trace.heard = reply.text(), " ".join(h.strip() for h in heard if h.strip())
        trace.last_audio_ns = now
        trace.first_heard_ns, trace.last_heard_ns = self._at_ear.heard(command.turn_id)
        trace.jobs = self._engines.scheduler.ran_between(trace.speech_end_ns - AROUND_NS, trace.first_audio_ns)
        if trace.outcome == "unfinished":
            trace.outcome = command.outcome
        if reply.plan is not None:
            self._dialogue.commit(reply.said, trace.heard, reply.plan)
            if self._reader is not None and self._machine.state is not State.ENDING:
                self._reader.prepare("", command.turn_id)  # the question before, for the next one
        self.trace.turns.append(trace)
        self._observer.turn_over(trace)
        self._recorder.turn_over(trace)
        words = {"caller": trace.caller, "reply": trace.reply} if self._settings.log_words else {}
        first_ms = None if trace.first_word_ms is None else round(trace.first_word_ms)
        log.info("turn", call=self._leg.call, turn=trace.turn_id, outcome=trace.outcome, first_word_ms=first_ms, **words)

    def _measure_silence(self, sample: int) -> None:
        """The bot is silent at the ear, which heard it up to `sample`."""
        silenced_ns = self._at_ear.silenced(sample, self._clock())
        over_bot, self._over_bot = self._over_bot, None
        reply = self._replies.get(self._flushed)
        if over_bot is None or reply is None:
            return
        start_ns = self._ears.arrived(self._ears.first_audible(over_bot))
        self._barge_in = BargeIn(start_ns, silenced_ns if silenced_ns > start_ns else 0)
        reply.trace.barge_ins.append(self._barge_in)
        if silenced_ns > start_ns:
            self._observer.silenced((silenced_ns - start_ns) / MS)
