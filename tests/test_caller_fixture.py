"""Recorded calls: all of them can be read, and a broken one says what is broken."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from pipeline.audibility import FRAME_MS, audible_frames, first_audible, last_audible
from telephony.caller.fixture import CALLS, FixtureError, bot_file, fixture_names, load_fixture, read_call, script_from_wavs
from telephony.caller.line import Echo
from telephony.caller.network import Network
from telephony.caller.script import AfterBot, AfterPrevious, HangUp, IntoReply, Press, Say, Wait
from telephony.caller.wav import write_ulaw_wav


@pytest.mark.parametrize("name", fixture_names())
def test_every_recorded_call_reads_and_its_bot_is_there(name: str) -> None:
    script = load_fixture(name)
    bot = bot_file(script)
    assert bot is not None
    assert bot.is_file()
    for step in script.steps:
        if isinstance(step, Say):
            first, last = first_audible(step.pcm), last_audible(step.pcm)
            assert first is not None
            assert last is not None
            assert first <= 800, step.text
            assert len(step.pcm) - last <= 2400, step.text


def test_the_calls_that_others_rely_on_are_there() -> None:
    wanted = "default dental interrupt hum echo noisy keys silent hangup jitter other-voices"
    assert set(wanted.split()) <= set(fixture_names())


def test_hesitant_callers_pause_at_least_sixty_times_for_500_to_900_ms() -> None:
    pauses = 0
    for name in fixture_names():
        if not name.startswith("hesitant-"):
            continue
        for step in load_fixture(name).steps:
            assert isinstance(step, Say)
            for begin, end in step.pauses_ms:
                assert 500 <= end - begin <= 900
                heard = np.flatnonzero(audible_frames(step.pcm)) * FRAME_MS
                last = np.flatnonzero(heard < begin + FRAME_MS)[-1]
                from_ms, to_ms = heard[last] + FRAME_MS, heard[last + 1]
                assert 500 <= to_ms - from_ms <= 900, (
                    "at the ear: what is silent around it is part of the pause, and nothing is heard in it"
                )
                assert max(abs(from_ms - begin), abs(to_ms - end)) <= 3 * FRAME_MS
                pauses += 1
    assert pauses >= 60


def test_levels_are_those_of_phone_calls() -> None:
    for name in fixture_names():
        for step in load_fixture(name).steps:
            if isinstance(step, Say):
                frames = step.pcm[: len(step.pcm) // 160 * 160].reshape(-1, 160).astype(float)
                rms = np.sqrt(np.mean(frames**2, axis=1))
                level = 20 * math.log10(float(np.sqrt(np.mean(rms[rms > 200] ** 2))) / 32768)
                assert -27.5 <= level <= -11, (name, step.text, level)


def test_the_wire_messages_are_whole_and_in_order() -> None:
    rows = [json.loads(row) for row in (CALLS / "keys" / "wire.jsonl").read_text().splitlines()]
    assert [row["at_ms"] for row in rows] == sorted(row["at_ms"] for row in rows)
    assert {row["message"]["event"] for row in rows} == {"connected", "start", "media", "dtmf", "mark", "clear", "stop"}
    numbers = [int(row["message"]["sequenceNumber"]) for row in rows if "sequenceNumber" in row["message"]]
    assert numbers == list(range(1, len(numbers) + 1))
    marks = {
        who: [row["message"]["mark"]["name"] for row in rows if row["from"] == who and row["message"]["event"] == "mark"]
        for who in ("bot", "twilio")
    }
    assert marks["bot"] == marks["twilio"]


GOOD = """
version = 1
bot = "bot.toml"
ends_by = "bot"
limit_s = 9.0
[line]
colour = "pink"
level_dbfs = -50
[echo]
delay_ms = 100
gain_db = -12.0
[network]
delay_ms = 20.0
[expect]
ended_by = "bot"
spoken = ["bye"]
[[steps]]
say = "a.wav"
text = "hello"
expect = ["HI"]
pauses_ms = [[10, 20]]
[[steps]]
press = "1"
into_reply_ms = 5
[[steps]]
wait_ms = 70
gap_ms = 3
[[steps]]
hang_up = true
after_previous_ms = 4
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_ulaw_wav(tmp_path / "a.wav", np.full(160, 1000, np.int16))
    return tmp_path


def test_every_key_has_its_meaning(folder: Path) -> None:
    (folder / "call.toml").write_text(GOOD)
    script = read_call(folder / "call.toml")
    say, press, wait, hang_up = script.steps
    assert isinstance(say, Say)
    assert (say.text, say.when, say.pauses_ms, len(say.pcm)) == ("hello", AfterBot(1000), ((10, 20),), 160)
    assert say.expect[0].search("hi there")
    assert press == Press("1", IntoReply(5))
    assert wait == Wait(70, AfterBot(3))
    assert hang_up == HangUp(AfterPrevious(4))
    assert (script.echo, script.network) == (Echo(100, -12.0), Network(20.0))
    assert (script.ends_by, script.limit_s, script.expect_ended_by) == ("bot", 9.0, "bot")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("version = 1", "version = 2", "version 2"),
        ("version = 1", "version 1", "call.toml"),
        ('ends_by = "bot"', 'end_by = "bot"', "end_by"),
        ("a.wav", "b.wav", r"step 1: no audio file .*b\.wav"),
        ('press = "1"', 'press = "1"\nsay = "a.wav"', "step 2: has to be one of"),
        ("into_reply_ms = 5", "into_reply_ms = 5\ngap_ms = 5", "exclude each other"),
        ('["HI"]', '["(HI"]', r"bad regular expression '\(HI'"),
        ("gain_db", "gain", "gain"),
        ("hang_up = true", 'hang_up = true\ntext = "x"', "step 4 has unknown keys: text"),
    ],
)
def test_what_is_wrong_is_named(folder: Path, old: str, new: str, said: str) -> None:
    (folder / "call.toml").write_text(GOOD.replace(old, new, 1))
    with pytest.raises(FixtureError, match=said) as caught:
        read_call(folder / "call.toml")
    assert "call.toml" in str(caught.value)


def test_an_unknown_name_lists_those_at_hand() -> None:
    with pytest.raises(FixtureError, match="default"):
        load_fixture("no-such-call")


def test_plain_files_become_a_script(folder: Path) -> None:
    script = script_from_wavs([folder / "a.wav", folder / "a.wav"])
    assert [step.text for step in script.steps if isinstance(step, Say)] == ["a", "a"]
