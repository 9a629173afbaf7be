"""What a caller's sentence asks for: its kind (price, length, place, yes or no), its days and times, and whether it leans on the last one."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum

from pipeline.hours import DAYS, days_in
from pipeline.seasons import date_in
from pipeline.words import concept, content, durations, numbered, plain, tokens


class Want(Enum):
    """The kind of thing that would answer."""

    PRICE = "price"
    LENGTH = "length"
    WHEN = "when"
    WHERE = "where"
    AGE = "age"
    PHONE = "phone"
    EMAIL = "email"
    WHO = "who"
    MEASURE = "measure"
    ATTRIBUTE = "attribute"
    YES_NO = "yes or no"
    OTHER = "other"


_AUX = (
    r"(?:do|does|did|is|are|am|was|can|could|would|will|shall|should|may|might|must|have|has|isn't|aren't|don't|doesn't|can't|couldn't|won't"
    r"|wouldn't|any chance)"
)
_PRONOUN = r"(?:i|you|we|he|she|it|they|there|this|that|these|those|one|someone|somebody|anyone|anybody|everyone|my|your|our|his|her|the|their|a|an|any|all|[a-z]+s)"
_YES_NO = re.compile(
    rf"(?:^|[,;:] ?|\b(?:and|so|but|or|well|hi|hello|also|please|then|okay|if|morning|afternoon) |^\w+,? ){_AUX} (?:\w+ )?{_PRONOUN}\b|^{_AUX}\b|\b{_AUX} (?:i|you|we|he|she|they|there)\b"
)
_LEANS = re.compile(r"^(?:and|but|also|or|what about|how about|what if)\b|\b(?:then|instead)\W*$", re.IGNORECASE)
_POINTS = re.compile(
    r"\bin there\b|\b(?:it|that|this|those|these|they|them|one|ones|then|same|he|she|her|him|his)\b(?!')|\b(?:it|that)'s\b",
    re.IGNORECASE,
)
_WH = re.compile(
    r"(?:^|\b(?:and|so|but|well|then|also|okay|hi|hello|please|me|know|sorry),? |[,;] ?)(?:how|what|which|where|when|who|why)(?:'s)?\b(?! (?:about|if)\b)",
    re.IGNORECASE,
)
# "So you're open on Mondays, then?": the voice alone makes it a question, and the recogniser's mark.
_STATED = re.compile(
    r"(?:^|[,;] ?)(?:(?:and|so|but|then|also|okay|well) )*(?:you(?: guys| lot| folks| all)?|you're|you've|you'd|you'll|i|i'd|i'll|i can|we|we'd|we'll|we're|it|it's|it'll"
    r"|that|that's|that'll|this|they|they're|there's|there is|there are|everyone|everything|kids|children|dogs) [a-z]"
)
# "Like around three?" says more about the question before it.
_NEARER = re.compile(r"(?:like|say|or say|maybe|ideally|preferably|around|about)\b", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"\b(?:what|which) (?:\w+ )?(brand|make|model|colou?r|temperature|size|flavou?rs?|nationality|speed|age|percentage|version|software)\b"
)
_WANTS = (
    (Want.PHONE, r"\b(?:phone|telephone|mobile|contact) number\b|\bnumber\b.{0,20}\b(?:call|ring|reach|phone)\b|\byour number\b"),
    (Want.EMAIL, r"\be-?mail\b"),
    (
        Want.LENGTH,
        r"\bhow (?:long|quick|quickly|soon|fast|far (?:ahead|in advance|ahead))\b|\bhow many (?:minutes|hours|days|weeks|months)\b|\bhow much time\b",
    ),
    (Want.AGE, r"\b(?:how old|what age|which age|old enough|too young|too old|minimum age|from what age|age limit)\b"),
    (
        Want.PRICE,
        (
            r"\bhow much(?! (?:notice|time|longer|earlier|later))\b|\b(?:set|run|cost) (?:me|us|him|her|them) back\b|\bam i looking at\b|\bwhat (?:would|will|does) (?:it|that) be\b|\bwhat(?:'s| is) (?:that|it) (?:a|an|per|each|for)\b|^(?:and |so |okay,? )?what(?:'s| is| are) (?:a|an|one) (?!good\b|typical\b|normal\b|nice\b|best\b)|\bwhat(?:'s| is| does| do| would| will|'ll)\b.{0,40}\b(?:come to|run (?:me|us)|(?:want|ask|take|charge) for|set (?:me|us) back|go for|owe)\b|\bwhat'?s? (?:is |are |do |does |did |would |will |you |your )*"
            r"(?:[\w-]+ ){0,8}?(?:cost|price|prices|charge|fee|fees|rates|pay|damage)\b|\b(?:price|cost|fee) (?:of|for)\b|\bhow expensive\b|\bwhat'?s the (?:price|cost|damage|charge|fee)\b"
        ),
    ),
    (
        Want.WHERE,
        r"^(?:and |so |but )?where\b|\bwhere(?:'s| is| are| can| do| would| exactly| abouts)\b|\baddress\b|\bhow do (?:i|we) (?:get|find)\b|\bdirections\b|\bwhereabouts\b",
    ),
    (Want.MEASURE, r"\bhow (?:warm|hot|cold|big|large|deep|wide|heavy|tall|high|steep|loud|busy|clean|safe|strong|fast|far)\b"),
    (Want.ATTRIBUTE, _ATTRIBUTE),
    # "An old dog who goes everywhere" asks for nobody.
    (
        Want.WHO,
        r"(?:^(?:[\w']+,? ){0,2}|[,;] |\b(?:know|me|ask|say|and|so|to|with|by|from|of) )(?<!someone )(?<!somebody )who(?:'s|se|m)?\b|\bwhich (?:one )?of you\b|\bwhat(?:'s| is) the name of the \w+(?:er|or|ist|ian|man|woman|person)\b",
    ),
    (
        Want.WHEN,
        (
            r"\b(?:when|what time|what hours|which days?|what days?|how late|how early|until what time|opening (?:hours|times)|your hours)\b"
            r"|\bwhat(?:'s| is) the (?:latest|earliest)\b"
        ),
    ),
)
_MODAL = r"(?:do|does|did|can|could|will|would|shall|should|may|might|must)"
_DOES = (
    rf"\b(?:{_AUX} (?:i|you|we|he|she|they|it|one)|{_MODAL} (?:some(?:body|one)|any(?:body|one)|(?:my|our|your|his|her|the|a|an) [a-z'-]+(?: and i)?))"
    r" (?:(?:just|still|also|even|please|maybe|perhaps|guys) )*"
)
_OBJECT = re.compile(
    rf"(?:\b(?:is|are) there\b|\b(?:have|has) (?:(?:the|your) )?[a-z]+ got\b|{_DOES}[a-z'-]+)"
    r" (?P<object>[^,.?;]*?)(?=\b(?:in|at|on|for|with|near|by|to|from|if|when|while|because|as|instead|during|before|after|around|this|next)\b|[,.?;]|$)"
)
_REQUEST = re.compile(
    r"^(?:\w+,? )?(?:i|we)(?:'d| would| am|'m| are|'re)? (?:need|want|like|looking for|after)\b (?!to know|to ask|to move|to change)"
)
_SPLIT = re.compile(r"(?<=[.?!])\s+(?=\S)")
_TURNED = {
    "i": "you", "me": "you", "my": "your", "mine": "yours", "myself": "yourself", "i'm": "you're", "i've": "you've", "i'd": "you'd", "i'll": "you'll",
    "we": "you", "us": "you", "our": "your", "ours": "yours", "we're": "you're", "we've": "you've", "we'd": "you'd", "we'll": "you'll",
    "you": "we", "your": "our", "yours": "ours", "you're": "we're", "you've": "we've", "you'd": "we'd", "you'll": "we'll", "am": "are", "was": "were",
}  # fmt: skip
_TIME = re.compile(
    r"\b(?:(?P<half>half(?: past)?)|(?P<quarter>quarter (?:past|to)))?\s*\b(?<!\d)(?P<hour>1\d|2[0-3]|0?[1-9])(?!\d)(?:[:.](?P<minute>[0-5]\d))?"
    r"(?:\s+(?P<spoken>15|30|45))?\s*(?P<half_day>[ap]\.?\s?m\b\.?|o'clock)?"
)
_PARTS = {
    "morning": (360, 720),
    "lunchtime": (720, 840),
    "lunch time": (720, 840),
    "afternoon": (720, 1020),
    "evening": (1080, 1320),
    "tonight": (1080, 1320),
    "at night": (1200, 1440),
}


_NEED_A_TOPIC = frozenset({Want.PRICE, Want.LENGTH, Want.WHEN, Want.AGE, Want.WHO, Want.YES_NO, Want.WHERE})


@dataclass(frozen=True, slots=True)
class When:
    """Days (0 = Monday), a minute of the day and a part of the day, as far as said.

    `relative` counts days from today, `date` is a month and, if said, its day.
    """

    days: tuple[int, ...] = ()
    minute: int | None = None
    part: tuple[int, int] | None = None
    part_name: str = ""
    relative: int | None = None
    next_day: bool = False
    date: tuple[int, int | None] | None = None

    def __bool__(self) -> bool:
        return (
            bool(self.days)
            or self.date is not None
            or self.minute is not None
            or self.part is not None
            or self.relative is not None
            or self.next_day
        )


@dataclass(frozen=True, slots=True)
class Question:
    """One request: `text` as said, `core` the sentence that asks, `before` what led up to it."""

    text: str
    core: str
    before: str
    want: Want
    yes_no: bool
    leans: bool
    points: bool
    when: When

    @property
    def elliptical(self) -> bool:
        """Whether it is a bit of a question ("And on Friday?", "What about a westie?"): the rest is the last one's."""
        text = plain(self.core)
        return (
            self.want is Want.OTHER
            and len(tokens(text)) <= (10 if re.match(r"(?:well |okay |and )?(?:what|how) (?:about|if)\b", text) else 7)
            and bool(re.match(r"(?:well,? |okay,? )?(?:and|but|or|what about|how about|what if|for|with|on|in|at)\b", text))
        )

    @property
    def keys(self) -> tuple[str, ...]:
        """Concepts of the asking sentence."""
        keys = _topical(self.core)
        # What is paid is asked for by any price: the word only misleads.
        return tuple(key for key in keys if key != "=pay") if self.want is Want.PRICE else tuple(keys)

    @property
    def before_keys(self) -> tuple[str, ...]:
        """Concepts of what led up to it."""
        return tuple(_topical(self.before))

    @property
    def attribute(self) -> str:
        """The concept of "brand" in "which brand of shampoo", or nothing."""
        match = _ATTRIBUTE.search(plain(self.core))
        return concept(match[1]) if match else ""

    @property
    def verb_said(self) -> str:
        """ "sell" in "do you sell helmets", or nothing."""
        match = re.search(rf"{_DOES}([a-z'-]+)", plain(self.core))
        return match[1] if match else ""

    @property
    def verb(self) -> str:
        """The verb's concept."""
        return concept(self.verb_said) if self.verb_said else ""

    @property
    def objects(self) -> tuple[str, ...]:
        """Concepts of what a yes-or-no question is after: "heating" in "is there heating in the small room"; empty when unclear."""
        match = _OBJECT.search(plain(self.core))
        return tuple(key for key in _topical(match["object"]) if key not in (self.verb, "=pay")) if match else ()

    @property
    def minutes(self) -> set[int]:
        """Lengths of time that it names, in minutes."""
        return durations(self.text)


_DAY_KEYS = frozenset(k for day in DAYS for k in content(day)) | frozenset(
    content("weekend weekday morning afternoon evening night week day")
)


_CHILD = re.compile(
    r"\b(?:[1-9]|1[0-7]|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen)[- ]years?[- ]olds?\b"
)


def _topical(text: str) -> list[str]:
    text = _CHILD.sub("child", plain(text))
    return [key for key in content(text) if key not in _DAY_KEYS and key != "=price" and not key[0].isdigit()]


def sentences_of(said: str) -> list[str]:
    """The caller's sentences; a second question behind an "and" is one of its own."""
    parts: list[str] = []
    for sentence in _SPLIT.split(re.sub(r"\s+", " ", said).strip()):
        parts += re.split(
            r",?\s+and (?:also )?(?=(?:how (?:much|long|old|do)|what(?:'s| is| time| are| does| do)|where|when|do you|are you|is there|can (?:i|we|you)|could (?:i|we|you))\b)",
            sentence,
        )
    joined: list[str] = []
    for part in (p for p in parts if p.strip(" .,!?")):
        if joined and _NEARER.match(part) and len(part.split()) <= 5 and joined[-1].endswith("?"):
            joined[-1] = f"{joined[-1][:-1]}, {part}"
        else:
            joined.append(part)
    return joined


def asks(sentence: str) -> bool:
    """Whether a sentence is a question, with or without its mark."""
    text = plain(sentence)
    return (
        text.endswith("?")
        or bool(re.match(rf"^(?:and |so |but )?(?:how|what|where|when|which|who|why|{_AUX})\b", text))
        or bool(_YES_NO.search(text))
    )


def asking_parts(parts: list[str]) -> list[int]:
    """Which sentences ask: those with a mark and those that are built like a question; a full stop ends a statement where others ask."""
    marked = [i for i, part in enumerate(parts) if part.rstrip().endswith("?")]
    built = [i for i, part in enumerate(parts) if asks(part) and not (marked and part.rstrip().endswith((".", "!")))]
    return sorted({*marked, *built})


def want_of(core: str) -> Want:
    """The kind of answer that a sentence asks for."""
    text = plain(core)
    for want, pattern in _WANTS:
        if re.search(pattern, text):
            return want
    stated = text.endswith("?") and _STATED.search(text)
    return Want.YES_NO if (_YES_NO.search(text) or stated) and not _WH.search(text) else Want.OTHER


def analyse(said: str, *, sentence: int | None = None) -> Question:
    """The question in `said`: its last asking sentence, or the one of that number; the sentences before it led up to it."""
    parts = sentences_of(said) or [said]
    if sentence is None:
        asking = asking_parts(parts)
        sentence = asking[-1] if asking else len(parts) - 1
    core = parts[sentence]
    before = " ".join(p for i, p in enumerate(parts) if i != sentence)
    want = want_of(core)
    text = plain(core)
    if want is Want.OTHER and _REQUEST.search(text):
        # "I need a passport": whether one can have it.
        want = Want.YES_NO
    yes_no = want is Want.YES_NO or (
        want in (Want.AGE, Want.EMAIL, Want.PHONE) and bool(_YES_NO.search(text)) and not _WH.search(text)
    )
    bare = re.sub(
        r"^(?:hi|hello|hey|oh|ah|okay|ok|great|thanks|thank you|right|sorry|yes|no|good (?:morning|afternoon|evening))[,.! ]+",
        "",
        text,
    )
    # A pronoun points at what was said just before it, if that was in the same breath.
    points = bool(
        _POINTS.search(re.sub(r"\b(?:is|are) (?:there|it)\b|\bthis (?:morning|week|month|year|\w+day)\b", "", bare))
    ) and not _topical(before)
    points = points and len(_topical(core)) <= 1
    # "How much is that fee for her?"
    points = points or bool(re.search(r"\b(?:that|this|same) (?:fee|charge|price|rate|deposit|offer|discount)\b", bare))
    leans = bool(_LEANS.search(bare)) or points or (not _topical(said) and want in _NEED_A_TOPIC)
    return Question(said, core, before, want, yes_no, leans, points, when_of(said, core))


def when_of(said: str, core: str = "") -> When:
    """Days and times in what was said; the asking sentence's own come before those of the lead-up."""
    own = _when(core or said)
    if not core:
        return own
    whole = _when(said)
    if own.date is not None or own.days or own.relative is not None or own.next_day:
        return own if own.date is not None else replace(own, date=whole.date)
    if own:
        # "I've got Tuesday off. Could we come around two?"
        return replace(own, days=whole.days, relative=whole.relative, date=whole.date)
    # "We can't be there till half past four. Would that still work?"
    return When(days=whole.days, relative=whole.relative, date=whole.date) if content(core) else whole


def _when(text: str) -> When:
    text = re.sub(r"\barvo\b|\bafter lunch\b", "afternoon", plain(text))
    days = days_in(text, spoken=True)
    relative = next(
        (
            n
            for n, p in (
                (2, r"\bday after tomorrow\b"),
                (1, r"\btomorrow\b"),
                (0, r"\b(?:today|tonight|right now|now|this (?:morning|afternoon|evening))\b"),
            )
            if re.search(p, text)
        ),
        None,
    )
    part_name = next((name for name in _PARTS if re.search(rf"\b{name}s?\b", text)), "")
    part = _PARTS.get(part_name)
    return When(
        days=days,
        minute=_minute(text, part_name),
        part=part,
        part_name="evening" if part_name == "tonight" else part_name,
        relative=relative,
        date=date_in(text),
        next_day=bool(re.search(r"\bday after\b(?! tomorrow)|\bnext day\b|\bfollowing day\b", text)),
    )


def _minute(text: str, part_name: str) -> int | None:
    """The minute of the day that a caller names ("about two", "half past nine", "7 pm"), or None."""
    if re.search(r"\b(?:at |around |about )?(?:noon|midday)\b", text):
        return 720
    if "midnight" in text:
        return 1440
    words = " ".join(numbered(re.findall(r"[a-z']+|\d+(?:[:.]\d+)*|[ap]\.m\.|[?,]", text)))
    cue = r"(?:\b(?:at|around|about|by|before|after|till|until|past|to|as late as|as early as|half|quarter|from)\s+)"
    for match in re.finditer(rf"(?P<cue>{cue}+)?(?P<time>{_TIME.pattern})", words):
        unit = words[match.end() :].lstrip()
        if re.match(
            r"(?:years?|year old|pounds?|dollars?|euros?|percent|minutes?|mins?|hours?|weeks?|months?|days?|people|kids|children|dogs?|of|adults?|times?|month|pence)\b",
            unit,
        ):
            continue
        explicit = match["half_day"] or match["minute"] or match["half"] or match["quarter"]
        if not (match["cue"] or explicit):
            continue
        hour, minute = int(match["hour"]), int(match["minute"] or match["spoken"] or 0)
        cue_text = match["cue"] or ""
        if match["half"] or re.search(r"half (?:past )?$", cue_text):
            minute = 30
        elif re.search(r"quarter past\s*$", cue_text + (match["quarter"] or "")):
            minute = 15
        elif re.search(r"quarter to\s*$", cue_text + (match["quarter"] or "")):
            hour, minute = hour - 1, 45
        return _half_of_day(hour, match["half_day"] or "", part_name, text) * 60 + minute
    return None


def _half_of_day(hour: int, half: str, part_name: str, text: str) -> int:
    """The hour of 24: said outright, or as people mean it: "two" is the afternoon, "seven" the evening unless it is early."""
    if hour > 12 or hour == 0:
        return hour
    if half.startswith("p") or part_name.removeprefix("at ") in ("afternoon", "evening", "tonight", "night", "lunchtime"):
        return hour % 12 + 12
    if half.startswith("a") or part_name == "morning" or re.search(r"\b(?:early|already|breakfast)\b", text):
        return hour % 12
    if re.search(r"\b(?:still|late|after work|as late|close|until|till)\b", text) or hour <= 7 or hour == 12:
        return hour % 12 + 12
    return hour


def count_words(text: str) -> int:
    """How many words were said."""
    return len(tokens(text))


def turned(text: str) -> str:
    """The caller's question as the business asks it of itself: "can I pay you by card" -> "can you pay us by card".

    A small model copies the question's words into its answer; so they should be right there already.
    """
    words = re.split(r"([A-Za-z'’]+)", text)
    for n in range(1, len(words), 2):
        word = words[n].replace("’", "'").lower()
        if word not in _TURNED:
            continue
        if word == "was" and not re.search(r"\bI\W*$", "".join(words[:n])):
            continue
        new = _TURNED[word]
        if word == "you" and _is_object(words, n):
            new = "us"
        words[n] = (
            new[0].upper() + new[1:]
            if words[n][0].isupper() and (n == 1 or words[n - 1].rstrip().endswith((".", "?", "!")))
            else new
        )
    return "".join(words)


def _is_object(words: list[str], n: int) -> bool:
    """Whether the "you" at `n` is one that something is done to: after a preposition or a verb of giving, or at the end."""
    before = words[n - 2].lower() if n >= 2 else ""
    after = words[n + 1].strip()[:1] if n + 1 < len(words) else ""
    return before in {
        "to",
        "for",
        "with",
        "by",
        "at",
        "from",
        "near",
        "pay",
        "send",
        "give",
        "tell",
        "find",
        "reach",
        "call",
        "ring",
        "email",
        "visit",
        "leave",
        "bring",
        "owe",
        "help",
        "see",
        "of",
    } or (after in {"?", ".", ","} and before not in {"do", "are", "can", "could", "would", "will", "have"})
