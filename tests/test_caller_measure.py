"""Numbers of a turn, from timelines that are written by hand."""

import re

import numpy as np

from telephony.caller.caller import Begun
from telephony.caller.measure import greeting_ms, measure_turns, missed, spoken, with_checks, with_trace
from telephony.caller.script import CallerScript, Press, Say

TONE = (np.sin(np.arange(80_000) * np.pi / 4) * 8000).astype(np.int16)
MS = 8


def timeline(*spans_ms: tuple[int, int], total_ms: int = 10_000) -> np.ndarray:
    pcm = np.zeros(total_ms * MS, np.int16)
    for start, end in spans_ms:
        pcm[start * MS : end * MS] = TONE[: (end - start) * MS]
    return pcm


def words(length_ms: int, *, hum: bool = False, expect: tuple[str, ...] = ()) -> Say:
    """60 ms of silence before and after, as recorded utterances have."""
    pcm = timeline((60, 60 + length_ms), total_ms=length_ms + 120)
    return Say("words", pcm, hum=hum, expect=tuple(re.compile(text, re.IGNORECASE) for text in expect))


def said_at(*steps: tuple[int, Say], total_ms: int = 10_000) -> list:
    script = CallerScript("t", tuple(step for _, step in steps))
    begun = [Begun(index, at_ms // 20, False) for index, (at_ms, _) in enumerate(steps)]
    return spoken(script, begun, total_ms * MS)


def test_first_word_counts_from_the_last_audible_sample() -> None:
    said = said_at((2000, words(500)))
    turn = measure_turns(said, timeline((100, 1000), (3000, 4000)))[0]
    assert (turn.said_from_ms, turn.said_until_ms) == (2060, 2560)
    assert (turn.first_word_ms, turn.cut_ins, turn.over_bot, turn.bot_audible_ms) == (440, 0, False, 1000)
    assert turn.reply_end_ms == 4000 - 2560
    assert greeting_ms(timeline((100, 1000))) == 100
    assert greeting_ms(timeline()) is None


def test_a_bot_that_speaks_too_early_cuts_in_and_its_answer_is_still_timed() -> None:
    said = said_at((2000, words(3000)))
    turn = measure_turns(said, timeline((100, 1000), (3000, 3300), (6000, 7000)))[0]
    assert (turn.cut_ins, turn.first_word_ms) == (1, 6000 - 5060)


def test_an_interruption_is_timed_from_its_first_sample_to_the_bots_last() -> None:
    said = said_at((2000, words(800)), (6000, words(200)))
    first, second = measure_turns(said, timeline((100, 2240), (3300, 5000)))
    assert (first.over_bot, first.barge_in_ms, first.first_word_ms, first.cut_ins) == (True, 180, 440, 0)
    assert first.resumed_ms == 3300 - 2240
    assert (second.over_bot, second.first_word_ms) == (False, None)


def test_a_reply_ends_with_its_last_phrase_unless_somebody_speaks_over_it() -> None:
    said = said_at((2000, words(500)), (6000, words(500)))
    first, second = measure_turns(said, timeline((3000, 4000), (4600, 5000), (6900, 7400)))
    assert (first.reply_end_ms, second.reply_end_ms) == (5000 - 2560, 7400 - 6560)
    first, _ = measure_turns(said, timeline((3000, 6200)))
    assert (first.first_word_ms, first.reply_end_ms) == (440, None)


def test_a_hum_wants_no_answer_and_shows_the_pause_it_made() -> None:
    turn = measure_turns(said_at((2000, words(300, hum=True))), timeline((100, 2200), (2900, 4000)))[0]
    assert (turn.barge_in_ms, turn.resumed_ms, turn.first_word_ms, turn.cut_ins) == (140, 700, None, 0)


def test_a_short_pause_of_the_bot_does_not_count_as_silenced() -> None:
    turn = measure_turns(said_at((2000, words(800))), timeline((100, 2100), (2300, 2500)))[0]
    assert turn.barge_in_ms == 2500 - 2060


def test_keys_are_no_utterances_and_a_hang_up_cuts_one() -> None:
    script = CallerScript("t", (Press("1"), words(1000)))
    said = spoken(script, [Begun(0, 10, False), Begun(1, 50, False)], 1500 * MS)
    assert [(one.step, one.start // MS, one.end // MS) for one in said] == [(1, 1060, 1500)]


TRACE = {
    "turns": [
        {"outcome": "greeting", "reply": "Hello.", "caller": ""},
        {"outcome": "answered", "caller": "a", "reply": "It is 90 pounds.", "speech_end_sample": 2540 * MS, "stages": []},
        {"outcome": "unfinished", "caller": "b", "reply": "", "speech_end_sample": 6200 * MS, "stages": []},
        {
            "outcome": "answered",
            "caller": "b c",
            "reply": "Yes.",
            "speech_end_sample": 7020 * MS,
            "stages": [
                {"name": "asr", "start_ms": 40.0, "end_ms": 240.0, "note": "final"},
                {"name": "llm", "start_ms": None, "end_ms": 3.0},
            ],
        },
    ]
}


def test_the_gateways_turns_find_their_utterance_by_where_it_ended() -> None:
    said = said_at((2000, words(500)), (6000, words(1000)))
    turns = with_trace(measure_turns(said, timeline((3000, 4000), (7300, 8000))), said, TRACE)
    assert [(turn.transcript, turn.reply, turn.outcome) for turn in turns] == [
        ("a", "It is 90 pounds.", "answered"),
        ("b / b c", "Yes.", "answered"),
    ]
    # The gateway puts the end of speech at 7020 ms, the caller knows that it was at 7060.
    assert [(stage.name, stage.start_ms, stage.end_ms, stage.note) for stage in turns[1].stages] == [("asr", 0.0, 200.0, "final")]


def test_without_sample_positions_turns_are_matched_in_order() -> None:
    trace = {
        "turns": [{"outcome": "answered", "caller": "a", "reply": "one"}, {"outcome": "answered", "caller": "b", "reply": "two"}]
    }
    said = said_at((1000, words(100)), (2000, words(100, hum=True)), (4000, words(100)))
    turns = with_trace(measure_turns(said, timeline()), said, trace)
    assert [turn.reply for turn in turns] == ["one", "", "two"]


def test_expectations_are_held_against_the_reply() -> None:
    said = said_at((2000, words(500, expect=("ninety|90",))), (6000, words(1000, expect=("no",))))
    turns = with_trace(measure_turns(said, timeline((3000, 4000))), said, TRACE)
    first, second = with_checks(turns, said, traced=True)
    assert first.failures == ()
    assert second.failures == ("no answer was heard",)
    assert with_checks(turns, said, traced=False)[0].failures[0].startswith("the gateway gave no trace")


def test_what_was_missed_is_named() -> None:
    patterns = [re.compile("n't", re.IGNORECASE)]
    assert missed("We don’t.", patterns, []) == []
    assert missed("We do.", patterns, []) == ["expected /n't/"]
    assert missed("We don't.", [], patterns) == ["did not want /n't/"]
