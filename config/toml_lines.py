"""On which line of a TOML file a key stands: `tomllib` keeps no positions, and an error without its line is half an error.

The text must be valid TOML (`tomllib` has read it): only the shape of keys, strings and brackets is looked at.
"""

from __future__ import annotations

import re
import tomllib

KeyPath = tuple[str | int, ...]

_WORD = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}'  # up to two quotes may stand right before the closing three
    r"|'''(?:[^']|'(?!''))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\[\]{}=,.\n]"
    r"|[^\s\[\]{}=,.\"'#]+",
    re.DOTALL,
)


def key_lines(text: str) -> dict[KeyPath, int]:
    """Line (from 1) of every key and table header, by path; an array of tables has its index in the path, as in the parsed data.

    Keys inside inline tables and arrays have no entry of their own: see `line_of`.
    """
    lines: dict[KeyPath, int] = {}
    tables: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, statement in _statements(text):
        if statement[0] == "[":
            double = statement[1] == "["
            path = _in_arrays(_key(statement[2:-2] if double else statement[1:-1]), tables)
            if double:
                tables[path] = tables.get(path, -1) + 1
                lines.setdefault(path, number)
                path = (*path, tables[path])
            lines.setdefault(path, number)
            table = path
        else:
            path = (*table, *_key(statement[: statement.index("=")]))
            for end in range(len(table) + 1, len(path) + 1):
                lines.setdefault(path[:end], number)
    return lines


def line_of(path: KeyPath, lines: dict[KeyPath, int]) -> int:
    """The line of a path, or of the nearest thing around it that has one; 1 for what is not in the file at all."""
    for end in range(len(path), 0, -1):
        if path[:end] in lines:
            return lines[path[:end]]
    return 1


def syntax_line(error: tomllib.TOMLDecodeError, text: str) -> tuple[int, str]:
    """Line and message of a syntax error. `tomllib` says "(at line 3, column 5)", or "(at end of document)"."""
    message = str(error)
    found = re.search(r" \(at line (\d+), column \d+\)$", message)
    if found:
        return int(found[1]), message[: found.start()]
    return max(1, len(text.rstrip().splitlines())), message.replace(" (at end of document)", " at the end of the file")


def _statements(text: str) -> list[tuple[int, list[str]]]:
    """(line, words) of each header or assignment: words up to the line break that stands outside all brackets and strings."""
    found: list[tuple[int, list[str]]] = []
    line, start, depth, current = 1, 1, 0, list[str]()
    for match in _WORD.finditer(text):
        word = match[0]
        if word == "\n" and depth == 0:
            if current:
                found.append((start, current))
            current = []
        elif word != "\n" and not word.startswith("#"):
            if not current:
                start = line
            depth += (word in "[{") - (word in "]}")
            current = [*current, word]
        line += word.count("\n")
    return [*found, (start, current)] if current else found


def _key(words: list[str]) -> KeyPath:
    """The names of a dotted key, unquoted. A number such as `3.5` is a dotted key of two names here."""
    return tuple(next(iter(tomllib.loads(f"{word} = 0"))) for word in words if word != ".")


def _in_arrays(path: KeyPath, arrays: dict[KeyPath, int]) -> KeyPath:
    """A header's path with the index of the newest element wherever it goes through an array of tables."""
    full: KeyPath = ()
    for place, name in enumerate(path):
        full = (*full, name)
        if full in arrays and place < len(path) - 1:
            full = (*full, arrays[full])
    return full
