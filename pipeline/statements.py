"""An owner's text cut into statements: each short enough for a small model, each intelligible without its neighbours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from pipeline.hours import is_schedule
from pipeline.items import LENGTH, MONEY, VALUE, Item, list_items
from pipeline.notes import written_out
from pipeline.words import content

_ABBREVIATION = re.compile(
    r"\b(?:approx|tel|no|st|dr|mr|mrs|ms|prof|rev|ave|rd|etc|e\.g|i\.e|a\.m|p\.m|min|mins|max|incl|ext|vs|dept|jr|sr|hr|hrs|am|pm"
    r"|mon|tues?|wed|thurs?|thu|fri|sat|sun|jan|feb|mar|apr|aug|sept?|oct|nov|dec)\.$",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"(?:\b(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:days?)?\b"
    r"|\b(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b)\.?",
    re.IGNORECASE,
)
_DATE_ENDS = re.compile(_DATE.pattern + r"\s*$", re.IGNORECASE)
_PHONE = re.compile(r"\+?\d[\d ()\-]{6,}\d")
_CONTINUES = re.compile(
    r"^(?:[£$€¤]\d|(?:it|they|this|that|these|those|for (?:that|this|these|those)|takes?|lasts|includes?|including|also|then|otherwise|paid"
    r"|if (?:unsure|in doubt)|both|all of (?:them|these)|the (?:first|second|other)|small|large|first|ready|usually|normally)\b)",
    re.IGNORECASE,
)
"""Beginnings that need a subject from before, from the line above as well."""
_GOES_ON = re.compile(
    r"^(?:plus|and|but|or|available|minimum|maximum|last|next|needs?|costs?|please|bring|book|allow|late|early|starts|begins|ends|without|not|rest"
    r"|patch|shut|closed|open|cancel|arrive|ask|call|ring|every|each|only|up to|from|with)\b",
    re.IGNORECASE,
)
"""Beginnings that need one from the same line only."""
_PRONOUN = re.compile(r"^(?:[\w']+ ){0,6}(?:it|they|them)\b", re.IGNORECASE)
_COMPLETES = re.compile(
    r"^(?:after (?:that|this)|otherwise|if (?:so|not|full|busy|closed|late|in doubt|it is)|then|before that|in that case|please ask for"
    r"|it (?:is|costs|takes|lasts|has|includes)|they (?:are|cost|take|have|last)|this (?:is|includes)|we only)\b"
    r"|^nothing \w+\W*$",
    re.IGNORECASE,
)
_LIMITS = re.compile(r"(?:but|except|unless|apart from|though|although|as long as|provided)\b")
"""Beginnings of what holds for the part before it alone: "three weeks ahead, but from April through June make it six"."""
_LABEL = re.compile(r"^(?P<label>[A-Z][^:.!?\d£$€¤]{1,60}?)(?:\s*\((?P<aside>[^)]*)\))?:\s+(?P<rest>.*\S)$")
_HEADING = re.compile(r"^(?:#+\s*)?(?P<label>[A-Z][^:.!?£$€¤]{1,50}):?\s*$")
_COLUMNS = re.compile(r"^(?:[A-Z]{2,}\s+)?(?P<names>[A-Za-z][^/.:£$€¤]*(?:\s/\s[^/.:£$€¤]+)+)$")
"""A line that only names columns: "half day (up to 4 hrs) / full day"."""
_SLASHES = re.compile(r"(?P<values>(?:[£$€¤]?\d+(?:\.\d+)?\s*/\s*)+[£$€¤]?\d+(?:\.\d+)?)(?!\s*/?\d)")

_RELABELLED = {
    "phone": "Our phone number is {}",
    "telephone": "Our phone number is {}",
    "tel": "Our phone number is {}",
    "call": "Our phone number is {}",
    "mobile": "Our mobile number is {}",
    "email": "Our email address is {}",
    "e-mail": "Our email address is {}",
    "mail": "Our email address is {}",
    "web": "Our website is {}",
    "website": "Our website is {}",
    "address": "Our address is {}",
    "location": "Our address is {}",
}


UNNAMED = "¤"
"""Marks a price in a text that names no currency."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that the owner says.

    `topic` is what a sentence without a subject of its own is about ("Full groom"), `paragraph` counts blocks of lines;
    `items` are there when it lists prices or lengths. `scheduled`: it is about days and hours. `headed`: its topic is a heading.
    `line`: where it was written; what is on one line belongs together.
    """

    text: str
    topic: str = ""
    paragraph: int = 0
    items: tuple[Item, ...] = ()
    scheduled: bool = False
    headed: bool = False
    line: int = -1

    @property
    def said(self) -> str:
        """As it is said: a heading above is not read out with every line under it."""
        return self.text if self.headed and self.text[0].isalpha() else self.full

    @property
    def full(self) -> str:
        """With its topic in front: what is compared, and what the model sees."""
        return f"{self.topic}: {self.text}" if self.topic else self.text

    @property
    def keys(self) -> frozenset[str]:
        """Concepts that it contains, the topic's included."""
        return frozenset(content(self.full))

    @property
    def has_price(self) -> bool:
        """It names money, or says that something is free."""
        return bool(MONEY.search(self.text))

    @property
    def has_length(self) -> bool:
        """It says how long something takes or lasts."""
        return bool(LENGTH.search(self.text))

    @property
    def has_phone(self) -> bool:
        """It contains a phone number."""
        return bool(_PHONE.search(self.text))

    @property
    def says_more(self) -> bool:
        """Whether something stands beside its list: "ladies £9.50, men £14, done while you wait"."""
        end = self.text.find(self.items[-1].text) + len(self.items[-1].text) if self.items else 0
        return bool(self.items) and bool(content(self.text[end:]))

    def facet(self, pattern: re.Pattern[str]) -> str:
        """Of "Heel tips: ladies £9.50, done while you wait, about 15 minutes" what has an amount of that kind; all where that says nothing alone."""
        label, colon, body = self.text.partition(": ")
        parts = re.split(r",\s+(?!\d)|;\s", body if colon else self.text)
        kept = [
            part.strip(" .")
            for before, part in zip(["", *parts], parts, strict=False)
            if pattern.search(part) or (pattern.search(before) and _LIMITS.match(part))
        ]
        if len(kept) in (0, len(parts)) or not (colon or parts[0].strip(" .") == kept[0]) or re.match(r"(?:If|When)\b", self.text):
            return self.said
        body = ", ".join(kept)
        return f"{label}: {body}." if colon else f"{self.topic}: {body}." if self.topic and not self.headed else f"{body}."

    def cuts(self) -> tuple[str, ...]:
        """What it may be cut down to, whatever is asked, the whole first."""
        return tuple(
            dict.fromkeys((self.said, self.facet(MONEY), self.facet(LENGTH), *(self.narrowed((item,)) for item in self.items)))
        )

    def narrowed(self, items: tuple[Item, ...]) -> str:
        """The statement with only those items of its list."""
        if not items or items == self.items:
            return self.said
        lead = self.lead()
        body = ", ".join(item.text for item in items)
        if re.search(r"\b(?:of|is|are|costs?|at|for|pay|charge)$", lead):
            return f"{lead} {body}."
        return f"{lead}: {body}." if lead else f"{body[0].upper()}{body[1:]}."

    def lead(self) -> str:
        """What the list is about: its label, or the words before the first entry."""
        before, colon, _ = self.text.partition(":")
        own = before if colon and self.items and self.items[0].text not in before else ""
        if not own and self.items:
            own = self.text[: max(0, self.text.find(self.items[0].text))].strip(" ,:-")
            own = re.sub(r"\s+(?:anywhere )?from$", "", own)
        if own and self.topic and not self.headed:
            return f"{self.topic}: {own}"
        return own or self.topic


def _ends(head: str, rest: str) -> bool:
    """Whether the dot at the end of `head` ends a sentence: that of "7.30pm. There's" does, that of "Mon." does not."""
    if re.search(r"\d ?[ap]m\.$", head, re.IGNORECASE):
        return not _DATE.match(rest.lstrip())
    return not (_ABBREVIATION.search(head) or re.search(r"\b[A-Z]\.$", head))


def sentences(line: str, *, notes: bool = False) -> list[str]:
    """Sentences of one line; "approx. 5", "9 a.m. to" and "8.30" do not end one."""
    parts: list[str] = []
    start = 0
    # Whoever writes notes begins without a capital: "standard service 55. full service 95".
    begins = "A-Za-z" if notes else "A-Z"
    for match in re.finditer(rf"[.!?](?=\s+[\"'(]?[{begins}0-9£$€¤])|;\s|\s+[-–—]\s+(?=[A-Z])", line):
        head = line[start : match.end()]
        if match[0] == "." and not _ends(head, line[match.end() :]):
            continue
        # "April - Sept open daily", "Thu - Sun only"
        if match[0][0] in " -–—" and _DATE_ENDS.search(line[: match.start()]) and _DATE.match(line[match.end() :]):
            continue
        parts.append(head.strip(" ;–—"))
        start = match.end()
    parts.append(line[start:].strip())
    return [p for p in parts if p]


_MONTHS = (
    "jan january feb february mar march apr april may june july aug august sept september oct october nov november dec december"
)
_NO_PRICE_AFTER = f"from by before after to until till at under over than age aged no. number room bus max min sleeps day unit platform floor and {_MONTHS}"
"""Words behind which a bare number is no price: "room 12", "under 16", "until January 15"."""
_ROOM_FOR = "takes seats holds serves fits carries"
"""Behind a comma or a colon it says how many there is room for: "5.8 metres, takes 6"."""
_BARE_PRICE = re.compile(
    r"(?<![\d£$€¤.,])"
    + "".join(rf"(?<!\b{re.escape(word)} )" for word in _NO_PRICE_AFTER.split())
    + "".join(rf"(?<!{mark} {word} )" for word in _ROOM_FOR.split() for mark in ",:")
    + r"(?<=[a-z)] )(\d{1,4}(?:\.\d{2})?)"
    r"(?=\s*(?:[,;]|\.?\s*$|\bincl|\b(?:per(?! ?cent)|each|extra|an?|all day)\b))",
    re.IGNORECASE,
)


class _Cutter:
    """Walks the lines and remembers what a sentence without a subject is about."""

    def __init__(self, instructions: str) -> None:
        sign = re.search(r"[£$€¤](?=\s?\d)|(?<=\d )(?:pounds|euros|dollars)\b", instructions)
        bare = sum(len(_BARE_PRICE.findall(line)) + len(_SLASHES.findall(line)) for line in instructions.splitlines())
        # Unicode's sign for a currency that nobody names: it marks prices here and is never said.
        self.money = sign[0] if sign is not None else UNNAMED if bare >= 3 else ""
        self.currency = self.money if len(self.money) == 1 else ""
        self.entries = False
        self.notes = bool(re.search(r"^(?:[-*•–]\s+)?[a-z]", instructions, re.MULTILINE))
        self.heading = ""
        self.topic = ""
        self.columns: tuple[str, ...] = ()
        self.paragraph = 0

    def line(self, line: str) -> Iterator[Statement]:
        entry = bool(re.match(r"\s+\S|\s*[-*•–]\s", line))
        if self.entries and not entry:
            # Lines under a heading were set in or had bullets: it ends where they do.
            self.heading = self.topic = ""
        self.entries = entry and bool(self.heading)
        line = re.sub(r"(?<=\d)([ap]m)\b", r" \1", line)
        line = re.sub(r"^(?:[-*•–]\s+|\d+[.)]\s+(?=[A-Z]))", "", line.strip())
        if (match := _HEADING.match(line)) and (line.endswith(":") or line.startswith("#") or (line.isupper() and len(line) > 3)):
            self.heading = self.topic = match["label"].strip()
            if (names := re.search(r"(?:^|,\s)([^,]+(?:\s/\s[^,]+)+)$", self.heading)) and not re.search(r"\d", names[1]):
                self.columns = tuple(name.strip() for name in names[1].split(" / "))
                self.heading = self.topic = self.heading[: names.start()].strip()
            return
        if (match := _COLUMNS.match(line)) and not re.search(r"[,\d]", re.sub(r"\([^)]*\)", "", line)):
            self.columns = tuple(name.strip() for name in match["names"].split(" / "))
            self.heading = self.topic = line[: match.start("names")].strip().capitalize()
            return
        line = self._address(line)
        fresh, labelled = True, bool(_LABEL.match(line))
        for sentence in _joined(_whole(sentences(line, notes=self.notes), line)):
            yield from self._sentence(sentence, fresh, labelled)
            fresh = False

    def _address(self, line: str) -> str:
        """ "Willow Lane Grooming, 27 Willow Lane, …" says where it is."""
        match = re.match(
            r"^(?P<name>(?:[A-Z&][\w'’&.-]*[ ]?(?:of |the |and |& )?){1,7}),\s+(?:at |on )?(?P<rest>\d+\w*(?: ?[-–] ?\d+\w*)?[ ,](?! ?(?:amps?|metres?|meters?|feet|miles|minutes?|hours?|days|kg|litres?)\b).*)$",
            line,
        )
        if match and self.paragraph == 0:
            return f"Our address is {match['rest']}"
        tel = re.match(r"^(?P<label>Tel|Phone|Telephone|Ph|T|t)\.?:?\s+(?P<rest>\+?[\d (][\d ()-]{5,}.*)$", line)
        return f"Our phone number is {tel['rest']}" if tel else line

    def _sentence(self, sentence: str, fresh: bool, labelled: bool) -> Iterator[Statement]:
        topic = self.heading
        if match := _LABEL.match(sentence):
            label, rest = match["label"].strip(), match["rest"]
            if form := _RELABELLED.get(label.lower()):
                sentence = form.format(rest)
            self.topic = label
        elif (":" not in sentence and _CONTINUES.match(sentence)) or (
            not fresh
            and (
                (labelled and ":" not in sentence and _GOES_ON.match(sentence)) or sentence[0].islower() or _PRONOUN.match(sentence)
            )
        ):
            topic = self.topic
        elif fresh and not self.heading:
            self.topic = _subject(sentence)
        if len(sentence) > 1 and sentence[-1] not in ".!?":
            sentence += "."
        sentence = self._priced(self._columns(sentence))
        statement = Statement(
            sentence,
            topic if topic.lower() not in sentence.lower() else "",
            self.paragraph,
            scheduled=is_schedule(sentence),
            headed=bool(self.heading) and topic == self.heading,
        )
        items = () if statement.scheduled else list_items(sentence)
        if items:
            if sum(bool(VALUE.search(item.text)) for item in items) > 1:
                self.columns = tuple(_column(item) for item in items)
            self.currency = next((c for c in "£$€¤" if c in sentence), self.currency)
        yield replace(statement, items=items)

    def _priced(self, sentence: str) -> str:
        """ "dog 55, cat 48" and "porridge 4.20" with the currency that the owner uses elsewhere."""
        if not self.money or is_schedule(sentence):
            return sentence
        if self.money == UNNAMED:
            # "tandem full day only, 50"
            sentence = re.sub(r"(?<=[a-z], )(\d{1,4})(?=\.$)", rf"{UNNAMED}\1", sentence)
        bare = _BARE_PRICE.findall(sentence)
        if self.money != UNNAMED and len(bare) < 2 and not any("." in b for b in bare) and not (bare and VALUE.search(sentence)):
            return sentence
        return _BARE_PRICE.sub(rf"{self.money}\1" if len(self.money) == 1 else rf"\1 {self.money}", sentence)

    def _columns(self, sentence: str) -> str:
        """ "22 / 28 / 35" after "small £38, medium £46, large £60" is a price list without its names: give them back."""
        match = _SLASHES.search(sentence)
        if not match:
            return sentence
        values = [v.strip() for v in match["values"].split("/")]
        if len(values) != len(self.columns) or len(values) < 2:
            return sentence
        cells = (f"{name} {v if v[0] in '£$€¤' else self.currency + v}" for name, v in zip(self.columns, values, strict=True))
        lead = re.sub(r"\s+(?:is|are|costs?)\s*$", "", sentence[: match.start()].rstrip(" :"))
        return f"{lead}: {', '.join(cells)}{sentence[match.end() :]}"


def _column(item: Item) -> str:
    return re.sub(r"\s{2,}", " ", VALUE.sub("", item.text)).strip(" :-–")


def _subject(sentence: str) -> str:
    """The words before the first price, number or verb: what the sentence is about."""
    match = re.match(
        r"^(?:We (?:teach|offer|have|do|sell|rent out|rent|run)\s+)?(?P<subject>.*?)(?=\s+(?:is|are|was|costs?|takes?|lasts?|has|have|can|may|must|by|for|only|at|there|while)\b|[\d£$€¤:,(]|$)",
        sentence,
    )
    subject = re.sub(r"\s+(?:yes|no|from|to|of|in|on|with|and|or|up)$", "", match["subject"].strip(" .-–")) if match else ""
    return (
        subject
        if 0 < len(subject.split()) <= 5
        and not re.match(r"(?:we|you|if|there|no|please|everything|our|it)\b", subject, re.IGNORECASE)
        else ""
    )


def split(instructions: str, name: str = "") -> list[Statement]:
    """Statements in the owner's order. `name` is the bot's or the business's name, for the address in the first line."""
    instructions = written_out(instructions)
    cutter = _Cutter(instructions)
    named = {*content(name), *content("welcome company limited ltd")}
    found: list[Statement] = []
    for number, line in enumerate(instructions.replace("\r\n", "\n").split("\n")):
        if not line.strip():
            cutter.paragraph += 1
            cutter.heading = cutter.topic = ""
            continue
        # A line with nothing but the name on it says nothing.
        found.extend(replace(s, line=number) for s in cutter.line(line) if set(content(s.text)) - named)
    return found


def _whole(parts: list[str], line: str) -> list[str]:
    """ "No own car park; the multi storey is next door": halves of a sentence that are too short to stand alone."""
    whole: list[str] = []
    for part in parts:
        if whole and f"{whole[-1]}; {part}" in line and (len(part.split()) < 6 or len(whole[-1].split()) < 6):
            whole[-1] = f"{whole[-1]}; {part}"
        else:
            whole.append(part)
    return whole


def _joined(parts: list[str]) -> list[str]:
    """ "After that we charge 30 pounds." says nothing without the sentence before it."""
    whole: list[str] = []
    for part in parts:
        if whole and (_COMPLETES.match(part) or whole[-1].endswith("?")) and len(whole[-1].split()) + len(part.split()) <= 40:
            whole[-1] = f"{whole[-1]} {part}"
        else:
            whole.append(part)
    return whole
