"""The one exception tree of `config`: what the owner wrote, or what is missing on disk, and how to mend it."""

from __future__ import annotations

from pathlib import Path


class ConfigError(Exception):
    """Base of all. `str()` is a text for the owner: what is wrong, where, and what to do."""


class SettingsError(ConfigError):
    """The environment, the settings file or the command line do not make a valid `Settings`."""


class BotError(ConfigError):
    """A bot file is wrong. `str()` is `FILE:LINE: message`, one line for each fault, in the order of the file.

    `line` counts from 1. `file`, `line` and `message` are those of the first fault; `faults` holds all as (line, message).
    """

    def __init__(self, file: Path | str, line: int, message: str, *more: tuple[int, str]) -> None:
        faults = sorted({(line, message), *more})
        self.file = str(file)
        self.faults = tuple(faults)
        self.line, self.message = faults[0]
        super().__init__("\n".join(f"{file}:{at}: {text}" for at, text in faults))


class ModelError(ConfigError):
    """A model is missing, damaged or can't be had. `mend` is the command or step that helps; `str()` ends in it."""

    def __init__(self, message: str, mend: str) -> None:
        self.message = message
        self.mend = mend
        super().__init__(f"{message}\n{mend}")
