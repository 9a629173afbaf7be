"""The turn machine: who has the floor. Pure: `handle(event, now) -> commands`.

The caller pauses: a bet begins (final transcript, verdict, reply), its first phrase is held until silence and verdict say that the turn
is over. The caller goes on: the bet is dropped unheard. The caller speaks over the bot: it is suspended at once, and resumed from the
exact sample after a hum, or cancelled by words. See docs/turn-taking.md for the picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, assert_never

from pipeline.backchannel import takes_the_floor
from pipeline.endpointing import Waits
from pipeline.fluency import CUT_IN_MS, GONE_MS, Fluency
from pipeline.pause import Pause
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
from pipeline.turn_reply import TurnPhrase, TurnReply

MS = 1_000_000


class State(Enum):
    """Who has the floor."""

    IDLE = "idle"  # nobody talks
    LISTENING = "listening"  # the caller talks
    BETTING = "betting"  # the caller pauses; a reply is made in case the turn is over
    THINKING = "thinking"  # the turn is over; the first phrase is not ready
    SPEAKING = "speaking"  # the bot talks
    SUSPENDED = "suspended"  # the bot was cut in on, and listens for why
    ENDING = "ending"  # the call is over


_LEGAL: dict[State, frozenset[State]] = {
    State.IDLE: frozenset({State.LISTENING, State.THINKING, State.SPEAKING, State.ENDING}),
    State.LISTENING: frozenset({State.BETTING, State.ENDING}),
    State.BETTING: frozenset({State.LISTENING, State.IDLE, State.THINKING, State.SPEAKING, State.ENDING}),
    State.THINKING: frozenset({State.LISTENING, State.SPEAKING, State.IDLE, State.ENDING}),
    State.SPEAKING: frozenset({State.SUSPENDED, State.IDLE, State.THINKING, State.ENDING}),
    State.SUSPENDED: frozenset({State.SPEAKING, State.BETTING, State.THINKING, State.LISTENING, State.IDLE, State.ENDING}),
    State.ENDING: frozenset(),
}


class IllegalTransitionError(RuntimeError):
    """A bug in the machine: its tables do not allow this change of state."""


@dataclass(frozen=True, slots=True)
class TurnTaking:
    """All thresholds. `words`: somebody judges the words too. `max_utterance_s`: then the turn is over.

    `think_s`: a reply that is not there by then is given up.
    """

    waits: Waits = field(default_factory=Waits)
    words: bool = True
    resume_ms: int = 400
    silence_s: float = 7.0
    reprompts: int = 2
    key_pause_s: float = 1.5
    max_utterance_s: float = 28.0
    think_s: float = 8.0
    max_call_s: float = 1800.0


class TurnMachine:
    """One call's floor. `rate_hz`: of the caller's timeline. `alarm_sample` and `alarm_ns` say when to call again without an event."""

    def __init__(self, settings: TurnTaking, rate_hz: int) -> None:
        self.settings = settings
        self.state = State.IDLE
        self.alarm_sample: int | None = None
        self.alarm_ns: int | None = None
        self._rate_hz = rate_hz
        self._turn_id = 0
        self._bet = 0
        self._reply: TurnReply | None = None  # spoken or suspended
        self._next: TurnReply | None = None  # being made for the caller's newest words
        self._pause: Pause | None = None
        self._speech_start: int | None = None
        self._fluency = Fluency()
        self._turn_end: int | None = None  # the caller's sample from which on they were silent before the reply that is spoken
        self._caller_talks = False
        self._given = 0  # samples given to the leg: the bot's timeline
        self._heard = 0
        self._flushed = 0  # up to there, what was not heard was thrown away
        self._early_final: FinalReady | None = None  # came before it was known where the bot fell silent
        self._keys = ""
        self._silences = 0
        self._started_ns = 0
        self._now = 0
        self._out: list[TurnCommand] = []

    @property
    def bot_audible(self) -> bool:
        """Whether the caller hears the bot, as far as is known."""
        return self.state is State.SPEAKING

    @property
    def unheard(self) -> int:
        """Samples of a whole reply, given to the leg, that the caller has yet to hear; 0 while a reply is in the making, and when the bot does not talk."""
        whole = self.state is State.SPEAKING and self._reply is not None and self._reply.complete
        return max(0, self._given - max(self._heard, self._flushed)) if whole else 0

    @property
    def speech_start(self) -> int | None:
        """First sample of what the caller is saying."""
        return self._speech_start

    def bot_words(self) -> str:
        """What the bot was saying last."""
        return " ".join(p.text for p in self._reply.phrases) if self._reply else ""

    def handle(self, event: TurnEvent, now: int) -> list[TurnCommand]:
        """Take an event at monotonic nanosecond `now`; returns what is to be done, in order."""
        self._out, self._now = [], now
        if self.state is not State.ENDING:
            self._take(event, now)
        return self._out

    def _take(self, event: TurnEvent, now: int) -> None:  # noqa: C901 - one arm an event
        match event:
            case CallStarted():
                self._on_started(now)
            case SpeechStarted():
                self._on_speech(event)
            case SpeechPaused():
                self._on_pause(event)
            case SilenceReached():
                self._on_silence(event.sample, now)
            case PartialReady():
                pass
            case FinalReady():
                self._on_final(event, now)
            case Verdict():
                self._on_verdict(event)
            case WordsVerdict():
                if self._pause is not None and event.bet == self._pause.bet:
                    self._pause.words = event.probability
                    self._ask_judges(self._pause)
                    self._arm()
            case ReplyPlanned():
                if self._pause is not None and self._next is not None and event.turn_id == self._next.turn_id:
                    self._pause.answered = event.answered
                    self._ask_judges(self._pause)
                    self._arm()
            case ReplyPhraseReady():
                self._on_phrase(event)
            case ReplyComplete():
                self._on_complete(event, now)
            case Heard():
                self._on_heard(event.sample, now)
            case Silenced():
                self._on_silenced(event, now)
            case KeyPressed():
                self._on_key(event.digit, now)
            case TimerFired():
                self._on_timer(now)
            case EngineFailed():
                self._on_failure(event, now)
            case CallEnded():
                self._on_ended()
            case _:
                assert_never(event)

    # the bot's side

    def _on_started(self, now: int) -> None:
        self._started_ns = now
        self._reply = TurnReply(self._new_turn(), kind="greeting")
        self._out.append(Greet(self._reply.turn_id))

    def _on_phrase(self, event: ReplyPhraseReady) -> None:
        reply = self._of(event.turn_id)
        if reply is None:
            return
        reply.phrases.append(TurnPhrase(event.samples, event.text))
        if reply.kind == "greeting" and self.state is State.IDLE:
            self._become(State.SPEAKING)
        if reply is self._next and self.state is State.THINKING:
            self._promote()
        if reply is self._reply and self.state is State.SPEAKING:
            self._play_rest(reply)

    def _on_complete(self, event: ReplyComplete, now: int) -> None:
        reply = self._of(event.turn_id)
        if reply is None:
            return
        reply.complete, reply.hang_up = True, event.hang_up
        if reply.phrases:
            self._on_heard(self._heard, now)
        elif reply is self._reply or self.state is State.THINKING:
            self._give_up(reply, now)

    def _promote(self) -> None:
        """The reply that was awaited becomes the one that is spoken."""
        if self._reply is not None:  # a greeting that the caller talked over before it was made
            self._out.append(Abandon(self._reply.turn_id))
        self._turn_end = None
        if self._pause is not None and self._pause.silent:
            self._turn_end = self._pause.sample
            self._fluency.ended(telling=not self._pause.lingering)
        self._reply, self._next = self._next, None
        self._pause = self._speech_start = self.alarm_sample = None
        self._become(State.SPEAKING)
        if self._reply is not None:
            self._play_rest(self._reply)

    def _give_up(self, reply: TurnReply, now: int) -> None:
        """Nothing of `reply` was or will be heard."""
        self._out.append(Abandon(reply.turn_id))
        if reply is self._reply:
            self._reply = None
        else:
            self._next = None
        if reply.hang_up:
            self._out.append(HangUp())
        if self.state in (State.THINKING, State.IDLE) and self._next is None:
            self._go_idle(now)

    def _play_rest(self, reply: TurnReply) -> None:
        while reply.played < len(reply.phrases):
            self._play(reply, reply.played, 0)

    def _play(self, reply: TurnReply, index: int, offset: int) -> None:
        phrase = reply.phrases[index]
        phrase.start, phrase.offset = self._given, offset
        self._given += phrase.samples - offset
        reply.played = index + 1
        self._out.append(Play(reply.turn_id, index, offset))

    def _on_heard(self, sample: int, now: int) -> None:
        self._heard = max(self._heard, sample)
        reply = self._reply
        if reply is None or self.state is not State.SPEAKING or not reply.heard_whole(self._heard):
            return
        self._out.append(Finish(reply.turn_id, len(reply.phrases), 0, "answered", reply.error_ms))
        self._reply = None
        self._go_idle(now)
        if reply.hang_up:
            self._out.append(HangUp())
        elif now - self._started_ns > self.settings.max_call_s * 1e9 and not self._keys:
            self._ask_for("goodbye", "")

    # the caller's side

    def _on_speech(self, event: SpeechStarted) -> None:
        self._caller_talks = True
        self._silences = 0
        match self.state:
            case State.IDLE:
                self._speech_start = event.sample
                self._become(State.LISTENING)
            case State.BETTING:
                self._go_on(event.sample)
                self._drop_bet("bet_lost")
                self._become(State.LISTENING)
            case State.THINKING:
                # Nothing was heard yet: what follows belongs to the same turn, and is transcribed with what went before.
                self._go_on(event.sample)
                self._drop_bet("commit_undone" if self._next is not None else "bet_lost")
                self._speech_start = event.sample if self._speech_start is None else self._speech_start
                self._become(State.LISTENING)
            case State.SPEAKING:
                self._speech_start = event.sample
                self._suspend()
            case State.SUSPENDED:
                self._drop_bet("bet_lost")
                self._speech_start = event.sample if self._speech_start is None else self._speech_start
            case _:
                pass
        self.alarm_sample = None
        if self.state is State.LISTENING and self._speech_start is not None:
            self.alarm_sample = self._speech_start + round(self.settings.max_utterance_s * self._rate_hz)
        if not self._keys:
            self.alarm_ns = None

    def _go_on(self, sample: int) -> None:
        """The caller is heard again at `sample`, in the same turn."""
        if self._pause is not None and self._pause.silent and not self._pause.lingering:
            self._fluency.went_on(self._ms(sample - self._pause.sample))

    def _on_pause(self, event: SpeechPaused) -> None:
        if not self._caller_talks:
            return
        self._caller_talks = False
        if self.state is State.LISTENING:
            self._become(State.BETTING)
        elif self.state is not State.SUSPENDED:
            return
        self._bet += 1
        start = self._speech_start if self._speech_start is not None else event.sample
        end = event.sample + self._samples(self.settings.waits.pause_ms)
        self._pause = Pause(self._bet, event.sample, start, end, wordless=not self.settings.words)
        self._out.append(Transcribe(self._bet, start, end))
        self._arm()

    def _on_verdict(self, event: Verdict) -> None:
        if self._pause is not None and event.bet == self._pause.bet:
            self._pause.audio = event.probability
            self._arm()

    def _on_final(self, event: FinalReady, now: int) -> None:
        pause = self._pause
        if pause is None or event.bet != pause.bet or pause.text is not None:
            return
        if self.state is State.SUSPENDED and self._reply is not None and self._reply.cut is None:
            self._early_final = event
            return
        pause.text, pause.ending = event.text, event.ending
        if self.state is State.SUSPENDED:
            if not takes_the_floor(event.text, self.bot_words(), event.confidence):
                self._arm()
                return
            if self._cut_in():
                self._fluency.cut_in()
            self._cancel_spoken()
            self._become(State.BETTING)
        if not event.text.strip():
            self._go_idle(now)
            return
        self._fluency.heard(len(event.text.split()))
        pause.fluency = self.settings.waits.fluency * self._fluency.log_odds
        self._next = TurnReply(self._new_turn(), event.text)
        self._out.append(MakeReply(self._next.turn_id, "answer", event.text, bet=self.state is State.BETTING))
        self._ask_judges(pause)
        if self.state is State.THINKING:
            self._commit(pause)
        self._arm()

    def _ask_judges(self, pause: Pause) -> None:
        """Ask whoever is to be asked now whether the turn is over."""
        while self.state is State.BETTING and (judge := pause.next_judge(self.settings.waits)) is not None:
            match judge:
                case "words":
                    pause.words_asked = True
                    self._out.append(JudgeWords(pause.bet, pause.text or ""))
                case "sound":
                    pause.sound_asked = True
                    self._out.append(Judge(pause.bet, pause.start, pause.end))

    def _arm(self) -> None:
        """Set the next sample at which silence means something."""
        pause = self._pause
        if pause is None or self._caller_talks:
            self.alarm_sample = None
            return
        if self.state is State.SUSPENDED:
            self.alarm_sample = pause.sample + self._samples(self.settings.resume_ms if pause.text is None else 0)
            return
        if self.state is not State.BETTING:
            self.alarm_sample = None
            return
        self.alarm_sample = pause.sample + self._samples(pause.wait_ms(self.settings.waits))

    def _on_silence(self, sample: int, now: int) -> None:
        if self.alarm_sample is None or sample < self.alarm_sample:
            return
        self.alarm_sample = None
        pause = self._pause
        if self.state is State.LISTENING:  # more than Whisper can hear at once, or a noise that never ends
            self._on_pause(SpeechPaused(sample))
            if self._pause is not None:
                self._pause.silent = False
        elif pause is None or self._caller_talks:
            return
        elif self.state is State.SUSPENDED:
            if pause.text is not None and not self._keys:  # else the transcript will say, or the keys
                self._resume(now)
        elif self.state is State.BETTING:
            self._commit_silence(pause, now)

    def _commit_silence(self, pause: Pause, now: int) -> None:
        """The caller has been silent for long enough: the turn is over."""
        self._become(State.THINKING)
        if self._next is not None:
            self._commit(pause)
            if self._next.phrases:
                self._promote()
            elif self._next.complete:
                self._give_up(self._next, now)
        elif pause.text is not None:  # what was said, or the reply to it, could not be made out
            self._ask_for("pardon", "")

    def _commit(self, pause: Pause) -> None:
        assert self._next is not None
        self._out += [Count("bet_won"), Commit(self._next.turn_id, self._next.text, pause.sample, pause.complete)]

    def _drop_bet(self, count: str) -> None:
        if self._next is not None:
            self._out.append(Abandon(self._next.turn_id))
            self._next = None
        if self._pause is not None and count:
            self._out.append(Count(count))
        self._pause = None
        self.alarm_sample = None

    # barge-in

    def _on_silenced(self, event: Silenced, now: int) -> None:
        reply = self._reply
        if reply is None or self.state is not State.SUSPENDED or reply.cut is not None:
            return
        self._heard, self._flushed = max(self._heard, event.sample), self._given
        reply.cut = reply.place(event.sample)
        reply.error_ms = event.error_ms
        final, self._early_final = self._early_final, None
        if final is not None:
            self._on_final(final, now)
        else:
            self._arm()

    def _resume(self, now: int) -> None:
        """It was no more than a hum: go on from the sample that was cut."""
        reply = self._reply
        if reply is None or reply.cut is None:
            return  # can't be: a transcript is taken up only once this is known
        (index, offset), reply.cut = reply.cut, None
        self._out += [Count("barge_in_resumed"), Unpark(reply.turn_id)]
        self._pause = self._speech_start = None
        reply.played = index
        self._become(State.SPEAKING)
        if index < len(reply.phrases):
            self._play(reply, index, offset)
        self._play_rest(reply)
        self._on_heard(self._heard, now)  # it may have been heard to its end before it fell silent

    def _cut_in(self) -> bool:
        """Whether the caller, who talks over the bot, only goes on with what they were saying."""
        reply, start, end = self._reply, self._speech_start, self._turn_end
        if reply is None or reply.cut is None or start is None or end is None:
            return False
        return self._ms(reply.samples_before(reply.cut)) < CUT_IN_MS and self._ms(start - end) < GONE_MS

    def _cancel_spoken(self) -> None:
        if self._reply is not None:
            self._out.append(Count("barge_in_cancelled"))
            self._break_off(self._reply)

    def _break_off(self, reply: TurnReply) -> None:
        """The spoken reply ends where it was cut, or else where it was last heard."""
        index, offset = reply.cut or reply.place(self._heard)
        self._out.append(Finish(reply.turn_id, index, offset, "interrupted", reply.error_ms))
        self._reply = None

    # keys, silence, failure, end

    def _on_key(self, digit: str, now: int) -> None:
        self._silences = 0
        self._keys = (self._keys + digit)[-32:]
        self._suspend()
        self.alarm_ns = now + round((0.2 if digit == "#" else self.settings.key_pause_s) * 1e9)

    def _suspend(self) -> None:
        """Silence the bot, if it talks; `Silenced` will say where."""
        if self.state is State.SPEAKING and self._reply is not None:
            self._out.append(Flush(self._reply.turn_id))
            self._reply.cut = None
            self._become(State.SUSPENDED)

    def _cut_and_understood(self) -> bool:
        """Whether it is known where the bot fell silent, and that no words are on their way."""
        cut = self._reply is None or self._reply.cut is not None
        return cut and (self._pause is None or self._pause.text is not None)

    def _answer_keys(self) -> None:
        keys, self._keys = self._keys, ""
        if self.state is State.SUSPENDED:
            self._cancel_spoken()
        self._drop_bet("bet_lost")
        self._next = TurnReply(self._new_turn(), keys, kind="keys")
        self._out.append(MakeReply(self._next.turn_id, "keys", keys))
        self._become(State.THINKING)
        self._out.append(Commit(self._next.turn_id, keys, 0))

    def _on_timer(self, now: int) -> None:
        if self.alarm_ns is None or now < self.alarm_ns:
            return
        self.alarm_ns = None
        if self._keys:
            self._suspend()  # a reply began between the key and now
            if self.state in (State.LISTENING, State.BETTING, State.THINKING):
                self._keys = ""  # words came with them, and words say more
                self._out.append(Count("keys_with_words"))
            elif self._caller_talks or (self.state is State.SUSPENDED and not self._cut_and_understood()):
                self.alarm_ns = now + round(0.3e9)
            else:
                self._answer_keys()
            return
        if self.state is State.THINKING:
            self._took_too_long(now)
        elif self.state is State.IDLE:
            self._ask_whether_still_there(now)

    def _ask_whether_still_there(self, now: int) -> None:
        over = now - self._started_ns > self.settings.max_call_s * 1e9
        self._silences += 1
        kind: Literal["reprompt", "goodbye"] = "goodbye" if over or self._silences > self.settings.reprompts else "reprompt"
        self._ask_for(kind, str(self._silences - 1))

    def _took_too_long(self, now: int) -> None:
        """An engine hangs, or there is far more work than cores."""
        late, self._next = self._next, None
        self._out.append(Count("too_slow"))
        self._pause = None  # a transcript that comes now comes too late
        if late is not None:
            self._out.append(Abandon(late.turn_id))
        if late is None or late.kind in ("answer", "keys"):
            self._ask_for("pardon", "")  # its audio is ready since before the call
            self.alarm_ns = now + round(self.settings.think_s * 1e9)
        elif late.hang_up or late.kind == "goodbye":
            self._out.append(HangUp())
        else:
            self._go_idle(now)

    def _ask_for(self, kind: Literal["reprompt", "goodbye", "pardon"], text: str) -> None:
        self._next = TurnReply(self._new_turn(), text, kind=kind)
        self._out.append(MakeReply(self._next.turn_id, kind, text))
        if self.state is not State.THINKING:
            self._become(State.THINKING)

    def _on_failure(self, event: EngineFailed, now: int) -> None:
        match event.engine:
            case "turn":  # the silence alone decides
                if self._pause is not None and self._pause.bet == event.number and self._pause.audio is None:
                    self._pause.audio = 0.5
                    self._arm()
            case "words":
                if self._pause is not None and self._pause.bet == event.number:
                    self._pause.wordless = True
                    self._ask_judges(self._pause)
                    self._arm()
            case "asr":
                if self._pause is not None and self._pause.bet == event.number and self._pause.text is None:
                    self._pause.text, self._pause.wordless = "", True
                    if self.state is State.THINKING:
                        self._ask_for("pardon", "")
                    else:
                        self._arm()  # the caller may go on: asked for pardon only when the silence says so
            case "reply":
                self._on_reply_failed(event.number, now)

    def _on_reply_failed(self, turn_id: int, now: int) -> None:
        reply = self._of(turn_id)
        if reply is None:
            return
        if reply.phrases:  # what is ready is said
            reply.complete = True
            self._on_heard(self._heard, now)
        elif self.state is State.BETTING and reply is self._next:
            self._out.append(Abandon(turn_id))
            self._next = None  # asked for pardon when the silence says that the turn is over
            if self._pause is not None and self._pause.answered is None:
                self._pause.answered = False
                self._ask_judges(self._pause)
                self._arm()
        elif self.state is State.THINKING and reply.kind in ("answer", "keys"):
            self._out.append(Abandon(turn_id))
            self._ask_for("pardon", "")
        else:
            reply.hang_up = reply.kind == "goodbye"
            self._give_up(reply, now)

    def _on_ended(self) -> None:
        if self._next is not None:
            self._out.append(Abandon(self._next.turn_id))
        if self._reply is not None and self._reply.played:
            self._break_off(self._reply)
        elif self._reply is not None:
            self._out.append(Abandon(self._reply.turn_id))
        self._reply = self._next = self._pause = None
        self.alarm_ns = self.alarm_sample = None
        self._become(State.ENDING)

    # the inside

    def _go_idle(self, now: int) -> None:
        if self.state is not State.IDLE:
            self._become(State.IDLE)
        self._pause = self._speech_start = self.alarm_sample = None
        if not self._keys or self.alarm_ns is None:  # keys are answered when they are due
            self.alarm_ns = now + round(self.settings.silence_s * 1e9)
        if self._reply is not None and self._reply.phrases:  # a greeting that was made while the caller talked
            self._become(State.SPEAKING)
            self._play_rest(self._reply)

    def _of(self, turn_id: int) -> TurnReply | None:
        """The reply with this id, or None when it is over: what was made for it is dropped at the door."""
        return next((r for r in (self._reply, self._next) if r is not None and r.turn_id == turn_id), None)

    def _new_turn(self) -> int:
        self._turn_id += 1
        return self._turn_id

    def _ms(self, samples: int) -> float:
        return samples * 1000 / self._rate_hz

    def _samples(self, ms: int) -> int:
        return self._rate_hz * ms // 1000

    def _become(self, state: State) -> None:
        if state not in _LEGAL[self.state]:
            raise IllegalTransitionError(f"{self.state.value} to {state.value}")
        self.state = state
        if not self._keys and state in (State.THINKING, State.SPEAKING):
            self.alarm_ns = self._now + round(self.settings.think_s * 1e9) if state is State.THINKING else None
