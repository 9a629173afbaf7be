"""Bot files: the shipped ones load, broken ones are told where and why."""

import datetime as dt
from pathlib import Path

import pytest
from pydantic import ValidationError

from config.bot import AfterCall, Bot, load_bot, parse_bot
from config.engines import TurnSettings
from config.errors import BotError, ConfigError
from config.settings import BOTS

GOOD = """version = 1
name = "Corner Shop"
greeting = "Hello."
instructions = "We are open."
"""


def said(text: str) -> str:
    with pytest.raises(BotError) as caught:
        parse_bot(text, "bot.toml")
    return str(caught.value)


@pytest.mark.parametrize("path", sorted(BOTS.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_bots_load(path: Path) -> None:
    bot = load_bot(path)
    assert 14 <= len([line for line in bot.instructions.splitlines() if line.strip()]) <= 20
    assert bot.greeting.endswith("?")


def test_two_bots_are_shipped() -> None:
    assert [path.name for path in sorted(BOTS.glob("*.toml"))] == ["bicycle-workshop.toml", "dental-practice.toml"]


def test_four_keys_are_enough() -> None:
    bot = parse_bot(GOOD, "bot.toml")
    assert (bot.name, bot.greeting, bot.instructions) == ("Corner Shop", "Hello.", "We are open.")
    assert len(bot.reprompts) == 2
    assert (bot.silence_s, bot.language, bot.voice, bot.max_call_s) == (7.0, "en", None, None)
    assert bot.after_call == AfterCall(action="hangup")
    assert bot.turn.over(TurnSettings()) == TurnSettings()
    assert "I don't know" in bot.unknown


def test_every_key() -> None:
    bot = parse_bot(
        GOOD
        + """voice = "heart"
language = "en"
speed = 1
reprompts = []
goodbye = "Bye."
unknown = "No idea."
silence_s = 5
max_call_s = 600
vocabulary = [" Kovac ", "derailleur"]
[turn]
sure = 0.9
unsure_ms = 750
[after_call]
action = "dial"
number = "+441632960144"
""",
        "bot.toml",
    )
    assert (bot.speed, bot.reprompts, bot.vocabulary) == (1.0, (), ("Kovac", "derailleur"))
    assert bot.turn.over(TurnSettings()) == TurnSettings(sure=0.9, unsure_ms=750)
    assert bot.after_call.number == "+441632960144"


def test_spoken_texts_are_one_line() -> None:
    bot = parse_bot(GOOD.replace('"Hello."', '"""\nHello,\n  how are you?\n"""'), "bot.toml")
    assert bot.greeting == "Hello, how are you?"


def test_the_owners_own_questions_are_let_be() -> None:
    text = GOOD + '[[questions]]\nask = "Are you open?"\nexpect = ["yes"]\n'
    assert parse_bot(text, "bot.toml") == parse_bot(GOOD, "bot.toml")


def test_it_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        parse_bot(GOOD, "bot.toml").name = "other"


BROKEN = {
    "no version": (GOOD.replace("version = 1\n", ""), "bot.toml:1: 'version' is missing: a bot file starts with version = 1"),
    "newer version": (
        "# ours\n" + GOOD.replace("= 1", "= 2") + "from_the_future = true",
        "bot.toml:2: version 2 is not known to this firstword, which reads version 1",
    ),
    "version as text": (GOOD.replace("= 1", '= "1"'), "bot.toml:1: version: must be a whole number: version = 1"),
    "version as bool": (GOOD.replace("= 1", "= true"), "bot.toml:1: version: must be a whole number: version = 1"),
    "empty": ("", "bot.toml:1: 'version' is missing: a bot file starts with version = 1"),
    "syntax": (GOOD + 'goodbye = "Bye', "bot.toml:5: Unterminated string at the end of the file"),
    "syntax, line by line": (GOOD + "\ngoodbye == 1\n", "bot.toml:6: Invalid value"),
    "no name": (GOOD.replace('name = "Corner Shop"\n', ""), "bot.toml:1: 'name' is missing"),
    "empty instructions": (GOOD.replace('"We are open."', '"  "'), "bot.toml:4: instructions: is empty"),
    "unspeakable greeting": (GOOD.replace('"Hello."', '"..."'), "bot.toml:3: greeting: there is nothing to say in it"),
    "markup": (
        GOOD.replace('"Hello."', '"<b>Hello</b>"'),
        "bot.toml:3: greeting: is spoken as it stands: no markup between < and >",
    ),
    "unspeakable unknown": (GOOD + "unknown = '?'", "bot.toml:5: unknown: there is nothing to say in it"),
    "misspelt": (GOOD + "goodby = 'Bye.'", "bot.toml:5: unknown key 'goodby'; did you mean 'goodbye'?"),
    "nothing like it": (GOOD + "colour = 'red'", "bot.toml:5: unknown key 'colour'"),
    "language": (GOOD + "language = 'de'", "bot.toml:5: language: only \"en\" is spoken in this version, not 'de'"),
    "text for a number": (GOOD + "silence_s = '7'", "bot.toml:5: silence_s: input should be a valid number"),
    "a date for a number": (GOOD + "silence_s = 2025-01-01", "bot.toml:5: silence_s: input should be a valid number"),
    "number for a text": (GOOD.replace('"Hello."', "1"), "bot.toml:3: greeting: input should be a valid string"),
    "out of range": (GOOD + "silence_s = 0.1", "bot.toml:5: silence_s: input should be greater than or equal to 2"),
    "in a list": (GOOD + "reprompts = [\n  'Hello?',\n  '',\n]", "bot.toml:5: reprompts, item 2: there is nothing to say in it"),
    "in a table": (GOOD + "\n[turn]\npause = 60", "bot.toml:7: unknown key 'turn.pause'; did you mean 'pause_ms'?"),
    "in a dotted key": (GOOD + "turn.sure_ms = 'x'", "bot.toml:5: turn.sure_ms: input should be a valid integer"),
    "in an inline table": (
        GOOD + "\nafter_call = { action = 'sing' }",
        "bot.toml:6: after_call.action: input should be 'hangup', 'dial' or 'record'",
    ),
    "a key that looks like one of another table": (
        GOOD + "[turn]\nsure_ms = 170\n[after_call]\naction = 'hangup'\nsure_ms = 1",
        "bot.toml:9: unknown key 'after_call.sure_ms'",
    ),
    "no number to dial": (
        GOOD + "[after_call]\naction = 'dial'",
        'bot.toml:5: after_call: action = "dial" needs a number, and only that: number = "+441632960123"',
    ),
    "number without dial": (
        GOOD + "[after_call]\nnumber = '+441632960144'",
        'bot.toml:5: after_call: action = "dial" needs a number, and only that: number = "+441632960123"',
    ),
    "thresholds": (
        GOOD + "[turn]\nsure_ms = 900",
        "bot.toml:5: turn: does not go with the usual thresholds: the waits must not fall: pause, certain, sure, unsure, unlikely, max",
    ),
    "empty word": (GOOD + "vocabulary = ['a', '']", "bot.toml:5: vocabulary: a word of it is empty"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_told_where_and_why(name: str) -> None:
    text, expected = BROKEN[name]
    assert said(text) == expected


def test_all_faults_at_once_in_the_order_of_the_file() -> None:
    text = 'version = 1\nname = ""\ngreeting = "."\nspeed = 9\n[turn]\nsure_ms = 1\n'
    with pytest.raises(BotError) as caught:
        parse_bot(text, Path("/srv/bot.toml"))
    error = caught.value
    assert [line for line, _message in error.faults] == [1, 2, 3, 4, 5]
    assert (error.file, error.line, error.message) == ("/srv/bot.toml", 1, "'instructions' is missing")
    assert str(error).splitlines()[3] == "/srv/bot.toml:4: speed: input should be less than or equal to 2"
    assert isinstance(error, ConfigError)


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(BotError, match=r"none\.toml:1: can't be read: No such file"):
        load_bot(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(GOOD.replace("Hello", "Allô").encode("latin-1"))
    with pytest.raises(BotError, match=r"latin\.toml:1: can't be read: it is no UTF-8 text"):
        load_bot(tmp_path / "latin.toml")
    (tmp_path / "good.toml").write_text(GOOD)
    assert isinstance(load_bot(tmp_path / "good.toml"), Bot)


def test_today_is_the_business_s_own_day() -> None:
    late = dt.datetime(2026, 3, 1, 23, 30, tzinfo=dt.UTC)
    bot = parse_bot(GOOD + 'timezone = "Asia/Tokyo"\n', "bot.toml")
    assert bot.today(late) == dt.date(2026, 3, 2)


def test_a_time_zone_that_is_none_is_named() -> None:
    assert "bot.toml:5: timezone: 'Tokio' is no time zone" in said(GOOD + 'timezone = "Tokio"\n')
