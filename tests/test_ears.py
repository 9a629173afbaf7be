"""What a call's ears make of frames: pauses by level, first sounds of the next words, and the bot's echo. 8 samples are a millisecond."""

from __future__ import annotations

import numpy as np
import pytest
from fake_leg import Loudness

from pipeline.ears import DOUBT_FRAMES, Ears, Hearing
from pipeline.leg import Pcm
from pipeline.vad import EnergyPause, SpeechEvent, SpeechPaused, SpeechStarted

FRAME = 160


def noise(ms: int, level: float, seed: int = 1) -> Pcm:
    return (np.random.default_rng(seed).standard_normal(8 * ms) * level).astype(np.int16)


def hear(ears: Ears, pcm: Pcm, *, bot_audible: bool = False) -> list[SpeechEvent]:
    out: list[SpeechEvent] = []
    for at in range(0, len(pcm), FRAME):
        first = ears.newest
        out += ears.hear(first, pcm[at : at + FRAME], first * 125_000, bot_audible=bot_audible, ahead=0)
    return out


def ears() -> Ears:
    return Ears(Loudness(), 8000, Hearing())


def test_a_pause_is_seen_by_level_before_the_vad_has_let_go() -> None:
    each = EnergyPause(8000, 60)
    found = [each.feed(i * FRAME, 3000.0 if i < 10 else 20.0, speech=True) for i in range(14)]
    assert found[:12] == [None] * 12
    assert found[12] == SpeechPaused(10 * FRAME)


def test_a_sound_within_the_vads_speech_takes_the_pause_back() -> None:
    each = EnergyPause(8000, 60)
    found = [each.feed(i * FRAME, 20.0 if 10 <= i < 14 else 3000.0, speech=True) for i in range(16)]
    assert [event for event in found if event] == [SpeechPaused(10 * FRAME), SpeechStarted(14 * FRAME)]


def test_what_is_just_soft_is_no_pause() -> None:
    each = EnergyPause(8000, 60)
    assert not any(each.feed(i * FRAME, 3000.0 if i < 10 else 400.0, speech=True) for i in range(30))


def test_starts_and_pauses_come_in_turn() -> None:
    found = hear(ears(), np.concatenate([noise(200, 0), noise(600, 4000), noise(400, 0), noise(500, 4000), noise(200, 0)]))
    assert [type(event) for event in found] == [SpeechStarted, SpeechPaused, SpeechStarted, SpeechPaused]


def test_what_cannot_be_heard_behind_the_last_word_is_silence() -> None:
    mine = ears()
    line = noise(800, 60) + np.concatenate([noise(100, 0), noise(600, 4000, 2), noise(100, 0)])
    hear(mine, line)
    said = mine.utterance(0, 8 * 780)  # as where the VAD saw the pause 40 ms late
    assert (said[: 8 * 700] == line[: 8 * 700]).all()
    assert (said[8 * 700 :] == 0).all()
    assert len(said) == 8 * 740
    assert line[8 * 700 : 8 * 780].any()


def test_a_last_soft_sound_that_can_be_heard_stays() -> None:
    mine = ears()
    line = np.concatenate([noise(100, 0), noise(600, 8000), noise(40, 350), noise(60, 0)])
    hear(mine, line)
    # The level fell at 700 ms, the sound is over at 740: the judges are given as much silence behind it as behind any other.
    said = mine.utterance(0, 8 * 760)
    assert (said[: 8 * 740] == line[: 8 * 740]).all()
    assert (said[8 * 740 :] == 0).all()
    assert len(said) == 8 * 780


@pytest.mark.parametrize("pause_ms", [40, 400])
def test_where_the_noise_itself_can_be_heard_the_last_moment_is_silence(pause_ms: int) -> None:
    mine = Ears(Loudness(), 8000, Hearing(pause_ms=pause_ms))
    line = noise(1200, 400) + np.concatenate([noise(100, 0), noise(600, 6000, 2), noise(500, 0)])
    hear(mine, line)
    said = mine.utterance(0, 8 * 1160)
    assert (said[: 8 * 1120] == line[: 8 * 1120]).all()
    assert (said[8 * 1120 :] == 0).all()


def test_the_first_sound_after_a_pause_makes_the_silence_doubtful() -> None:
    mine = ears()
    hear(mine, np.concatenate([noise(600, 4000), noise(140, 0)]))
    assert not mine.unsure
    assert hear(mine, noise(20, 4000)) == []  # too short to be called speech
    assert mine.unsure
    hear(mine, noise(100, 0))
    assert not mine.unsure


def test_a_soft_first_sound_is_a_doubt_for_as_long_as_the_vad_takes_to_be_sure() -> None:
    mine = ears()
    hear(mine, np.concatenate([noise(600, 4000), noise(140, 0)]))
    for _ in range(DOUBT_FRAMES):
        hear(mine, noise(20, 400))  # 20 dB under the speech
        assert mine.unsure
    hear(mine, noise(20, 400))
    assert not mine.unsure


def test_the_first_quiet_frame_hushes() -> None:
    mine = ears()
    hear(mine, noise(600, 4000))
    assert not mine.hushed
    hear(mine, noise(20, 0))
    assert mine.hushed


@pytest.mark.parametrize("level", [250, 450])
def test_line_noise_is_doubted_for_a_moment_at_most(level: int) -> None:
    mine = ears()
    hear(mine, np.concatenate([noise(600, 2000), noise(160, level)]))
    assert not mine.unsure
    hear(mine, noise(4000, level))
    assert not mine.unsure


def test_the_bots_echo_is_not_the_caller() -> None:
    mine = ears()
    said = noise(1500, 5000)
    mine.bot_speaks(said)
    late = np.concatenate([noise(120, 0), (said * 0.3).astype(np.int16)])
    assert hear(mine, late, bot_audible=True) == []


def test_a_voice_over_the_echo_is_the_caller() -> None:
    mine = ears()
    said = noise(1500, 5000)
    mine.bot_speaks(said)
    mixed = (said * 0.3).astype(np.int16)
    mixed[4000:] += noise(1000, 6000, seed=2)
    found = hear(mine, mixed, bot_audible=True)
    assert [type(event) for event in found] == [SpeechStarted]
    assert 2500 < found[0].sample < 6500
    assert mine.over_bot


def test_the_first_sound_is_found_around_where_the_vad_dates_it() -> None:
    mine = ears()
    hush, voice = np.zeros(8 * 400, np.int16), noise(400, 3000)
    hear(mine, np.concatenate([hush, voice, hush]))
    assert [mine.first_audible(at * 8) for at in (400, 430, 340, 480)] == [400 * 8] * 4
    assert mine.first_audible(1100 * 8) == 1100 * 8, "nothing there: as the VAD has it"


def test_an_s_before_the_closure_of_a_t_is_the_first_sound() -> None:
    mine = ears()
    hear(mine, np.concatenate([np.zeros(8 * 400, np.int16), noise(80, 600), np.zeros(8 * 60, np.int16), noise(400, 3000)]))
    assert mine.first_audible(540 * 8) == 400 * 8


def test_on_a_loud_line_the_first_sound_is_where_the_vad_has_it() -> None:
    mine = ears()
    hear(mine, np.concatenate([noise(1000, 400), noise(400, 3000)]))
    assert mine.first_audible(1010 * 8) == 1010 * 8
