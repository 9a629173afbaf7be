"""The bot file: one TOML file in which an owner says who answers the phone, with what words, and what is true.

`version = 1`, `name`, `greeting` and `instructions` are needed; the rest has defaults. `[[questions]]` may stand in it too: they are
the owner's own checks of the answers (ask, follow_up, expect, reject, note), and nothing of a call depends on them.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from config.engines import TurnSettings
from config.errors import BotError
from config.faults import faults
from config.toml_lines import key_lines, line_of, syntax_line

VERSION = 1


def _speakable(text: str) -> str:
    """A text that a voice can say: stripped, line breaks folded, with at least one letter and nothing between angle brackets."""
    folded = " ".join(text.split())
    if not any(c.isalpha() for c in folded):
        raise ValueError("there is nothing to say in it")
    if re.search(r"<[^>]*>", folded):
        raise ValueError("is spoken as it stands: no markup between < and >")
    return folded


Spoken = Annotated[str, AfterValidator(_speakable)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AfterCall(_Table):
    """What happens to the caller when the bot's part is over: hang up, `dial` on to a person, or `record` a message."""

    action: Literal["hangup", "dial", "record"] = "hangup"
    number: str | None = Field(default=None, pattern=r"^\+[1-9][0-9]{6,14}$", description="E.164: +441632960123")

    @model_validator(mode="after")
    def _number_to_dial(self) -> Self:
        if (self.action == "dial") != (self.number is not None):
            raise ValueError('action = "dial" needs a number, and only that: number = "+441632960123"')
        return self


class BotTurn(_Table):
    """Thresholds of the end of turn that this bot's callers need otherwise (slow speakers: longer). See `TurnThresholds`."""

    pause_ms: int | None = None
    certain: float | None = None
    certain_ms: int | None = None
    sure: float | None = None
    sure_ms: int | None = None
    unsure_ms: int | None = None
    unlikely_ms: int | None = None
    max_ms: int | None = None
    fluency: float | None = None

    def over(self, settings: TurnSettings) -> TurnSettings:
        """The settings with this bot's wishes over them. Raises pydantic's ValidationError if they don't go together."""
        return TurnSettings.model_validate({**settings.model_dump(), **self.model_dump(exclude_none=True)})


class Bot(_Table):
    """One bot. Times in seconds (`_s`); all texts that are spoken are one line each. Build it with `load_bot`."""

    version: Literal[1]
    name: str = Field(min_length=1, max_length=100)
    greeting: Spoken
    instructions: str = Field(description="plain text, facts included: one statement a sentence or line")

    voice: str | None = Field(default=None, min_length=1, description="in place of the settings' tts.voice")
    language: Literal["en"] = "en"
    timezone: str | None = Field(default=None, description='the business\'s own, by its IANA name: "Europe/London"; for "today"')
    speed: float | None = Field(default=None, ge=0.5, le=2.0, description="in place of the settings' tts.speed")
    reprompts: tuple[Spoken, ...] = Field(
        default=("Are you still there?", "I can't hear you. Can I help with anything?"),
        max_length=5,
        description="said one after the other while the caller is silent; then goodbye",
    )
    goodbye: Spoken = "Thank you for calling. Goodbye."
    unknown: Spoken = "I'm sorry, I don't know that. I can take a message for the team, or help with something else."
    silence_s: float = Field(default=7.0, ge=2.0, le=60.0, description="silence before a reprompt")
    max_call_s: float | None = Field(default=None, ge=10.0, description="in place of the settings' limit, if it is shorter")
    vocabulary: tuple[str, ...] = Field(default=(), max_length=100, description="names and words that callers say here")
    record: bool = Field(default=True, description="false: its calls are not recorded, whatever the settings say")
    turn: BotTurn = BotTurn()
    after_call: AfterCall = AfterCall()

    @field_validator("name", "instructions")
    @classmethod
    def _something(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("is empty")
        return text.strip()

    @field_validator("language", mode="before")
    @classmethod
    def _english(cls, language: object) -> object:
        if language != "en":
            raise ValueError(f'only "en" is spoken in this version, not {language!r}')
        return language

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str | None) -> str | None:
        try:
            return name if name is None else ZoneInfo(name).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f'{name!r} is no time zone of this machine: an IANA name such as "Europe/London" is needed') from None

    def today(self, now: dt.datetime) -> dt.date:
        """The date at the business. `now`: aware; without a `timezone` the machine's own zone counts."""
        return now.astimezone(ZoneInfo(self.timezone) if self.timezone else None).date()

    @field_validator("vocabulary")
    @classmethod
    def _words(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        if not all(word.strip() for word in words):
            raise ValueError("a word of it is empty")
        return tuple(word.strip() for word in words)

    @field_validator("turn")
    @classmethod
    def _fits_together(cls, turn: BotTurn) -> BotTurn:
        try:
            turn.over(TurnSettings())
        except ValidationError as error:
            text = "; ".join(message for _path, message in faults(error, TurnSettings))
            raise ValueError(f"does not go with the usual thresholds: {text}") from None
        return turn


def load_bot(path: Path) -> Bot:
    """Read a bot file. Raises BotError with all faults at once, each with its line."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise BotError(path, 1, f"can't be read: {reason}") from error
    return parse_bot(text, path)


def parse_bot(text: str, path: Path | str) -> Bot:
    """A bot from the text of its file; `path` is for the errors."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BotError(path, *syntax_line(error, text)) from error
    lines = key_lines(text)
    if wrong := _version_fault(table):
        raise BotError(path, line_of(("version",), lines), wrong)
    table.pop("questions", None)
    try:
        # as JSON, because only there strictness (no "7" for 7) still lets a list be a tuple; dates become texts, and wrong ones
        return Bot.model_validate_json(json.dumps(table, default=str), strict=True)
    except ValidationError as error:
        found = [(line_of(at, lines), message) for at, message in faults(error, Bot)]
        raise BotError(path, *found[0], *found[1:]) from None


def _version_fault(table: Mapping[str, Any]) -> str:
    """Without the right version nothing else in the file can be judged."""
    if "version" not in table:
        return f"'version' is missing: a bot file starts with version = {VERSION}"
    version = table["version"]
    if isinstance(version, bool) or not isinstance(version, int):
        return f"version: must be a whole number: version = {VERSION}"
    if version != VERSION:
        return f"version {version} is not known to this firstword, which reads version {VERSION}"
    return ""
