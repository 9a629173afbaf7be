"""What pydantic found wrong, in words for the owner of a file: the key, the fault, and a guess at what was meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from config.toml_lines import KeyPath


def faults(error: ValidationError, model: type[BaseModel]) -> list[tuple[KeyPath, str]]:
    """(path, text) of each fault, each path once. Values are not repeated in the text: they may be secrets."""
    found: dict[KeyPath, str] = {}
    for detail in error.errors(include_url=False, include_input=False):
        found.setdefault(detail["loc"], _words(detail, model))
    return list(found.items())


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A guess to put behind an unknown name: `; did you mean 'x'?`, or nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _words(detail: ErrorDetails, model: type[BaseModel]) -> str:
    path = detail["loc"]
    name = ".".join(str(part) for part in path if isinstance(part, str))
    item = next((f", item {part + 1}" for part in path if isinstance(part, int)), "")
    if detail["type"] == "extra_forbidden":
        known = _fields_at(path[:-1], model)
        return f"unknown key {name!r}{did_you_mean(str(path[-1]), known)}"
    if detail["type"] == "missing":
        return f"{name!r} is missing"
    text = detail["msg"].removeprefix("Value error, ")
    text = text[0].lower() + text[1:] if text.startswith(("Input", "String", "Value")) else text
    return f"{name}{item}: {text}" if name else text


def _fields_at(path: KeyPath, model: type[BaseModel]) -> list[str]:
    """The names known where an unknown one was found."""
    fields = model.model_fields
    for part in path:
        annotation = fields[part].annotation if isinstance(part, str) and part in fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        fields = annotation.model_fields
    return list(fields)
