"""What a caller's sentence asks for: its kind (price, length, place, yes or no), its days and times, and whether it leans on the last one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from pipeline.schedule import DAYS
from pipeline.when import When, when_of
from pipeline.words import concept, content, durations, plain, tokens


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
_NEED_A_TOPIC = frozenset({Want.PRICE, Want.LENGTH, Want.WHEN, Want.AGE, Want.WHO, Want.YES_NO, Want.WHERE})


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
