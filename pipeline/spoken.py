"""Text as it is said: prices, times, phone numbers, dates and abbreviations in words, so that any synthesiser reads them right.

What is words already stays as it is: `spoken(spoken(text)) == spoken(text)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

from num2words import num2words

from pipeline.words import words_of

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_CURRENCIES = {"£": ("pound", "pounds", "pence"), "$": ("dollar", "dollars", "cents"), "€": ("euro", "euros", "cents")}
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
_DAYS = {
    "mon": "Monday",
    "tue": "Tuesday",
    "tues": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "thur": "Thursday",
    "thurs": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}
_ABBREVIATIONS = {
    r"\bDr\.?(?= [A-Z])": "Doctor",
    r"\bMr\.?(?= [A-Z])": "Mister",
    r"\bMrs\.?(?= [A-Z])": "Missus",
    r"\bMs\.?(?= [A-Z])": "Miz",
    r"\bProf\.?(?= [A-Z])": "Professor",
    r"\bSt\.?(?= [A-Z][a-z])": "Saint",
    r"(?<=[a-z]) St\b\.?(?=\s+\S|,)": " Street",
    r"(?<=[a-z]) St\b(?=\.?\s*$)": " Street",
    r"(?<=[a-z]) Rd\b\.?(?=\s+\S|,)": " Road",
    r"(?<=[a-z]) Rd\b(?=\.?\s*$)": " Road",
    r"(?<=[a-z]) Ave\b\.?(?=\s+\S|,)": " Avenue",
    r"(?<=[a-z]) Ave\b(?=\.?\s*$)": " Avenue",
    r"\bapprox\.?(?=\s)": "approximately",
    r"\bTel\b\.?:?": "Telephone",
    r"\bNo\.\s?(?=\d)": "number ",
    r"\bno\.\s?(?=\d)": "number ",
    r"\be\.g\.": "for example",
    r"\bi\.e\.": "that is",
    r"\betc\.?(?=\W|$)": "et cetera",
    r"\bincl\.": "including",
    r"\bmax\.": "maximum",
    r"\bmin\.(?= (?!\w*\d))": "minimum",
    r"\bvs\.?(?=\s)": "versus",
    r"\bp\.p\.": "per person",
}
_UNITS = {
    "km": ("kilometre", "kilometres"), "cm": ("centimetre", "centimetres"), "mm": ("millimetre", "millimetres"), "m": ("metre", "metres"),
    "kg": ("kilo", "kilos"), "g": ("gram", "grams"), "ml": ("millilitre", "millilitres"), "l": ("litre", "litres"),
    "min": ("minute", "minutes"), "mins": ("minute", "minutes"), "hr": ("hour", "hours"), "hrs": ("hour", "hours"), "h": ("hour", "hours"), "sec": ("second", "seconds"),
    "ft": ("foot", "feet"), "mph": ("mile an hour", "miles an hour"), "°C": ("degree", "degrees"), "°": ("degree", "degrees"), "m²": ("square metre", "square metres"),
}  # fmt: skip
# The last dot of "a.m." ends the sentence as well where one ends.
_AM_PM = r"(?:\s?(?P<half>[ap])(?:\.\s?m\.(?!\s*$|\s+(?-i:[A-Z]))|\.\s?m\b|m\b))"


def _words(number: str | int) -> str:
    """A cardinal as people say it: "1,200" -> "one thousand two hundred", "2.5" -> "two point five"."""
    text = str(number).replace(",", "")
    value = float(text) if "." in text else int(text)
    return cast("str", num2words(value)).replace("-", " ").replace(",", "").replace(" and ", " and ")


def _digit_by_digit(digits: str) -> str:
    return " ".join(_DIGITS[int(d)] for d in digits if d.isdigit())


def _phone(match: re.Match[str]) -> str:
    """Groups as written; long groups in threes, the last in fours."""
    text = match[0]
    plus = "plus " if text.startswith("+") else ""
    groups: list[str] = []
    for group in re.findall(r"\d+", text):
        rest = group
        while len(rest) > 5:
            groups.append(rest[:3])
            rest = rest[3:]
        groups.append(rest)
    return plus + ", ".join(_digit_by_digit(group) for group in groups)


def _time(hour: int, minute: int, half: str) -> str:
    """ "9:30" -> "nine thirty", "17:00" -> "five pm", "9 am" -> "nine am", "0:00" -> "midnight"."""
    if not half and hour > 12:
        half, hour = "p", hour - 12
    elif not half and hour == 0:
        half, hour = "a", 12
    said = _words(hour)
    if minute:
        said += f" oh {_words(minute)}" if minute < 10 else f" {_words(minute)}"
    elif not half:
        said += " o'clock"
    return said + (f" {half}m" if half else "")


def _clock(match: re.Match[str]) -> str:
    hour, minute = int(match["hour"]), int(match["minute"] or 0)
    if hour > 24 or minute > 59:
        return match[0]
    return _time(hour % 24 if hour == 24 else hour, minute, (match["half"] or "").lower())


def _price(match: re.Match[str]) -> str:
    one, many, small = _CURRENCIES[match["sign"]]
    whole, _, part = match["amount"].replace(",", "").partition(".")
    part = (part + "0")[:2] if part else ""
    if int(whole) == 0 and part:
        return f"{_words(int(part))} {small}"
    name = one if int(whole) == 1 else many
    return f"{_words(whole)} {name}" + (f" {_words(int(part))}" if part and int(part) else "")


def _date(match: re.Match[str]) -> str:
    day, month = int(match["day"]), int(match["month"])
    if not (1 <= day <= 31 and 1 <= month <= 12):
        return match[0]
    year = f" {_year(match['year'])}" if match["year"] else ""
    return f"the {num2words(day, to='ordinal').replace('-', ' ')} of {_MONTHS[month - 1]}{year}"


def _year(year: str) -> str:
    value = int(year) + (2000 if len(year) == 2 else 0)
    return cast("str", num2words(value, to="year")).replace("-", " ")


def _ordinal(match: re.Match[str]) -> str:
    return cast("str", num2words(int(match[1]), to="ordinal")).replace("-", " ")


def _unit(match: re.Match[str]) -> str:
    one, many = _UNITS[match["unit"]]
    return f"{match['number']} {one if match['number'] == '1' else many}"


def _address(match: re.Match[str]) -> str:
    """An e-mail or web address: "at" and "dot", its words left to the synthesiser."""
    text = re.sub(r"^(?:https?://)?(?:www\.)?", "", match[0].rstrip("/"))
    for mark, word in (("@", " at "), (".", " dot "), ("-", " dash "), ("_", " underscore "), ("/", " slash ")):
        text = text.replace(mark, word)
    return re.sub(r"\d+", lambda m: _digit_by_digit(m[0]), text)


def _number(match: re.Match[str]) -> str:
    text = match[0]
    if len(text) > 1 and text[0] == "0" and text.isdigit():
        return _digit_by_digit(text)
    following = match.string[match.end() : match.end() + 1]
    return _words(text) + (" " if following.isalpha() else "")


_CLOCK = r"(?<![\d.,:/£$€])(?P<hour>\d{1,2})"
_RULES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"), _address),
    (re.compile(r"\b(?:https?://|www\.)[\w./-]*\w|\b[\w-]+\.(?:com|org|net|co\.uk|uk|de|eu|example)\b(?:/[\w/-]*\w)?"), _address),
    (
        re.compile(r"(?<![\w.,£$€])\+?\d{2,5}(?:[ -]\d{2,6}){1,4}(?![\w%]|[.:]\d)(?<=\d)(?=(?:.|\n|$))"),
        lambda m: _phone(m) if sum(c.isdigit() for c in m[0]) >= 7 else m[0],
    ),
    (re.compile(r"(?<![\w.,£$€])\+?\d{7,15}(?![\w%]|[.,:]\d)"), _phone),
    (re.compile(r"(?<![\d./])(?P<day>\d{1,2})[./](?P<month>\d{1,2})[./](?P<year>\d{4}|\d{2})(?![\d/])"), _date),
    (re.compile(r"\b(?P<year>(?:19|20)\d{2})-(?P<month>\d{2})-(?P<day>\d{2})\b"), _date),
    (re.compile(r"(?P<sign>[£$€])\s?(?P<amount>\d+(?:,\d{3})*(?:\.\d{1,2})?)(?!\d)"), _price),
    (re.compile(rf"{_CLOCK}(?:[:.](?P<minute>\d{{2}}))?{_AM_PM}", re.IGNORECASE), _clock),
    (re.compile(rf"{_CLOCK}:(?P<minute>\d{{2}})(?P<half>)(?![\d:])(?:\s?(?:h|hrs|hours|Uhr)\b)?"), _clock),
    (re.compile(r"(?<=\d)\s?%"), " percent"),
    (re.compile(r"\b(\d+)(?:st|nd|rd|th)\b"), _ordinal),
    (re.compile(r"\b(?P<number>\d[\d.,]*)\s?(?P<unit>km|cm|mm|m²|kg|ml|mins?|hrs?|sec|ft|mph|°C|m|g|l|h)(?![\w²])"), _unit),
    (re.compile(r"\b(?P<number>\d[\d.,]*)\s?(?P<unit>°)"), _unit),
    (re.compile(r"(?<![\d.,:])\d+(?:,\d{3})+(?:\.\d+)?(?!\d)|\d+\.\d+(?![\d:])|\d+"), _number),
)
_RANGE = re.compile(r"(?<=[\dm%.])\s?[–—-]\s?(?=[£$€]?\d)")
_DAY_RANGE = re.compile(
    r"\b(?P<a>(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)(?:day)?)s?\s?[–—-]\s?(?P<b>(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)(?:day)?)s?\b"
)
_SHORT_DAY = re.compile(r"\b(Mon|Tues?|Wed|Thurs?|Thu|Fri|Sat|Sun)\b\.?(?=\s+(?:to|and|from|at|\d)|,|:)")


def spoken(text: str) -> str:
    """`text` as a synthesiser should be given it."""
    text = text.replace("’", "'")
    text = _DAY_RANGE.sub(lambda m: f"{_full_day(m['a'])} to {_full_day(m['b'])}", text)
    text = _SHORT_DAY.sub(lambda m: _full_day(m[1]), text)
    for abbreviation, word in _ABBREVIATIONS.items():
        text = re.sub(abbreviation, word, text)
    text = re.sub(r"\s*\(\s*([^)]*?)\s*\)\s*([.,;:!?]?)", lambda m: f", {m[1]}{m[2] or ','} ", text)
    text = re.sub(r"\s+&\s+", " and ", text)
    text = re.sub(r"\s\+\s", " plus ", text)
    for pattern, replacement in _RULES[:6]:
        text = pattern.sub(replacement, text)
    text = re.sub(r"\b24/7\b", "around the clock", text)
    text = re.sub(r"(?<=\w)\s?/\s?(?=[\w£$€])", " or ", text)
    text = _RANGE.sub(" to ", text)
    for pattern, replacement in _RULES[6:]:
        text = pattern.sub(replacement, text)
    text = re.sub(r"\s+([.,;:!?])", r"\1", text)
    text = re.sub(r",(?:\s*,)+", ",", text)
    text = re.sub(r",\s*([.;:!?])", r"\1", text)
    return re.sub(r"\s+", " ", text).strip()


def _full_day(word: str) -> str:
    return _DAYS.get(word.lower().removesuffix("day"), _DAYS.get(word.lower()[:3], word))


def slower(text: str) -> str:
    """For "say that again slower": digits one by one, a pause after every few words and before each figure."""
    text = spoken(text)
    digit = "|".join(_DIGITS)
    text = re.sub(rf"\b({digit}) (?=(?:{digit})\b)", r"\1, ", text)
    text = re.sub(r"(?<![,.;:!?]) (?=(?:and|or|but|from|between|for|until|if|which|where|because)\b)", ", ", text)
    words, run, out = text.split(" "), 0, list[str]()
    for n, word in enumerate(words):
        run = 0 if word[-1:] in ",.;:!?" else run + 1
        pause = run >= 5 and n + 3 < len(words) and word.lower() not in _CLINGING
        out.append(f"{word}," if pause else word)
        run = 0 if pause else run
    return " ".join(out)


_CLINGING = words_of("the a an of to is are we you our your only on at in with by not no")
