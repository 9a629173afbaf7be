"""What goes into the turn machine and what comes out of it: plain, frozen data. The list of these is a recording of the call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# events


@dataclass(frozen=True, slots=True)
class CallStarted:
    """The leg is up."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The caller talks since `sample`."""

    sample: int


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """The caller has been silent since `sample` for the pause that begins a bet."""

    sample: int


@dataclass(frozen=True, slots=True)
class SilenceReached:
    """The caller's timeline has reached `sample` (asked for by `TurnMachine.alarm_sample`) with no speech since the pause."""

    sample: int


@dataclass(frozen=True, slots=True)
class PartialReady:
    """What the caller has said so far, while talking on."""

    text: str


@dataclass(frozen=True, slots=True)
class FinalReady:
    """The transcript up to the pause that began `bet`. `confidence`: 0 to 1. `ending`: what its end adds to the log odds of the turn being over.

    0: that is not known.
    """

    bet: int
    text: str
    confidence: float
    ending: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """P(turn complete) of the pause that began `bet`, by the sound of it."""

    bet: int
    probability: float


@dataclass(frozen=True, slots=True)
class WordsVerdict:
    """P(sentence over) of the transcript of `bet`, by its words."""

    bet: int
    probability: float


@dataclass(frozen=True, slots=True)
class ReplyPlanned:
    """Whether anything that the bot knows bears on what reply `turn_id` is to answer."""

    turn_id: int
    answered: bool


@dataclass(frozen=True, slots=True)
class ReplyPhraseReady:
    """Phrase `index` of reply `turn_id` is synthesised: `samples` at the leg's rate. `text`: as written."""

    turn_id: int
    index: int
    samples: int
    text: str


@dataclass(frozen=True, slots=True)
class ReplyComplete:
    """Reply `turn_id` has no more phrases than those already ready. `hang_up`: the call ends when it has been heard."""

    turn_id: int
    hang_up: bool


@dataclass(frozen=True, slots=True)
class Heard:
    """The caller has heard the bot's samples before `sample` (bot timeline)."""

    sample: int


@dataclass(frozen=True, slots=True)
class Silenced:
    """The answer to `Flush`: the bot's last heard sample."""

    sample: int
    error_ms: int


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """A DTMF key."""

    digit: str


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The time asked for by `TurnMachine.alarm_ns` has come."""


@dataclass(frozen=True, slots=True)
class EngineFailed:
    """An engine could not do its part: of a bet for `asr`, `turn` and `words`, of reply `turn_id` for the rest."""

    engine: Literal["asr", "turn", "words", "reply"]
    number: int


@dataclass(frozen=True, slots=True)
class CallEnded:
    """Nothing follows."""

    reason: str


TurnEvent = (
    CallStarted
    | SpeechStarted
    | SpeechPaused
    | SilenceReached
    | PartialReady
    | FinalReady
    | Verdict
    | WordsVerdict
    | ReplyPlanned
    | ReplyPhraseReady
    | ReplyComplete
    | Heard
    | Silenced
    | KeyPressed
    | TimerFired
    | EngineFailed
    | CallEnded
)

# commands


@dataclass(frozen=True, slots=True)
class Transcribe:
    """Transcribe the caller's samples [start, end) for `bet`."""

    bet: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Judge:
    """Ask whether the turn that began at `start` is over, hearing it up to `end`, for `bet`."""

    bet: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class JudgeWords:
    """Ask whether `text`, the transcript of `bet`, is the end of a sentence."""

    bet: int
    text: str


@dataclass(frozen=True, slots=True)
class MakeReply:
    """Make reply `turn_id` to `text` (or to keys, or of a fixed kind). Its phrases are played when the machine says so."""

    turn_id: int
    kind: Literal["answer", "keys", "reprompt", "goodbye", "pardon"]
    text: str
    bet: bool = False


@dataclass(frozen=True, slots=True)
class Commit:
    """The caller's turn is over: reply `turn_id` is being waited for. `text` is what was said; zero of its clock is `speech_end`.

    `complete`: P(complete) of all that was known by then; 0 where nothing was judged.
    """

    turn_id: int
    text: str
    speech_end: int
    complete: float = 0.0


@dataclass(frozen=True, slots=True)
class Abandon:
    """Cancel reply `turn_id` and await what makes it. Nothing of it was heard."""

    turn_id: int


@dataclass(frozen=True, slots=True)
class Play:
    """Play phrase `index` of reply `turn_id` from sample `offset` on."""

    turn_id: int
    index: int
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Greet:
    """Play the greeting: it is ready, already encoded."""

    turn_id: int


@dataclass(frozen=True, slots=True)
class Flush:
    """Silence the leg now, and park what makes reply `turn_id`."""

    turn_id: int


@dataclass(frozen=True, slots=True)
class Unpark:
    """Go on making reply `turn_id`."""

    turn_id: int


@dataclass(frozen=True, slots=True)
class Finish:
    """Reply `turn_id` is over: `phrases` whole ones were heard and `offset` samples of the next. No more of it is made.

    Every reply ends in one of `Finish` and `Abandon`.
    """

    turn_id: int
    phrases: int
    offset: int
    outcome: Literal["answered", "interrupted"]
    error_ms: int = 0


@dataclass(frozen=True, slots=True)
class Count:
    """Something for the metrics: `bet_won`, `bet_lost`, `barge_in_resumed`, `barge_in_cancelled`, `commit_undone`, ..."""

    name: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call once what is queued has been heard."""


TurnCommand = (
    Transcribe | Judge | JudgeWords | MakeReply | Commit | Abandon | Play | Greet | Flush | Unpark | Finish | Count | HangUp
)
