"""An owner's shorthand written out: "1st appt w/ Neil, approx 20 mins" -> "first appointment with Neil, about 20 minutes"."""

from __future__ import annotations

import re
from functools import partial

from pipeline.clock_times import in_figures

_SHORT = {
    r"w/ends?\b": "weekends",
    r"w/o\b": "without",
    r"\bw/\s?(?=\w)": "with ",
    r"\bappts?\b\.?+(?=\s+(?:only|nec|req|pls))": "appointment",
    r"\bappts\b\.?+": "appointments",
    r"\bappt\b\.?+": "appointment",
    r"\bpts\b(?=[ ,:.])": "patients",
    r"\bppl\b": "people",
    r"\bpls\b": "please",
    r"\basst\b\.?+": "assistant",
    r"\bincl\b\.?+(?=\s*(?:$|[,;)])|\s+(?-i:[A-Z]))": "included",
    r"\bincl\b\.?+(?= )": "including",
    r"\bexcl\b\.?+(?= )": "excluding",
    r"\bapprox\b\.?+": "about",
    r"\bmins\b\.?+": "minutes",
    r"(?<=\b1 )hr\b\.?+": "hour",
    r"(?<=\d )hrs?\b\.?+": "hours",
    r"^hrs\b\.?+(?=:)": "Opening hours",
    r"^hours(?=:)": "Opening hours",
    r"\bwks\b\.?+": "weeks",
    r"\bwk\b\.?+": "week",
    r"\byrs\b\.?+": "years",
    r"\bmths\b\.?+": "months",
    r"\bbank hols?\b\.?+": "bank holidays",
    r"\bhols\b\.?+": "holidays",
    r"\boaps\b": "pensioners",
    r"\boap\b": "pensioner",
    r"\b1st\b(?! (?:of )?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))": "first",
    r"\b2nd\b(?! (?:of )?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))": "second",
    r"\bnec\b\.?+": "necessary",
    r"\breq(?:'?d)?\b\.?+": "required",
    r"\bposs\b\.?+": "possible",
    r"\bavail\b\.?+": "available",
    r"\bcanc\b\.?+": "Cancelling",
    r"\bmax\.(?= )": "at most",
    r"\bmin\.(?= \d)": "at least",
    r"\bthru\b": "to",
    r"\bp/p\b|\bpp\b(?=[ ,.]|$)": "per person",
    r"\bp/w\b|\bpw\b": "a week",
    r"\bp/h\b|\bph\b(?=[ ,.]|$)": "an hour",
    r"(?<=\d) ?/ ?(?=(?:hour|hr|day|night|week|month|person|head)\b)": " a ",
    r"\bea\b\.?+": "each",
    r"(?<=\d) p\.m\.": " pm",
    r"(?<=[a-z]) p\.m\.": " afternoons",
    r"(?<=[a-z]) a\.m\.": " mornings",
    r"(?<=[a-z)]) \+ (?=[a-z])": " and ",
    r"(?<=\w) = (?=\w)": ": ",
}
_RULES = tuple((re.compile(pattern, re.IGNORECASE | re.MULTILINE), long) for pattern, long in _SHORT.items())


def written_out(text: str) -> str:
    """The text with its shorthand in words, and times of the day in figures: what is compared, shown to a model and spoken alike."""
    for pattern, long in _RULES:
        text = pattern.sub(partial(_long, long=long), text)
    return in_figures(text)


def _long(match: re.Match[str], long: str) -> str:
    capital = match[0][:1].isupper() and long[:1].isalpha()
    # The dot of "1 hr. Two dressings" ends the sentence as well.
    ends = match[0].endswith(".") and bool(re.match(r"\s+[A-Z]|\s*$", match.string[match.end() :].split("\n", 1)[0]))
    return f"{long[:1].upper() + long[1:] if capital else long}{'.' if ends and long[-1:].isalpha() else ''}"
