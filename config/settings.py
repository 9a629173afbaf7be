"""Settings: one frozen, validated object out of the command line, the environment, a TOML file and a profile, in that order.

`FIRSTWORD_PORT=9000`, `FIRSTWORD_LLM__MODEL=...` (two underscores for a table), `FIRSTWORD_CONFIG=FILE` for the file.
"""

from __future__ import annotations

import ipaddress
import os
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as PydanticSettingsError

from config.base_url import base_url
from config.engines import (
    AsrSettings,
    BargeInSettings,
    EmbedSettings,
    LlmSettings,
    PlayoutSettings,
    ReaderSettings,
    RecordingSettings,
    TtsSettings,
    TurnSettings,
    VadSettings,
)
from config.errors import SettingsError
from config.faults import did_you_mean, faults
from config.toml_lines import KeyPath, key_lines, line_of, syntax_line
from config.tracing import TracingSettings

PREFIX = "FIRSTWORD_"
BOTS = Path(__file__).with_name("bots")
PROFILES = Path(__file__).with_name("profiles.toml")
_SHORT_NAMES = {"FIRSTWORD_CONFIG": "FIRSTWORD_CONFIG_FILE", "FIRSTWORD_MODELS": "FIRSTWORD_MODELS_DIR"}
_NOT_SETTINGS = frozenset({"FIRSTWORD_OFFLINE_HUB"})


def default_models_dir() -> Path:
    """`firstword/models` in the user's cache: $XDG_CACHE_HOME, else ~/.cache."""
    cache_home = os.environ.get("XDG_CACHE_HOME", "")
    # the XDG base directory specification: relative paths are to be ignored
    base = Path(cache_home) if Path(cache_home).is_absolute() else Path.home() / ".cache"
    return base / "firstword" / "models"


class _Environment(EnvSettingsSource):
    """The environment, its short names (FIRSTWORD_MODELS) put to the fields they mean (`models_dir`). An empty variable is none."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        ours = {name: value for name, value in os.environ.items() if name.startswith(PREFIX) and value}
        return {_SHORT_NAMES.get(name, name).lower(): value for name, value in ours.items()}


class Settings(BaseSettings):
    """Everything an operator decides. `_s`, `_ms` are seconds and milliseconds. Build it with `load_settings`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid", validate_default=True
    )

    config_file: Path | None = Field(default=None, description="the TOML file that was read, if any")
    profile: str = "default"

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    insecure: bool = Field(default=False, description="serve a network address without a Twilio auth token")
    public_url: str | None = Field(default=None, description="base of the wss URL and of the signature: https://bot.example.com")
    twilio_account_sid: str | None = Field(default=None, pattern=r"^AC[0-9a-fA-F]{32}$")
    twilio_auth_token: SecretStr | None = None
    admin_token: SecretStr | None = None

    bot: Path = BOTS / "bicycle-workshop.toml"
    models_dir: Path = Field(default_factory=default_models_dir)
    threads: int = Field(default=0, ge=0, le=1024, description="0: as many as cores that this process may use; never 0 once loaded")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_words: bool = Field(default=False, description="write what was said into the log")

    token_ttl_s: float = Field(default=60.0, gt=0, description="how long a stream's one-use token is good")
    max_calls: int = Field(default=32, ge=1)
    max_pending_streams: int = Field(default=16, ge=1, description="sockets that have not sent start")
    start_timeout_s: float = Field(default=5.0, gt=0)
    max_call_s: float = Field(default=1800.0, gt=0)
    calls_kept: int = Field(default=50, ge=0, description="ended calls that /calls still knows")

    asr: AsrSettings = AsrSettings()
    llm: LlmSettings = LlmSettings()
    reader: ReaderSettings = ReaderSettings()
    tts: TtsSettings = TtsSettings.model_validate({})
    vad: VadSettings = VadSettings()
    turn: TurnSettings = TurnSettings()
    barge_in: BargeInSettings = BargeInSettings()
    playout: PlayoutSettings = PlayoutSettings()
    embed: EmbedSettings = EmbedSettings()
    tracing: TracingSettings = TracingSettings()
    recording: RecordingSettings = RecordingSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line, environment, file, profile: the first that names a key has it. Which file and profile, they say themselves."""
        environment = _Environment(settings_cls)
        given, env = init_settings(), environment()
        file = given.get("config_file") or env.get("config_file")
        table = _read_file(Path(file)) if file else {}
        profile = given.get("profile") or env.get("profile") or table.get("profile") or "default"
        return (
            init_settings,
            environment,
            InitSettingsSource(settings_cls, table),
            InitSettingsSource(settings_cls, _profile(profile)),
        )

    @field_validator("threads")
    @classmethod
    def _all_cores(cls, threads: int) -> int:
        return threads or len(os.sched_getaffinity(0))

    @field_validator("log_level", mode="before")
    @classmethod
    def _small_letters(cls, level: object) -> object:
        return level.lower() if isinstance(level, str) else level

    @field_validator("models_dir", "bot", "config_file")
    @classmethod
    def _at_home(cls, path: Path | None) -> Path | None:
        return path.expanduser() if path else path

    @field_validator("public_url")
    @classmethod
    def _base_url(cls, url: str | None) -> str | None:
        return None if url is None else base_url(url, "the address that Twilio calls, such as https://bot.example.com")

    @field_validator("twilio_auth_token", "admin_token")
    @classmethod
    def _no_empty_secret(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not secret.get_secret_value().strip():
            raise ValueError("is empty: leave it out if there is none")
        return secret

    @property
    def loopback(self) -> bool:
        """Whether `host` can be reached from this machine only."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def check_bind(self) -> None:
        """Refuse to open a port to the network for anybody: without an auth token no request can be told to be Twilio's.

        Raises SettingsError. For whoever opens the port; other commands don't care where it would be.
        """
        if self.twilio_auth_token is None and not self.loopback and not self.insecure:
            raise SettingsError(
                f"host {self.host} is open to the network, and no Twilio auth token is set: anybody could call.\n"
                "Set FIRSTWORD_TWILIO_AUTH_TOKEN, or serve 127.0.0.1 only, or accept it with --insecure."
            )


def load_settings(*, config_file: Path | None = None, profile: str | None = None, **overrides: Any) -> Settings:
    """Settings from everywhere; `overrides` are the command line's, and those that are None were not given.

    Raises SettingsError: one line for each fault, naming the key and where it was set.
    """
    given = {
        name: value for name, value in {"config_file": config_file, "profile": profile, **overrides}.items() if value is not None
    }
    unknown = _unknown_variables()
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise SettingsError("\n".join([*unknown, *_located(error, given)])) from None
    except PydanticSettingsError as error:
        raise SettingsError(f"the environment can't be read: {error}".removesuffix(' from source "_Environment"')) from error
    if unknown:
        raise SettingsError("\n".join(unknown))
    return settings


def profile_names() -> list[str]:
    """The profiles there are."""
    return list(_profiles())


@cache
def _profiles() -> dict[str, dict[str, Any]]:
    return tomllib.loads(PROFILES.read_text("utf-8"))


def _profile(name: object) -> dict[str, Any]:
    known = _profiles()
    if name not in known:
        raise SettingsError(f"there is no profile {name!r}{did_you_mean(str(name), known)} (known: {', '.join(known)})")
    return known[str(name)]


def _read_file(path: Path) -> dict[str, Any]:
    """The settings file; relative paths in it are meant from its own folder."""
    text = _text(path)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, message = syntax_line(error, text)
        raise SettingsError(f"{path}:{line}: {message}") from error
    if "config_file" in table:
        line = line_of(("config_file",), key_lines(text))
        raise SettingsError(f"{path}:{line}: a settings file can't name another one")
    for place, key in ((table, "bot"), (table, "models_dir"), (table.get("recording"), "folder")):
        if isinstance(place, dict) and isinstance(place.get(key), str):
            place[key] = path.parent / Path(place[key]).expanduser()
    return table


def _text(path: Path) -> str:
    try:
        return path.expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the settings file {path} can't be read: {error}") from error


def _unknown_variables() -> list[str]:
    """A misspelt variable would be ignored without a word, the one kind of setting that has no line to look at."""
    known = {f"{PREFIX}{field}".upper() for field in Settings.model_fields} | set(_SHORT_NAMES) | _NOT_SETTINGS
    return [
        f"unknown variable {name} in the environment{did_you_mean(name, known)}"
        for name in sorted(os.environ)
        if name.startswith(PREFIX) and name.split("__")[0] not in known
    ]


def _located(error: ValidationError, given: Mapping[str, Any]) -> list[str]:
    """Each fault behind the place where its value was set, which is the first source that has the key."""
    file = given.get("config_file") or os.environ.get("FIRSTWORD_CONFIG") or os.environ.get("FIRSTWORD_CONFIG_FILE")
    text = _text(Path(file)) if file else ""
    return [_place(path, message, given, file, text) for path, message in faults(error, Settings)]


def _place(path: KeyPath, message: str, given: Mapping[str, Any], file: object, text: str) -> str:
    names = [str(part) for part in path]
    variable = f"{PREFIX}{'__'.join(names)}".upper()
    variable = next((short for short, long in _SHORT_NAMES.items() if long == variable and os.environ.get(short)), variable)
    inside = [name for name, value in os.environ.items() if value and (name == variable or name.startswith(f"{variable}__"))]
    if _has(given, path):
        return message
    if inside:
        return f"{', '.join(sorted(inside))}: {message}"
    lines = key_lines(text)
    if any(path[:end] in lines for end in range(1, len(path) + 1)):
        return f"{file}:{line_of(path, lines)}: {message}"
    return message


def _has(table: Mapping[str, Any], path: KeyPath) -> bool:
    here: object = table
    for part in path:
        if not isinstance(here, Mapping) or part not in here:
            return False
        here = here[part]
    return bool(path)
