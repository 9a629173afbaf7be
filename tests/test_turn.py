"""The turn machine: scripts of events, and the commands that must follow. 8 samples are a millisecond."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.endpointing import Waits
from pipeline.turn import IllegalTransitionError, State, TurnMachine, TurnTaking
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

MS = 1_000_000
GREETING, PHRASE = 8000, 4000
SETTINGS = TurnTaking(
    waits=Waits(pause_ms=60, sure=0.8, sure_ms=160, unsure_ms=500, unlikely_ms=1500, max_ms=1800),
    words=False,
    silence_s=7.0,
    reprompts=2,
    key_pause_s=1.5,
    max_utterance_s=28.0,
    max_call_s=600.0,
)


class Floor:
    """A machine with its clock: `ms` is both timelines' now."""

    def __init__(self, settings: TurnTaking = SETTINGS) -> None:
        self.machine = TurnMachine(settings, 8000)
        self.ms = 0
        self.said: list[TurnCommand] = []

    def __call__(self, *events: TurnEvent, at: int | None = None) -> list[TurnCommand]:
        """Commands of these events, all at `at` ms (or where the clock stands)."""
        self.ms = self.ms if at is None else at
        out = [command for event in events for command in self.machine.handle(event, self.ms * MS)]
        self.said += out
        return out

    def silence(self, at: int) -> list[TurnCommand]:
        """The caller's timeline reaches `at` ms."""
        return self(SilenceReached(at * 8), at=at)

    def timer(self) -> list[TurnCommand]:
        """The alarm goes off, on time."""
        assert self.machine.alarm_ns is not None
        return self(TimerFired(), at=max(self.ms, -(-self.machine.alarm_ns // MS)))

    @property
    def state(self) -> State:
        return self.machine.state

    @property
    def alarm_ms(self) -> int | None:
        """When silence means something next."""
        return None if self.machine.alarm_sample is None else self.machine.alarm_sample // 8


def greeted(settings: TurnTaking = SETTINGS) -> Floor:
    """A call whose greeting (turn 1) has been heard: 1000 ms in, the bot's timeline at 8000."""
    floor = Floor(settings)
    floor(CallStarted(), ReplyPhraseReady(1, 0, GREETING, "Hello."), ReplyComplete(1, hang_up=False))
    floor(Heard(GREETING), at=1000)
    return floor


def paused(floor: Floor, start: int, end: int) -> list[TurnCommand]:
    """The caller talks from `start` to `end` ms."""
    floor(SpeechStarted(start * 8), at=start + 64)
    return floor(SpeechPaused(end * 8), at=end + 64)


def betting(text: str = "are you open today", probability: float = 0.95) -> Floor:
    """A caller who talked from 2000 to 3000 ms and pauses; turn 2 is being made for it."""
    floor = greeted()
    paused(floor, 2000, 3000)
    floor(Verdict(1, probability), FinalReady(1, text, 0.9), at=3100)
    return floor


def speaking(phrases: int = 2, complete: bool = True) -> Floor:
    """Turn 2 is being spoken: phrases of 4000 samples from bot sample 8000 on."""
    floor = betting()
    for index in range(phrases):
        floor(ReplyPhraseReady(2, index, PHRASE, f"Phrase {index}."))
    if complete:
        floor(ReplyComplete(2, hang_up=False))
    floor.silence(3160)
    assert floor.state is State.SPEAKING
    return floor


def suspended(phrases: int = 2, complete: bool = True) -> Floor:
    """The caller spoke into it from 4000 to 4300 ms; the leg has not answered the flush."""
    floor = speaking(phrases, complete)
    assert floor(SpeechStarted(4000 * 8), at=4090) == [Flush(2)]
    floor(SpeechPaused(4300 * 8), at=4364)
    return floor


# greeting


def test_the_greeting_is_played_and_heard() -> None:
    floor = Floor()
    assert floor(CallStarted()) == [Greet(1)]
    assert floor(ReplyPhraseReady(1, 0, GREETING, "Hello."), ReplyComplete(1, hang_up=False)) == [Play(1, 0)]
    assert floor.state is State.SPEAKING
    assert floor(Heard(GREETING - 1), at=999) == []
    assert floor(Heard(GREETING), at=1000) == [Finish(1, 1, 0, "answered")]
    assert floor.state is State.IDLE
    assert floor.machine.alarm_ns == 8000 * MS


def test_a_greeting_that_is_made_while_the_caller_talks_is_said_after_a_noise() -> None:
    floor = Floor()
    floor(CallStarted())
    paused(floor, 100, 400)
    assert floor(ReplyPhraseReady(1, 0, GREETING, "Hello."), ReplyComplete(1, hang_up=False)) == []
    assert floor(FinalReady(1, "", 0.0)) == [Play(1, 0)]
    assert floor.state is State.SPEAKING


def test_a_greeting_that_words_came_before_is_not_said() -> None:
    floor = Floor()
    floor(CallStarted())
    paused(floor, 100, 900)
    floor(
        ReplyPhraseReady(1, 0, GREETING, "Hello."),
        Verdict(1, 0.99),
        FinalReady(1, "are you open", 0.9),
        ReplyPhraseReady(2, 0, PHRASE, "Yes."),
    )
    assert floor.silence(1060) == [Count("bet_won"), Commit(2, "are you open", 900 * 8, 0.99), Abandon(1), Play(2, 0)]


@pytest.mark.parametrize("event", [EngineFailed("reply", 1), ReplyComplete(1, hang_up=False)])
def test_a_greeting_that_cannot_be_made_leaves_the_call_listening(event: TurnEvent) -> None:
    floor = Floor()
    floor(CallStarted())
    assert floor(event) == [Abandon(1)]
    assert floor.state is State.IDLE
    assert floor.machine.alarm_ns is not None


# one exchange


def test_one_exchange() -> None:
    floor = greeted()
    assert floor(SpeechStarted(2000 * 8), at=2064) == []
    assert floor.state is State.LISTENING
    assert floor.machine.alarm_ns is None
    assert floor(SpeechPaused(3000 * 8), at=3064) == [Transcribe(1, 16000, 24480)]
    assert floor.state is State.BETTING
    assert floor.alarm_ms == 4800
    assert floor(FinalReady(1, "are you open today", 0.9), at=3120) == [
        MakeReply(2, "answer", "are you open today", bet=True),
        Judge(1, 16000, 24480),
    ]
    assert floor.alarm_ms == 4800
    assert floor(Verdict(1, 0.95), at=3130) == []
    assert floor.alarm_ms == 3160
    assert floor(ReplyPhraseReady(2, 0, PHRASE, "Yes."), at=3140) == []  # held: the turn is not over
    assert floor.silence(3159) == []
    assert floor.silence(3160) == [Count("bet_won"), Commit(2, "are you open today", 24000, 0.95), Play(2, 0)]
    assert floor.state is State.SPEAKING
    assert floor(ReplyPhraseReady(2, 1, PHRASE, "Until six."), ReplyComplete(2, hang_up=False), at=3200) == [Play(2, 1)]
    assert floor(Heard(GREETING + PHRASE), at=3700) == []
    assert floor(Heard(GREETING + 2 * PHRASE), at=4200) == [Finish(2, 2, 0, "answered")]
    assert floor.state is State.IDLE


def test_the_reply_may_come_after_the_silence() -> None:
    floor = betting()
    assert floor.silence(3160) == [Count("bet_won"), Commit(2, "are you open today", 24000, 0.95)]
    assert floor.state is State.THINKING
    assert floor(ReplyPhraseReady(2, 0, PHRASE, "Yes."), at=3300) == [Play(2, 0)]


def test_the_transcript_may_come_after_the_silence() -> None:
    floor = greeted()
    paused(floor, 2000, 3000)
    assert floor.silence(4800) == []
    assert floor.state is State.THINKING
    assert floor(FinalReady(1, "hello there", 0.9), at=4900) == [
        MakeReply(2, "answer", "hello there", bet=False),
        Count("bet_won"),
        Commit(2, "hello there", 24000, 0.5),
    ]


def test_a_reply_ends_when_all_of_it_is_made_and_heard_in_either_order() -> None:
    floor = speaking(phrases=1, complete=False)
    assert floor(Heard(GREETING + PHRASE), at=3700) == []
    assert floor(ReplyComplete(2, hang_up=False), at=3800) == [Finish(2, 1, 0, "answered")]


def test_a_reply_that_hangs_up_does_so_when_it_was_heard() -> None:
    floor = betting("goodbye")
    floor(ReplyPhraseReady(2, 0, PHRASE, "Goodbye."), ReplyComplete(2, hang_up=True))
    floor.silence(3160)
    assert floor(Heard(GREETING + PHRASE), at=3700) == [Finish(2, 1, 0, "answered"), HangUp()]


def test_a_reply_of_no_phrases_is_given_up() -> None:
    made_before, made_after = betting(), betting()
    made_before(ReplyComplete(2, hang_up=False))
    assert made_before.silence(3160)[-1] == Abandon(2)
    made_after.silence(3160)
    assert made_after(ReplyComplete(2, hang_up=True)) == [Abandon(2), HangUp()]
    assert made_before.state is made_after.state is State.IDLE


# pauses


def test_a_bet_is_lost_when_the_caller_goes_on_and_the_next_one_hears_it_all() -> None:
    floor = betting("do you have")
    floor(ReplyPhraseReady(2, 0, PHRASE, "We do."))
    assert floor(SpeechStarted(3150 * 8), at=3214) == [Abandon(2), Count("bet_lost")]
    assert floor.state is State.LISTENING
    assert floor(SpeechPaused(4000 * 8), at=4064) == [Transcribe(2, 16000, 32480)]
    assert floor(FinalReady(1, "do you have", 0.9), Verdict(1, 0.99)) == []  # of the lost bet
    assert floor(FinalReady(2, "do you have red ones", 0.9))[0] == MakeReply(3, "answer", "do you have red ones", bet=True)


@pytest.mark.parametrize("transcribed", [True, False])
def test_a_commit_is_undone_when_the_caller_goes_on_before_anything_was_heard(transcribed: bool) -> None:
    floor = greeted()
    paused(floor, 2000, 3000)
    floor(Verdict(1, 0.95))
    if transcribed:
        floor(FinalReady(1, "what does it", 0.9))
    floor.silence(3160)
    floor.silence(5000)
    assert floor.state is State.THINKING
    expected = [Abandon(2), Count("commit_undone")] if transcribed else [Count("bet_lost")]
    assert floor(SpeechStarted(5100 * 8), at=5164) == expected
    assert floor.state is State.LISTENING
    # Nothing was answered: both parts are one turn.
    assert floor(SpeechPaused(6000 * 8), at=6064) == [Transcribe(2, 16000, 48480)]


def test_after_a_reply_was_heard_the_next_turn_begins_anew() -> None:
    floor = speaking(phrases=1)
    floor(Heard(GREETING + PHRASE), at=3700)
    assert paused(floor, 5000, 6000) == [Transcribe(2, 40000, 48480)]


def test_an_unsure_verdict_waits_longer() -> None:
    floor = greeted()
    paused(floor, 2000, 3000)
    floor(Verdict(1, 0.4), FinalReady(1, "are you open today", 0.9))
    assert floor.alarm_ms == 3516
    assert floor.silence(3515) == []
    assert floor.silence(3516)[0] == Count("bet_won")


def test_a_low_verdict_ends_in_the_longest_wait() -> None:
    floor = greeted()
    paused(floor, 2000, 3000)
    floor(Verdict(1, 0.0), FinalReady(1, "are you open today", 0.9))
    assert floor.alarm_ms == 4493  # no verdict is surer than 999 to 1


def test_the_words_are_judged_with_the_sound() -> None:
    floor = greeted(replace(SETTINGS, words=True))
    paused(floor, 2000, 3000)
    floor(Verdict(1, 0.95), at=3100)
    assert floor.alarm_ms == 4800  # nothing is known of the words yet
    assert floor(FinalReady(1, "are you open today", 0.9))[-1] == JudgeWords(1, "are you open today")
    floor(WordsVerdict(1, 0.5))
    assert floor.alarm_ms == 3160


SAID = MakeReply(2, "answer", "are you open today", bet=True)
WORDS, SOUND = JudgeWords(1, "are you open today"), Judge(1, 16000, 24480)


def ended(ending: float) -> tuple[Floor, list[TurnCommand]]:
    """A caller who talked from 2000 to 3000 ms, and how the transcript ended."""
    floor = greeted(replace(SETTINGS, words=True))
    paused(floor, 2000, 3000)
    return floor, floor(FinalReady(1, "are you open today", 0.9, ending=ending), at=3100)


def test_nobody_is_asked_where_the_transcripts_end_says_enough() -> None:
    floor, asked = ended(5.0)
    assert asked == [SAID]
    assert floor.alarm_ms == 4800, "whether anything bears on it is still to come"
    assert floor(ReplyPlanned(2, answered=True)) == []
    assert floor.alarm_ms == 3160


def test_the_words_are_judged_where_it_does_not_and_the_sound_where_they_do_not() -> None:
    floor, asked = ended(3.6)
    assert asked == [SAID, WORDS]
    assert floor(ReplyPlanned(2, answered=True)) == []
    assert floor.alarm_ms == 4800
    assert floor(WordsVerdict(1, 0.6)) == [SOUND]
    assert floor.alarm_ms == 3500, "nobody waits for the sound"
    assert floor(Verdict(1, 0.99)) == []
    assert floor.alarm_ms == 3160


def test_the_sound_is_not_judged_where_the_words_say_enough() -> None:
    floor, asked = ended(3.6)
    assert asked == [SAID, WORDS]
    assert floor(ReplyPlanned(2, answered=True), WordsVerdict(1, 0.98)) == []
    assert floor.alarm_ms == 3160


def test_all_that_say_no_make_a_long_wait() -> None:
    floor, _ = ended(-3.0)
    floor(ReplyPlanned(2, answered=True), WordsVerdict(1, 0.001), Verdict(1, 0.1))
    assert floor.alarm_ms is not None
    assert floor.alarm_ms > 4000


def test_they_are_judged_after_all_where_nothing_bears_on_them() -> None:
    floor, asked = ended(5.2)
    assert asked == [SAID]
    assert floor(ReplyPlanned(2, answered=False)) == [WORDS]
    assert floor(WordsVerdict(1, 0.02)) == [SOUND]
    floor(Verdict(1, 0.5))
    assert floor.alarm_ms is not None
    assert floor.alarm_ms > 3160


def test_a_judge_of_words_who_fails_is_passed_over() -> None:
    floor, _ = ended(1.5)
    assert floor(ReplyPlanned(2, answered=True), EngineFailed("words", 1)) == [SOUND]
    floor(Verdict(1, 0.99))
    assert floor.alarm_ms is not None
    assert floor.alarm_ms < 4800


def test_words_that_go_on_make_a_sure_sound_wait() -> None:
    floor = greeted(replace(SETTINGS, words=True))
    paused(floor, 2000, 3000)
    floor(Verdict(1, 0.95), FinalReady(1, "do you have the", 0.9), WordsVerdict(1, 0.0005))
    assert floor.alarm_ms is not None
    assert floor.alarm_ms > 4000


def test_what_nothing_is_known_about_is_waited_for() -> None:
    floor = greeted(replace(SETTINGS, words=True))
    paused(floor, 2000, 3000)
    floor(Verdict(1, 0.9), FinalReady(1, "what my sister told me", 0.9), WordsVerdict(1, 0.7))
    assert floor.alarm_ms == 3160
    floor(ReplyPlanned(2, answered=False))
    assert floor.alarm_ms is not None
    assert floor.alarm_ms >= 3500


def test_without_a_verdict_on_the_words_the_sound_decides() -> None:
    floor = greeted(replace(SETTINGS, words=True))
    paused(floor, 2000, 3000)
    floor(Verdict(1, 0.95), FinalReady(1, "are you open today", 0.9), EngineFailed("words", 1))
    assert floor.alarm_ms == 3160


def test_without_a_verdict_the_longest_silence_ends_the_turn() -> None:
    floor = greeted()
    paused(floor, 2000, 3000)
    floor(FinalReady(1, "are you open today", 0.9))
    while floor.state is State.BETTING:
        assert floor.alarm_ms is not None
        floor.silence(floor.alarm_ms)
    assert floor.ms == 3000 + SETTINGS.waits.max_ms


def test_a_reply_that_never_comes_is_given_up_and_pardoned() -> None:
    floor = betting()
    floor.silence(3160)
    assert floor.state is State.THINKING
    assert floor.timer() == [Count("too_slow"), Abandon(2), MakeReply(3, "pardon", "")]
    assert floor.ms == 3160 + 8000
    assert floor(ReplyPhraseReady(2, 0, PHRASE, "Yes.")) == []
    assert floor(ReplyPhraseReady(3, 0, PHRASE, "Sorry.")) == [Play(3, 0)]


def test_what_is_unheard_of_a_whole_reply_is_time_in_which_nobody_waits() -> None:
    floor = speaking(phrases=2, complete=False)
    assert floor.machine.unheard == 0, "the next phrase is waited for"
    floor(ReplyComplete(2, hang_up=False))
    assert floor.machine.unheard == 2 * PHRASE
    floor(Heard(GREETING + PHRASE))
    assert floor.machine.unheard == PHRASE
    floor(SpeechStarted(floor.ms * 8))
    assert floor.machine.unheard == 0


def test_what_was_thrown_away_is_not_to_be_heard_any_more() -> None:
    floor = suspended(phrases=2)
    floor(Silenced(GREETING + 1000, 0), FinalReady(2, "and on sunday", 0.9))
    floor(ReplyPhraseReady(3, 0, PHRASE, "No."), ReplyComplete(3, hang_up=False), Verdict(2, 0.99))
    assert floor.alarm_ms is not None
    floor.silence(floor.alarm_ms)
    assert floor.state is State.SPEAKING
    assert floor.machine.unheard == PHRASE


def test_a_reply_that_fails_before_its_plan_is_pardoned_no_later_than_an_answer() -> None:
    floor, _ = ended(3.6)
    floor(WordsVerdict(1, 0.98), EngineFailed("reply", 2))
    assert floor.alarm_ms == 3160


def test_a_pardon_that_never_comes_either_leaves_the_call_listening() -> None:
    floor = betting()
    floor.silence(3160)
    floor.timer()
    assert floor.timer() == [Count("too_slow"), Abandon(3)]
    assert floor.state is State.IDLE
    assert floor.machine.alarm_ns is not None


def test_an_empty_transcript_is_a_noise() -> None:
    floor = greeted()
    paused(floor, 2000, 2200)
    assert floor(FinalReady(1, " ", 0.0), at=2400) == []
    assert floor.state is State.IDLE
    assert floor.alarm_ms is None
    assert floor.machine.alarm_ns == 9400 * MS


def test_an_empty_transcript_after_the_silence_is_a_noise_too() -> None:
    floor = greeted()
    paused(floor, 2000, 2200)
    floor.silence(4000)
    assert floor(FinalReady(1, "", 0.0)) == []
    assert floor.state is State.IDLE


def test_an_utterance_that_never_pauses_is_taken_after_28_s() -> None:
    floor = greeted()
    floor(SpeechStarted(2000 * 8), at=2064)
    assert floor.alarm_ms == 30000
    assert floor.silence(29980) == []
    assert floor.silence(30000) == [Transcribe(1, 16000, 30060 * 8)]
    floor(Verdict(1, 0.99), FinalReady(1, "and so on, and what does it cost?", 0.9), ReplyPhraseReady(2, 0, PHRASE, "Yes."))
    assert floor.silence(30160)[-1] == Play(2, 0)
    assert floor(SpeechPaused(31000 * 8), at=31064) == []  # the end of what was answered already


def test_partials_change_nothing() -> None:
    floor = greeted()
    floor(SpeechStarted(16000))
    assert floor(PartialReady("are you")) == []


# barge-in


@pytest.mark.parametrize("silenced_first", [True, False])
def test_after_a_hum_the_reply_goes_on_from_the_sample_that_was_cut(silenced_first: bool) -> None:
    floor = suspended()
    flushed, final = Silenced(GREETING + 1234, 20), FinalReady(2, "Mm-hmm.", 0.8)
    assert floor(*((flushed, final) if silenced_first else (final, flushed)), at=4500) == []
    assert floor.silence(4520) == [Count("barge_in_resumed"), Unpark(2), Play(2, 0, 1234), Play(2, 1)]
    assert floor.state is State.SPEAKING
    # 8000 samples were given before; the part that is played again lies behind them.
    end = GREETING + 2 * PHRASE + (PHRASE - 1234) + PHRASE
    assert floor(Heard(end - 1), at=5800) == []
    assert floor(Heard(end), at=5801) == [Finish(2, 2, 0, "answered", 20)]


def test_a_second_hum_resumes_from_where_the_resumed_part_was_cut() -> None:
    floor = suspended()
    floor(Silenced(GREETING + 1000, 20), FinalReady(2, "mhm", 0.8))
    floor.silence(4520)
    given = GREETING + 2 * PHRASE
    assert floor(SpeechStarted(4600 * 8), at=4690) == [Flush(2)]
    floor(SpeechPaused(4800 * 8), Silenced(given + 500, 20), FinalReady(3, "yeah", 0.8), at=4900)
    assert floor.silence(4920) == [Count("barge_in_resumed"), Unpark(2), Play(2, 0, 1500), Play(2, 1)]


def test_a_second_hum_before_the_resumed_part_was_heard_loses_nothing() -> None:
    floor = suspended()
    floor(Silenced(GREETING + PHRASE + 700, 20), FinalReady(2, "mhm", 0.8))
    assert floor.silence(4520)[-1] == Play(2, 1, 700)
    floor(SpeechStarted(4530 * 8), at=4620)
    floor(SpeechPaused(4800 * 8), Silenced(GREETING + PHRASE + 700, 20), FinalReady(3, "yeah", 0.8), at=4900)
    assert floor.silence(4920)[-1] == Play(2, 1, 700)


def test_a_hum_at_the_very_end_finishes_the_reply() -> None:
    floor = suspended()
    floor(Silenced(GREETING + 2 * PHRASE, 20), FinalReady(2, "okay", 0.8))
    assert floor.silence(4520) == [Count("barge_in_resumed"), Unpark(2), Finish(2, 2, 0, "answered", 20)]
    assert floor.state is State.IDLE


def test_phrases_that_come_while_it_is_suspended_are_played_after() -> None:
    floor = suspended(phrases=1, complete=False)
    floor(Silenced(GREETING + PHRASE, 0))
    assert floor(ReplyPhraseReady(2, 1, PHRASE, "More."), ReplyComplete(2, hang_up=False)) == []
    floor(FinalReady(2, "right", 0.8))
    assert floor.silence(4520) == [Count("barge_in_resumed"), Unpark(2), Play(2, 1)]


@pytest.mark.parametrize("silenced_first", [True, False])
def test_words_cancel_the_reply_where_it_was_heard_and_get_one_of_their_own(silenced_first: bool) -> None:
    floor = suspended()
    flushed, final = Silenced(GREETING + PHRASE + 250, 35), FinalReady(2, "no I meant Sunday", 0.9)
    assert floor(*((flushed, final) if silenced_first else (final, flushed)), at=4500) == [
        Count("barge_in_cancelled"),
        Finish(2, 1, 250, "interrupted", 35),
        MakeReply(3, "answer", "no I meant Sunday", bet=True),
        Judge(2, 32000, 34880),
    ]
    assert floor.state is State.BETTING
    assert floor(ReplyPhraseReady(2, 2, PHRASE, "Stale."), ReplyComplete(2, hang_up=True)) == []  # dropped at the door
    floor(Verdict(2, 0.9), ReplyPhraseReady(3, 0, PHRASE, "On Sunday."))
    assert floor.silence(4520)[-1] == Play(3, 0)


def test_the_greeting_can_be_interrupted() -> None:
    floor = Floor()
    floor(CallStarted(), ReplyPhraseReady(1, 0, GREETING, "Hello."), ReplyComplete(1, hang_up=False))
    assert floor(SpeechStarted(400 * 8), at=490) == [Flush(1)]
    floor(SpeechPaused(1200 * 8), Silenced(3200, 20), at=1264)
    assert floor(FinalReady(1, "are you open on Sunday", 0.9))[1] == Finish(1, 0, 3200, "interrupted", 20)


def test_the_bots_own_echo_resumes() -> None:
    floor = betting()
    floor(ReplyPhraseReady(2, 0, PHRASE, "We are open from nine to six."), ReplyComplete(2, hang_up=False))
    floor.silence(3160)
    floor(
        SpeechStarted(4000 * 8),
        SpeechPaused(4300 * 8),
        Silenced(GREETING + 100, 0),
        FinalReady(2, "open from nine to", 0.9),
        at=4400,
    )
    assert floor.silence(4420)[-1] == Play(2, 0, 100)


def test_who_goes_on_over_a_suspended_reply_is_heard_whole() -> None:
    floor = suspended()
    floor(Silenced(GREETING + 800, 0))
    assert floor(SpeechStarted(4500 * 8), at=4564) == [Count("bet_lost")]
    assert floor.silence(4700) == []
    assert floor(SpeechPaused(5000 * 8), at=5064) == [Transcribe(3, 32000, 40480)]


def test_it_does_not_resume_before_the_transcript() -> None:
    floor = suspended()
    floor(Silenced(GREETING + 800, 0))
    assert floor.silence(4300 + SETTINGS.resume_ms) == []
    assert floor.silence(6000) == []
    assert floor.state is State.SUSPENDED


@pytest.mark.parametrize("silenced_first", [True, False])
def test_a_failed_transcript_over_the_bot_resumes(silenced_first: bool) -> None:
    floor = suspended()
    first, second = Silenced(GREETING + 800, 0), EngineFailed("asr", 2)
    if not silenced_first:
        first, second = second, first
    floor(first)
    floor.silence(4420)
    floor(second)
    assert floor.silence(4440)[-2:] == [Play(2, 0, 800), Play(2, 1)]


def test_a_late_verdict_of_the_answered_pause_does_not_resume_the_reply() -> None:
    floor = speaking()
    floor(KeyPressed("1"), at=3500)
    assert floor.state is State.SUSPENDED
    floor(Silenced(GREETING + 100, 0), Verdict(1, 0.2), EngineFailed("turn", 1))
    assert floor.silence(3600) == []


# keys


def test_keys_are_answered_after_a_pause() -> None:
    floor = greeted()
    floor(KeyPressed("1"), at=2000)
    floor(KeyPressed("2"), at=3000)
    assert floor(TimerFired(), at=3500) == []
    assert floor.timer() == [MakeReply(2, "keys", "12"), Commit(2, "12", 0)]
    assert floor.ms == 4500
    assert floor(ReplyPhraseReady(2, 0, PHRASE, "Keys.")) == [Play(2, 0)]


def test_the_hash_key_ends_the_pause() -> None:
    floor = greeted()
    floor(KeyPressed("#"), at=2000)
    floor.timer()
    assert floor.ms == 2200


def test_a_key_silences_the_bot_and_cancels_when_it_is_known_where() -> None:
    floor = speaking()
    assert floor(KeyPressed("5"), at=3500) == [Flush(2)]
    assert floor.timer() == []  # not before it is known what was heard
    floor(Silenced(GREETING + 2700, 20))
    assert floor.timer() == [
        Count("barge_in_cancelled"),
        Finish(2, 0, 2700, "interrupted", 20),
        MakeReply(3, "keys", "5"),
        Commit(3, "5", 0),
    ]


def test_a_key_while_the_bot_thinks_gives_way_to_words() -> None:
    floor = betting()
    floor.silence(3160)
    floor(KeyPressed("5"), at=3200)
    assert floor.timer() == [Count("keys_with_words")]
    assert floor(ReplyPhraseReady(2, 0, PHRASE, "Yes.")) == [Play(2, 0)]


def test_a_key_before_a_reply_that_has_begun_by_then_interrupts_it() -> None:
    floor = betting()
    floor.silence(3160)
    floor(KeyPressed("5"), at=3200)
    floor(ReplyPhraseReady(2, 0, PHRASE, "Yes."), at=3300)
    assert floor.timer() == [Flush(2)]
    floor(Silenced(GREETING + 2000, 20))
    assert Finish(2, 0, 2000, "interrupted", 20) in floor.timer()


def test_a_key_is_answered_in_time_though_a_reply_ends_in_between() -> None:
    floor = betting()
    floor.silence(3160)
    floor(KeyPressed("5"), at=3200)
    floor(ReplyPhraseReady(2, 0, 400, "Yes."), ReplyComplete(2, hang_up=False), Heard(GREETING + 400), at=3300)
    assert floor.state is State.IDLE
    assert floor.timer()[0] == MakeReply(3, "keys", "5")
    assert floor.ms == 4700


def test_a_hum_does_not_resume_what_a_key_has_cut() -> None:
    floor = suspended()
    floor(KeyPressed("1"), Silenced(GREETING + 100, 0), FinalReady(2, "hm", 0.9), at=4400)
    assert floor.silence(4420) == []
    assert MakeReply(3, "keys", "1") in floor.timer()


def test_keys_wait_for_a_caller_who_talks() -> None:
    floor = speaking()
    floor(KeyPressed("1"), at=3500)
    floor(Silenced(GREETING + 2700, 20), SpeechStarted(3600 * 8), at=3700)
    assert floor.timer() == []
    floor(SpeechPaused(5200 * 8), at=5264)
    assert floor.timer() == []  # nor before it is known what was said
    floor(FinalReady(2, "mhm", 0.9))
    assert MakeReply(3, "keys", "1") in floor.timer()


def test_words_after_a_key_are_answered_and_the_key_is_not() -> None:
    floor = speaking()
    floor(KeyPressed("1"), at=3500)
    floor(Silenced(GREETING + 2700, 20), SpeechStarted(3600 * 8), at=3700)
    floor(SpeechPaused(4900 * 8), FinalReady(2, "are you open on Sunday", 0.9), at=4964)
    assert floor.timer() == [Count("keys_with_words")]
    assert floor.state is State.BETTING


# silence


def test_silence_is_asked_about_twice_and_then_the_call_ends() -> None:
    floor = greeted()
    given = GREETING
    for turn, kind, text in ((2, "reprompt", "0"), (3, "reprompt", "1"), (4, "goodbye", "2")):
        asked = floor.timer()
        assert len(asked) == 1
        assert isinstance(asked[0], MakeReply)
        assert (asked[0].turn_id, asked[0].kind, asked[0].text) == (turn, kind, text)
        assert floor(ReplyPhraseReady(turn, 0, PHRASE, "Hm?"), ReplyComplete(turn, hang_up=kind == "goodbye")) == [Play(turn, 0)]
        given += PHRASE
        ends = floor(Heard(given), at=floor.ms + 500)
        assert ends[0] == Finish(turn, 1, 0, "answered")
    assert ends[1:] == [HangUp()]


def test_words_start_the_count_of_silences_again() -> None:
    floor = greeted()
    floor.timer()
    floor(ReplyPhraseReady(2, 0, PHRASE, "Still there?"), ReplyComplete(2, hang_up=False), Heard(GREETING + PHRASE))
    floor(SpeechStarted(20000 * 8), SpeechPaused(20100 * 8), FinalReady(1, "", 0.0), at=20200)
    assert floor.timer() == [MakeReply(3, "reprompt", "0")]


def test_a_caller_who_speaks_before_a_reprompt_is_heard_is_not_asked() -> None:
    floor = greeted()
    floor.timer()
    assert floor(SpeechStarted(8100 * 8)) == [Abandon(2)]
    assert floor.state is State.LISTENING


def test_a_call_that_lasts_too_long_ends_after_the_reply() -> None:
    floor = speaking()
    assert floor(Heard(GREETING + 2 * PHRASE), at=600_001) == [Finish(2, 2, 0, "answered"), MakeReply(3, "goodbye", "")]


def test_a_call_that_lasts_too_long_ends_at_a_silence() -> None:
    floor = speaking()
    floor(Heard(GREETING + 2 * PHRASE), at=595_000)
    assert isinstance(asked := floor.timer()[0], MakeReply)
    assert asked.kind == "goodbye"


def test_a_timer_that_nobody_asked_for_does_nothing() -> None:
    floor = betting()
    assert floor(TimerFired(), at=99_000) == []


# failures


def test_without_smart_turn_the_silence_decides() -> None:
    floor = greeted()
    paused(floor, 2000, 3000)
    floor(EngineFailed("turn", 1), FinalReady(1, "are you open today", 0.9))
    while floor.state is State.BETTING:
        assert floor.alarm_ms is not None
        floor.silence(floor.alarm_ms)
    assert floor.ms == 3000 + SETTINGS.waits.silence_ms(0.5)


def test_a_transcript_that_fails_during_the_bet_is_pardoned_when_the_turn_is_over() -> None:
    floor = greeted()
    paused(floor, 2000, 3000)
    assert floor(EngineFailed("asr", 1)) == []  # the caller may go on
    assert floor.silence(3499) == []
    assert floor.silence(3500) == [MakeReply(2, "pardon", "")]
    assert floor(ReplyPhraseReady(2, 0, PHRASE, "Sorry?")) == [Play(2, 0)]


def test_a_transcript_that_fails_after_the_silence_is_pardoned_at_once() -> None:
    floor = greeted()
    paused(floor, 2000, 3000)
    floor.silence(4800)
    assert floor(EngineFailed("asr", 1)) == [MakeReply(2, "pardon", "")]


def test_a_reply_that_fails_during_the_bet_is_pardoned_when_the_turn_is_over() -> None:
    floor = betting()
    assert floor(EngineFailed("reply", 2)) == [Abandon(2)]
    assert floor.silence(3160) == [MakeReply(3, "pardon", "")]


def test_a_reply_that_fails_while_it_is_waited_for_is_pardoned() -> None:
    floor = betting()
    floor.silence(3160)
    assert floor(EngineFailed("reply", 2)) == [Abandon(2), MakeReply(3, "pardon", "")]
    assert floor(EngineFailed("reply", 3)) == [Abandon(3)]  # and no further
    assert floor.state is State.IDLE
    assert floor.machine.alarm_ns is not None


def test_a_reply_that_fails_in_the_middle_ends_with_what_was_ready() -> None:
    floor = speaking(phrases=1, complete=False)
    assert floor(EngineFailed("reply", 2)) == []
    assert floor(Heard(GREETING + PHRASE), at=3700) == [Finish(2, 1, 0, "answered")]


def test_a_reply_that_fails_after_all_that_was_ready_was_heard_ends_at_once() -> None:
    floor = speaking(phrases=1, complete=False)
    floor(Heard(GREETING + PHRASE), at=3700)
    assert floor(EngineFailed("reply", 2)) == [Finish(2, 1, 0, "answered")]


def test_a_goodbye_that_fails_hangs_up_all_the_same() -> None:
    floor = greeted(TurnTaking(reprompts=0))
    assert floor.timer() == [MakeReply(2, "goodbye", "0")]
    assert floor(EngineFailed("reply", 2)) == [Abandon(2), HangUp()]


def test_failures_of_what_is_over_do_nothing() -> None:
    floor = speaking()
    assert floor(EngineFailed("asr", 1), EngineFailed("turn", 1), EngineFailed("reply", 1), EngineFailed("asr", 7)) == []
    assert floor.state is State.SPEAKING


# the end


def listening() -> Floor:
    floor = greeted()
    floor(SpeechStarted(16000))
    return floor


def thinking() -> Floor:
    floor = betting()
    floor.silence(3160)
    return floor


@pytest.mark.parametrize(
    ("floor", "state", "last"),
    [
        (Floor(), State.IDLE, []),
        (greeted(), State.IDLE, []),
        (listening(), State.LISTENING, []),
        (betting(), State.BETTING, [Abandon(2)]),
        (thinking(), State.THINKING, [Abandon(2)]),
        (speaking(), State.SPEAKING, [Finish(2, 0, 0, "interrupted")]),
        (suspended(), State.SUSPENDED, [Finish(2, 0, 0, "interrupted")]),
    ],
    ids=lambda value: value.value if isinstance(value, State) else "",
)
def test_the_call_may_end_at_any_time(floor: Floor, state: State, last: list[TurnCommand]) -> None:
    assert floor.state is state
    assert floor(CallEnded("caller_hung_up")) == last
    assert floor.machine.state is State.ENDING
    assert floor.machine.alarm_ns is None
    assert floor.machine.alarm_sample is None
    assert floor(CallEnded("again"), SpeechStarted(0), TimerFired(), KeyPressed("1"), CallStarted()) == []


def test_what_was_heard_before_the_caller_hung_up_is_kept() -> None:
    floor = speaking()
    floor(Heard(GREETING + PHRASE + 320), at=3700)
    assert floor(CallEnded("caller_hung_up")) == [Finish(2, 1, 320, "interrupted")]


def test_a_change_of_state_that_is_in_no_table_raises() -> None:
    machine = TurnMachine(SETTINGS, 8000)
    with pytest.raises(IllegalTransitionError, match="idle to suspended"):
        machine._become(State.SUSPENDED)


# anything that can happen


class World:
    """A caller, a leg and engines that answer late, in any order, or not at all; holds the machine to its promises."""

    def __init__(self) -> None:
        self.machine = TurnMachine(SETTINGS, 8000)
        self.ms = 0
        self.talking = False
        self.transcripts: list[int] = []
        self.verdicts: list[int] = []
        self.phrases: dict[int, list[int]] = {}  # by turn: samples of what is ready
        self.making: list[int] = []
        self.open: set[int] = set()
        self.segments: list[tuple[int, int, int, int, int]] = []  # turn, phrase, offset, start, end
        self.given = self.heard = 0
        self.flushing = False
        self.hung_up = False
        self.next_play: tuple[int, int, int] | None = None  # turn, phrase, offset that must come after a flush
        self.take(CallStarted())

    def take(self, event: TurnEvent) -> None:
        for command in self.machine.handle(event, self.ms * MS):
            self.do(command)

    def do(self, command: TurnCommand) -> None:
        match command:
            case Transcribe():
                assert command.start <= command.end
                self.transcripts.append(command.bet)
            case Judge():
                self.verdicts.append(command.bet)
            case Greet() | MakeReply():
                assert command.turn_id not in self.phrases, "turn ids are new"
                assert self.open <= {1}, "one reply at a time"
                self.open.add(command.turn_id)
                self.making.append(command.turn_id)
                self.phrases[command.turn_id] = []
            case Commit() | Unpark():
                assert command.turn_id in self.open
            case Play(turn, index, offset):
                self.play(turn, index, offset)
            case Flush():
                assert not self.flushing
                self.flushing = True
            case Finish(turn, phrases, offset):
                samples = sum(self.phrases[turn][:phrases]) + offset
                assert samples == self.heard_of(turn), "what was heard is known to the sample"
                if command.outcome == "answered":
                    assert samples == sum(self.phrases[turn])
                self.close(turn)
            case Abandon(turn):
                assert not any(segment[0] == turn for segment in self.segments), "nothing of it was heard"
                self.close(turn)
            case HangUp():
                self.hung_up = True

    def close(self, turn: int) -> None:
        self.open.remove(turn)  # raises when it was over already
        self.next_play = None
        if turn in self.making:
            self.making.remove(turn)

    def play(self, turn: int, index: int, offset: int) -> None:
        assert turn in self.open, "an abandoned turn is never heard"
        assert not self.flushing
        samples = self.phrases[turn][index]
        assert 0 <= offset < samples
        if self.next_play is not None:
            assert (turn, index, offset) == self.next_play
        self.segments.append((turn, index, offset, self.given, self.given + samples - offset))
        self.given += samples - offset
        self.next_play = (turn, index + 1, 0)

    def heard_of(self, turn: int) -> int:
        """Samples of a reply that the caller has heard."""
        ends = [
            sum(self.phrases[turn][:index]) + offset + min(self.heard, end) - start
            for t, index, offset, start, end in self.segments
            if t == turn and start < self.heard
        ]
        return max(ends, default=0)

    def pass_time(self, ms: int) -> None:
        for _ in range(0, ms, 20):
            self.ms += 20
            # What a flush threw away is counted in `given` and never heard.
            live = [] if self.flushing else [segment for segment in self.segments if segment[4] > self.heard]
            if live:
                self.heard = min(max(self.heard, live[0][3]) + 160, self.given)
                self.take(Heard(self.heard))
            if self.machine.alarm_sample is not None and self.machine.alarm_sample <= self.ms * 8:
                self.take(SilenceReached(self.ms * 8))
            if self.machine.alarm_ns is not None and self.machine.alarm_ns <= self.ms * MS:
                self.take(TimerFired())

    def talk(self) -> None:
        self.talking = not self.talking
        self.take(SpeechStarted(self.ms * 8) if self.talking else SpeechPaused(self.ms * 8))

    def silenced(self) -> None:
        if self.flushing:
            self.flushing = False
            place = next(((t, i, o + max(self.heard, s) - s) for t, i, o, s, e in self.segments if e > self.heard), None)
            self.segments = [(t, i, o, s, min(e, self.heard)) for t, i, o, s, e in self.segments if s < self.heard]
            self.next_play = place
            self.take(Silenced(self.heard, 0))

    def transcribed(self, pick: int, text: str | None) -> None:
        if self.transcripts:
            bet = self.transcripts.pop(pick % len(self.transcripts))
            self.take(EngineFailed("asr", bet) if text is None else FinalReady(bet, text, 0.9))

    def judged(self, pick: int, probability: float | None) -> None:
        if self.verdicts:
            bet = self.verdicts.pop(pick % len(self.verdicts))
            self.take(EngineFailed("turn", bet) if probability is None else Verdict(bet, probability))

    def phrase(self, samples: int) -> None:
        if self.making:
            turn = self.making[-1]
            self.phrases[turn].append(samples)
            self.take(ReplyPhraseReady(turn, len(self.phrases[turn]) - 1, samples, "We are open from nine to six."))

    def made(self, how: str) -> None:
        if self.making:
            turn = self.making.pop()
            self.take(EngineFailed("reply", turn) if how == "fails" else ReplyComplete(turn, how == "hangs up"))

    def utter(self, text: str | None) -> None:
        """The usual way: the caller talks and pauses, the engines answer."""
        self.talk()
        self.pass_time(400)
        self.talk()
        self.silenced()
        self.transcribed(0, text)
        self.judged(0, 0.95)

    def settle(self) -> None:
        """Everybody who owes an answer gives it, and the caller keeps silent: the floor must become free again."""
        if self.talking:
            self.talk()
        for _ in range(400):
            self.silenced()
            self.transcribed(0, "mhm")
            self.judged(0, 0.9)
            if self.making and not self.phrases[self.making[-1]]:
                self.phrase(800)
            else:
                self.made("ends")
            self.pass_time(20)
            if self.machine.state is State.IDLE and not (self.making or self.transcripts or self.verdicts):
                break
        assert self.machine.state is State.IDLE, "nobody is left waiting"
        assert self.machine.alarm_ns is not None, "and silence will be noticed"


STEP = st.one_of(
    st.tuples(st.just("utter"), st.sampled_from(["are you open", "mhm", "do you have the", None])),
    st.tuples(st.just("utter"), st.just("how much is it")),
    st.tuples(st.just("pass_time"), st.sampled_from([20, 60, 200, 400, 2000, 8000])),
    st.tuples(st.just("talk")),
    st.tuples(st.just("silenced")),
    st.tuples(
        st.just("transcribed"),
        st.integers(0, 3),
        st.sampled_from(["are you open", "mhm", "", "do you have the", "open from nine to", None]),
    ),
    st.tuples(st.just("judged"), st.integers(0, 3), st.sampled_from([0.0, 0.3, 0.6, 0.95, None])),
    st.tuples(st.just("phrase"), st.integers(1, 6000)),
    st.tuples(st.just("made"), st.sampled_from(["ends", "hangs up", "fails"])),
    st.tuples(st.just("take"), st.sampled_from([KeyPressed("1"), KeyPressed("#"), TimerFired(), PartialReady("are")])),
)


@given(st.lists(STEP, max_size=60), st.booleans())
@example(
    [("talk",), ("talk",), ("pass_time", 2000), ("pass_time", 8000)], True
)  # a transcript after the apology for its being late
@settings(max_examples=300, deadline=None)
def test_whatever_happens_every_reply_ends_once_and_nobody_is_left_waiting(steps: list[tuple[object, ...]], settle: bool) -> None:
    world = World()
    for name, *arguments in steps:
        getattr(world, str(name))(*arguments)
    if settle:
        world.settle()
    world.take(CallEnded("caller_hung_up"))
    assert world.open == set()
    assert world.machine.state is State.ENDING
    assert (world.machine.alarm_ns, world.machine.alarm_sample) == (None, None)
