"""Lists of prices and lengths in an owner's text, "small £38, medium £46", and what counts as a price or a length."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipeline.words import content, durations

VALUE = re.compile(
    r"[£$€¤]\s?\d[\d.,]*|\b\d[\d.,]*\s?(?:p\b|pence|pounds?|dollars?|euros?|eur\b|usd\b|gbp\b|%|percent|per cent)"
    r"|\b(?:free(?! (?:appointment|place|slot|space))|no charge)\b",
    re.IGNORECASE,
)
MONEY = re.compile(
    r"[£$€¤]|\b\d[\d.,]*\s?(?:p\b|pence|pounds?|dollars?|euros?|%|percent|per cent)"
    r"|\bfree\b(?! (?:appointment|place|slot|space))|\bno charge\b|\b(?:half|quarter|third|part)(?: of)? the (?:price|fee)\b|\bdeposit\b",
    re.IGNORECASE,
)
LENGTH = re.compile(
    r"\b(?:\d+|an?|half an|one|two|three|four|five|six|seven|eight|nine|ten|couple of|few)(?:[ -](?:to|or|-)[ -]\w+)?[ -]?"
    r"(?:and a half )?(?:(?:working|business|full) )?(?:minutes?|mins?|hours?|hrs?|days?|weeks?|months?)\b(?: and a half\b)?",
    re.IGNORECASE,
)
_PAIRED = re.compile(
    r"[£$€¤]\s?\d[\d.,]*(?:\s(?:for|per|a|an|each|if|with|on)\s[^,;.£$€¤]+?)(?=\s*(?:[,;]|\.?$)|\s(?:and|or|to|up to|but)\s(?:[£$€¤]|\w+ [£$€¤]))"
)
"""A price and what it is for: "$7 for grown-ups and $4 for kids"."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a list of prices or lengths: `text` as written, `keys` the concepts that tell it from the others."""

    text: str
    keys: frozenset[str]
    minutes: frozenset[int] = frozenset()


def _segments(text: str) -> list[str]:
    """A list's entries: cut at commas, semicolons and the last "and", never inside brackets."""
    flat = re.sub(r"\([^)]*\)", lambda m: re.sub(r"[,;]", "\x00", m[0]).replace(" and ", " \x01 "), text)
    parts = re.split(
        r"(?<!\d),(?=\s)|(?<=[\d%]),\s|;|\s/\s|\s+(?:and|or)\s+(?!(?:more|over|under|above|less|fewer|longer|older|younger|so)\b)(?=[^,]*$)|\s\+\s",
        flat,
    )
    cleaned = [p.replace("\x00", ",").replace("\x01", "and").strip(" .,") for p in parts]
    return [re.sub(r"^(?:and|or)\s+", "", p) for p in cleaned if p]


def list_items(text: str) -> tuple[Item, ...]:
    """Entries of a list like "small £38, medium £46": at least two that each carry a price or a length; else nothing."""
    if re.search(r"[.!?]\s+[A-Z]", text):
        return ()
    labelled, _, body = text.rpartition(":")
    segments = _segments(body)
    priced = [s for s in segments if VALUE.search(s) and len(s.split()) <= 12]
    paired = _PAIRED.findall(body)
    if len(paired) > 1 and len(paired) >= len(VALUE.findall(body)):
        priced = paired
    timed = [s for s in segments if LENGTH.search(s) and len(s.split()) <= 12]
    named = [s for s in segments if re.search(r"\([A-Z][a-z]+", s)]
    valued = max(priced, timed, named, key=len)
    # "60 pounds and takes 30 minutes" is one entry with a price and a length, not two entries.
    # After a label ("Heel tips: ladies £9.50, men £14, done while you wait") the prices are entries whatever else is said.
    enough = 2 if valued is priced and (labelled or valued is paired) else max(2, len(segments) - 1)
    if len(valued) < enough:
        return ()
    named_by = [[key for key in content(LENGTH.sub(" ", VALUE.sub(" ", s))) if not key[0].isdigit()] for s in valued]
    if labelled and len(named_by[0]) == 2 and all(len(names) == 1 for names in named_by[1:]):
        # "small dog £38, medium £46": all of them are dogs.
        named_by[0] = named_by[0][:1]
    words = [set(names) for names in named_by]
    shared = set.intersection(*words)
    keys = [w - shared for w in words]
    lengths = [frozenset(durations(s)) for s in valued]
    if not any(keys) and not all(lengths):
        return ()
    if keys[0] and all(lengths) and not any(keys[1:]) and (value := VALUE.search(valued[0])):
        # "Double kayak £25 an hour, £55 half a day": all of them are about the double kayak.
        valued = [valued[0][value.start() :], *valued[1:]]
        keys[0] = set()
    return tuple(Item(s, frozenset(k), n) for s, k, n in zip(valued, keys, lengths, strict=True))
