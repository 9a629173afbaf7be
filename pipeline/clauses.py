"""One predicate of a sentence that has two: "A full service costs 90 pounds and takes three days." asked for its price, or for its time."""

from __future__ import annotations

import re

_VERB = r"(?:costs?|takes?|is|are|needs?|lasts?|includes?|has|have|comes?|can|must|starts?|ends?|runs?)"
_TWO = re.compile(rf"^(?P<what>[^,;:.]*?) (?P<one>{_VERB} [^,;:.]*(?:\.\d[^,;:.]*)*),? and (?P<two>{_VERB} [^;:]*?)\.?$")


def clauses(text: str) -> list[str]:
    """The sentence as two with the same subject, or alone as it stands."""
    match = _TWO.match(text.strip())
    if match is None or not match["what"].strip():
        return [text]
    return [f"{match['what']} {match['one']}.", f"{match['what']} {match['two']}."]


def clause_with(text: str, wanted: re.Pattern[str]) -> str:
    """The one clause in which `wanted` is found; the whole text when there is none, or more than one."""
    found = [clause for clause in clauses(text) if wanted.search(clause)]
    return found[0] if len(found) == 1 else text
