"""The transcript of a recording, from events and commands. 8 samples are a millisecond."""

from __future__ import annotations

from pipeline.transcript import Line, Transcript
from pipeline.turn_events import (
    Commit,
    Count,
    FinalReady,
    Finish,
    Heard,
    KeyPressed,
    Play,
    ReplyPhraseReady,
    Silenced,
    SpeechPaused,
    SpeechStarted,
    TurnCommand,
    TurnEvent,
)

PHRASE = 8000


def said(transcript: Transcript, event: TurnEvent, *commands: TurnCommand, ms: int = 0, free_ms: int = 0) -> list[Line]:
    return transcript.took(event, commands, ms * 8, max(ms, free_ms) * 8)


def test_the_callers_words_are_written_when_their_turn_is_over() -> None:
    transcript = Transcript(8000)
    assert said(transcript, SpeechStarted(800), ms=160) == []
    said(transcript, SpeechPaused(1600))
    said(transcript, SpeechStarted(2400))  # they went on: one turn
    line = said(transcript, Heard(1), Commit(2, "how much is it", 4000))
    assert line == [Line(100, 500, "caller", "said", "how much is it", 2)]
    said(transcript, SpeechStarted(16000))
    assert said(transcript, Heard(1), Commit(3, "and on Sunday", 17600))[0].from_ms == 2000


def test_a_phrase_is_written_where_it_will_be_heard() -> None:
    transcript = Transcript(8000)
    said(transcript, ReplyPhraseReady(2, 0, PHRASE, "One."))
    lines = said(transcript, ReplyPhraseReady(2, 1, PHRASE // 2, "Two."), Play(2, 0), Play(2, 1), ms=100, free_ms=300)
    assert lines == [Line(300, 1300, "bot", "said", "One.", 2), Line(1300, 1800, "bot", "said", "Two.", 2)]


def test_what_was_cut_says_what_was_heard_of_it() -> None:
    transcript = Transcript(8000)
    said(transcript, ReplyPhraseReady(2, 0, PHRASE, "One."))
    said(transcript, ReplyPhraseReady(2, 1, PHRASE, "two three four five."), Play(2, 0), Play(2, 1))
    said(transcript, Silenced(12000, 20), ms=1500)
    lines = said(transcript, FinalReady(1, "stop", 0.9), Finish(2, 1, 4000, "interrupted", 20), ms=2000)
    assert lines == [Line(1500, 1500, "bot", "cut", "two three", 2)]


def test_a_hum_and_the_phrase_that_goes_on() -> None:
    transcript = Transcript(8000)
    said(transcript, ReplyPhraseReady(2, 0, PHRASE, "One two."), Play(2, 0))
    said(transcript, SpeechStarted(4000))
    said(transcript, SpeechPaused(5600))
    said(transcript, FinalReady(1, "Mhm.", 0.9))
    lines = said(transcript, Heard(1), Count("barge_in_resumed"), Play(2, 0, 4800), ms=900)
    assert lines == [Line(500, 700, "caller", "hum", "Mhm."), Line(900, 1300, "bot", "resumed", "One two.", 2)]


def test_keys_and_what_answers_them() -> None:
    transcript = Transcript(8000)
    assert said(transcript, KeyPressed("4"), ms=250) == [Line(250, 250, "caller", "key", "4")]
    assert said(transcript, Heard(1), Commit(2, "4", 0)) == []


def test_a_reply_that_was_heard_leaves_nothing_behind() -> None:
    transcript = Transcript(8000)
    for turn in range(2, 200):
        said(transcript, ReplyPhraseReady(turn, 0, PHRASE, "One."), Play(turn, 0))
        assert said(transcript, Heard(1), Finish(turn, 1, 0, "answered")) == []
    assert transcript._phrases == {}
