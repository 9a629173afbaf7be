"""Noise, hum and echo on the caller's line."""

import numpy as np

from telephony.caller.line import Echo, Line, LineNoise

SILENCE = np.zeros(160, np.int16)


def level_dbfs(pcm: np.ndarray) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(pcm.astype(np.float64) ** 2)) / 32768))


def test_a_clean_line_hands_the_voice_through() -> None:
    voice = np.arange(160, dtype=np.int16)
    assert np.array_equal(Line(LineNoise(), None).mix(voice, SILENCE), voice)


def test_noise_has_the_level_that_was_asked_for_and_repeats_by_seed() -> None:
    for colour in ("white", "pink"):
        loop = LineNoise(colour, -40.0).loop()
        assert abs(level_dbfs(loop) + 40.0) < 0.1
        assert np.array_equal(loop, LineNoise(colour, -40.0).loop())
        assert not np.array_equal(loop, LineNoise(colour, -40.0, seed=2).loop())


def test_hum_is_a_tone_of_50_hz() -> None:
    loop = LineNoise(hum_dbfs=-45.0).loop()
    assert abs(level_dbfs(loop) + 45.0) < 0.1
    assert np.argmax(np.abs(np.fft.rfft(loop))) / 8 == 50.0


def test_noise_goes_on_from_frame_to_frame_without_a_seam() -> None:
    noise = LineNoise("pink", -30.0)
    line = Line(noise, None)
    frames = np.concatenate([line.mix(SILENCE, SILENCE) for _ in range(500)])
    loop = np.round(noise.loop()).astype(np.int16)
    assert np.array_equal(frames, np.concatenate((loop, loop))[: len(frames)])


def test_the_echo_comes_late_and_quieter() -> None:
    heard = np.zeros(1600, np.int16)
    heard[100] = 10000
    line = Line(LineNoise(), Echo(delay_ms=40, gain_db=-20.0))
    back = np.concatenate([line.mix(SILENCE, heard[: (n + 1) * 160]) for n in range(10)])
    assert np.flatnonzero(back).tolist() == [100 + 320]
    assert back[420] == 1000
