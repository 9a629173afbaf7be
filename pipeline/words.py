"""Words as they are compared: lower case, stemmed, numbers as digits, and the many names that callers have for one thing."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

import snowballstemmer


def words_of(text: str) -> frozenset[str]:
    """A set of words from a text of them: long tables stay readable."""
    return frozenset(text.split())


def _numbered_words(text: str, first: int, step: int) -> dict[str, int]:
    return {word: first + step * n for n, word in enumerate(text.split())}


_UNITS = _numbered_words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen",
    0,
    1,
)
_TENS = _numbered_words("twenty thirty forty fifty sixty seventy eighty ninety", 20, 10)
_ORDINALS = _numbered_words(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth "
    "seventeenth eighteenth nineteenth twentieth",
    1,
    1,
)
NUMBER_WORDS = frozenset({*_UNITS, *_TENS, *_ORDINALS, "hundred", "thousand", "dozen"})
_TOKEN = re.compile(r"[a-zà-ÿ]+(?:'[a-z]+)?|\d+(?:[.,]\d+)*", re.IGNORECASE)

STOPWORDS = words_of(
    """a about above actually after again all alright also always am an and any anybody anyone anything anyway are around as ask
    at away back be because been before being best better bit both but by call called calling came can can't cannot come comes coming
    could couldn't did didn't do does doesn't doing don't done down each either else enough even ever every everything exactly
    far few fine for from gave get gets getting give given go goes going gonna good got had happen has have haven't having
    he he's hello help her here hers hey hi him his how i i'd i'll i'm i've if in instead into is isn't it it's its itself just
    kind know last least let let's like likely little long look looking lot make makes many may maybe me mean meantime might mine more
    most much must my need needed needs never next nice no nobody none nope nor not nothing now of off oh ok okay on once one
    one's ones only or other others our ours out over own people per perhaps please possible possibly probably properly put
    question quick quickly quite rather really right said same say see shall she she's should since so some somebody someone
    something somewhere soon sorry sort still stuff such suppose sure take takes tell than thank thanks that that's the their
    them then there there's these they they're thing things think this those though through till time times to today together
    tomorrow tonight too trying two under until up upon us use used using usually very via wanna want wanted wants was
    wasn't way we we'd we'll we're we've well went were what what's whatever when when's where where's whether which while who
    who's whole why will with within without won't wonder wondering would wouldn't yeah yep yes yet you you'd you'll you're
    you've your yours yourself um uh er erm hmm mm mhm ah place somehow awful terribly absolutely able allowed
    anywhere along everywhere pair couple matter looked taking taken took making made giving altogether case definitely else's especially find found guess hear heard hope idea interested keep leave left
    live love mind moment name offer offering offers okay open closed opening opened close closes closing shut hours hour
    pretty question's ready set show start starts started stay talk turn wish work works working year's zero"""
)
"""Words that say little about the topic. Words of opening hours are here as well: `questions` looks at them by itself."""

_SYNONYMS = (
    "price cost charge fee rate tariff expensive cheap afford",
    "teach teacher lesson class course tuition learn study instructor tutor coach",
    "park parking",
    "cancel cancellation",
    "reschedule move postpone rearrange",
    "appointment book booking reserve reservation slot session consultation visit visitor",
    "child children kid kids boy girl son daughter toddler nephew niece grandson granddaughter youngster infant baby little lad lass teen teenager tot",
    "adult grown-up grownup",
    "senior pensioner retired elderly oap",
    "rent rental hire borrow",
    "lend loan loaner courtesy replacement",
    "sell sale buy purchase stock",
    "pay payment money settle",
    "card credit debit visa mastercard contactless",
    "cash note coin",
    "toilet bathroom restroom wc loo lavatory",
    "wheelchair disabled accessible accessibility step-free stairs lift elevator ramp mobility step steps",
    "wifi internet",
    "deliver delivery drop-off",
    "collect collection pickup pick fetch",
    "online video zoom remote skype virtual",
    "sing singing voice vocal vocals choir",
    "repair fix mend broken broke",
    "wash bath shampoo bathing",
    "cut trim clip clipping trimming haircut",
    "nail claw",
    "trial taster try",
    "discount reduction reduced cheaper deal concession",
    "wait waiting queue",
    "food eat meal menu lunch dinner snack",
    "drink beverage coffee tea",
    "phone telephone tel mobile",
    "email mail e-mail",
    "dog puppy pup hound",
    "cat kitten",
    "voucher certificate",
    "home house",
    "man men gents gentleman gentlemen husband boyfriend dad father male guy",
    "woman women lady ladies wife girlfriend mum mother female",
    "season month summer winter spring autumn",
    "bring brought",
    "bird budgie parrot",
    "vaccination vaccine jab jabs shot injection",
    "neuter neutered neutering spay spayed castrate castrated",
    "bill invoice",
    "projector beamer",
    "heat heating",
    "smoke smoking smoker",
    "music band",
    "alcohol beer wine licence license bar",
    "full complete big entire major",
    "large bigger larger biggest largest",
    "new first",
    "medium middle",
    "instalment installment monthly parts",
    "pain ache toothache sore hurt hurts",
    "secondhand preowned",
    "noise noisy loud",
    "allergy allergic gluten nut",
    "begin beginner beginners novice starter",
    "advance ahead beforehand",
    "ticket admission entry entrance",
    "swim swimming swimmer",
    "doctor gp physician",
    "dentist dental tooth teeth",
    "vegetarian veggie",
    "vegan plant-based",
    "guarantee warranty",
    "owner owns owned boss proprietor runs",
    "garden outdoor outside terrace patio",
    "emergency urgent emergencies",
    "holiday holidays vacation",
    "late lateness",
    "insurance insurer insured",
    "bike bicycle cycle",
    "puncture flat tyre tire",
    "glasses spectacles",
    "flat apartment",
    "wedding marriage marry",
    "group party",
    "photo photograph picture",
    "walk foot",
    "tablet pill medication medicine",
    "post courier dispatch ship postage",
    "arrival arrive checkin",
    "departure depart checkout vacate",
    "pram buggy pushchair stroller",
    "clothes clothing garment",
    "trousers pants jeans",
    "sofa couch settee",
    "nervous anxious scared fear phobia",
    "weather rain rainy gale storm stormy wind windy snow thunder",
    "ill sick poorly unwell",
    "refund reimburse",
    "student pupil",
    "staff team employee",
    "tall height",
    "heavy weight weigh",
    "gear kit equipment",
    "van lorry truck",
    "pet animal",
    "engrave inscription",
    "paint painter decorate",
    "clean cleaner",
    "alter alteration hem shorten",
    "id identification passport",
)
_KINDS = {
    "dog": "labrador retriever spaniel poodle terrier westie beagle collie alsatian dachshund bulldog pug chihuahua husky rottweiler cockapoo "
    "labradoodle whippet greyhound corgi spaniel mongrel",
    "cat": "persian siamese tabby tomcat",
    "pet": "dog cat rabbit hamster gerbil bird snake tortoise guinea",
    "rabbit": "bunny",
    "shoe": "brogue trainer sneaker sandal loafer stiletto",
    "food": "picnic sandwich sandwiches pizza",
    "boot": "wellies wellington",
    "car": "ford vauxhall volkswagen toyota bmw audi mercedes honda nissan hatchback saloon suv",
    "card": "plastic amex",
    "cash": "banknote fiver tenner",
    "clothes": "trousers shirt jacket dress skirt coat suit blouse jumper",
    "dress": "gown frock",
    "jacket": "blazer anorak",
    "watch": "wristwatch",
    "bag": "handbag rucksack backpack suitcase purse",
    "alcohol": "prosecco champagne gin whisky vodka cider spirits",
    "dinner": "supper",
    "tyre": "tube wheel",
    "senior": "grandma granny grandad granddad grandfather grandmother nan",
    "computer": "laptop macbook pc",
    "phone": "iphone smartphone",
    "vegetarian": "vegan",
}
"""What a caller may name instead of the kind that the owner names."""

_stemmer = snowballstemmer.stemmer("english")


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Snowball's English stem, the possessive taken off."""
    word = word.lower().replace("’", "'").removesuffix("'s").rstrip("'")
    return str(_stemmer.stemWord(word))


_CONCEPT: dict[str, str] = {}
for _group in _SYNONYMS:
    _words = _group.split()
    for _word in _words:
        _CONCEPT.setdefault(stem(_word), "=" + _words[0])


_KIND = {stem(word): kind for kind, words in _KINDS.items() for word in words.split()}


def generalised(text: str, known: Callable[[str], bool]) -> str:
    """ "Our labrador" -> "our dog", where the labrador is `known` to nobody and the dog is."""

    def kind(match: re.Match[str]) -> str:
        word = match[0].lower()
        while not known(concept(word)) and (broader := _KIND.get(stem(word))):
            word = broader
        if word == match[0].lower() or not known(concept(word)):
            return match[0]
        plural = match[0].endswith("s") and stem(match[0]) != match[0].lower() and not word.endswith("s")
        return f"{word}s" if plural else word

    return re.sub(r"[A-Za-z]+", kind, text)


@lru_cache(maxsize=20_000)
def plain(text: str) -> str:
    """Lower case, straight quotes, single spaces, "second-hand" as one word."""
    text = re.sub(r"\s+", " ", text.lower().replace("’", "'").replace("‘", "'")).strip()
    text = re.sub(
        r"\bcome (?:out |over |round )?to (?:us|me|(?:my|our|her|his|their) (?:home|house|place|flat))\b"
        r"|(?<=\bwe )(?:can |do |will |also )*come (?:out )?to you\b",
        " home visit",
        text,
    )
    text = re.sub(r"\bamerican express\b", "amex", text)
    text = re.sub(r"\bup[- ]?front\b", "in advance", text)
    text = re.sub(r"\bcheck(?:ing|ed)?[ -]?in\b", "checkin", text)
    text = re.sub(r"\bcheck(?:ing|ed)?[ -]?out\b|\b(?:out of|leave|vacate) (?:the|our|my) rooms?\b", "checkout", text)
    text = re.sub(r"\be-(?=[a-z]{3})(?!mail)", "electric ", text)
    text = re.sub(r"\byou (?:guys|lot|folks)\b", "you", text)
    text = re.sub(r"\b(?:stop|swing|drop|come|pop) by\b", "visit", text)
    text = re.sub(r"\b(?:leave|put|stop) (?=(?:the|my|our|a) (?:car|van)\b)", "park ", text)
    text = re.sub(r"\b(?:car parks?|parking lots?|parking spaces?)\b", "parking", text)
    text = re.sub(r"\bhalf[- ](?:an? )?day\b", "halfday", text)
    text = re.sub(r"\b(?:full|whole|entire)[- ]day\b", "fullday", text)
    text = re.sub(
        r"\b(?:sort|fix) (?:it|them|that|this|these) out\b|\b(?:take|have) a look at\b|\blook at (?=(?:it|them|my|our)\b)",
        "repair",
        text,
    )
    text = re.sub(r"\b(?:stop|stay|stand|hang) (?:there|here|around)\b", "wait", text)
    text = re.sub(r"\bmoney (?:that )?you (?:hold|keep)\b|\bsecurity deposit\b", "deposit", text)
    text = re.sub(r"\bknock \w+ off\b|\bcome off the (?:price|bill)\b", "discount", text)
    text = re.sub(r"\bmoney back\b|\blose (?:our|my|the) money\b", "refund", text)
    text = re.sub(r"\b(?:put|leave) (?:any |some |the )?(?:money )?down\b", "deposit", text)
    text = re.sub(r"\bcome and (?:get|collect|fetch)\b", "fetch", text)
    text = re.sub(r"\b(?:see the place|look (?:a)?round|pop over|have a look)\b", "viewing", text)
    text = re.sub(r"(?<=\bwe )be there\b|(?<=\bi )be there\b", "arrive", text)
    text = re.sub(r"\bgrown[- ]up", "grownup", text)
    text = re.sub(r"\bpick[- ]?ups?\b", "pickup", text)
    text = re.sub(r"\b(?:apple|google) pay\b", "card", text)
    text = re.sub(r"\bmail(?= (?:it|them|those|these|that|this|something|my|our|the|one)\b)", "post", text)
    text = re.sub(r"\bover[- ]?6[05]'?s?\b", "pensioner", text)
    text = re.sub(r"(?:\bpercent|\bper cent|%) off\b", "percent discount", text)
    text = re.sub(r"(?<=\d) off\b|\b(?:knocked|anything|something|money|bit) off\b", " discount", text)
    text = re.sub(r"\b(?:i have|i've|we've|we have) never been\b.{0,20}|\b(?:the |my |our )?first time\b", "first new ", text)
    text = re.sub(r"\bcome (?:out|over|round) to (?:her|him|them)\b", "home visit", text)
    return re.sub(r"\bsecond[ -]hand\b|(?<=\bsell )used\b|(?<=\bbuy a )used\b|(?<=\bany )used\b|\bpre-owned\b", "secondhand", text)


def tokens(text: str) -> list[str]:
    """Words and numbers in order: "Mr. O'Neil's £12.50" -> mr, o'neil's, 12.50."""
    return _TOKEN.findall(plain(text))


def numbered(words: list[str]) -> list[str]:
    """Number words as digits: "twenty", "four" -> "24"; "half past nine" is left to those who read times."""
    out: list[str] = []
    for i, word in enumerate(words):
        value = _UNITS.get(word, _TENS.get(word))
        if word == "dozen":
            value = 12
        if value is None:
            if word == "hundred" and out and out[-1].isdigit() and int(out[-1]) < 10:
                out[-1] = str(int(out[-1]) * 100)
            elif word == "hundred":
                out.append("100")
            else:
                out.append(word)
            continue
        joins = bool(i and out) and words[i - 1] in _TENS and value < 10 and out[-1].isdigit()
        if joins:
            out[-1] = str(int(out[-1]) + value)
        else:
            out.append(str(value))
    return out


def numbered_ordinals(text: str) -> str:
    """ "the twenty first of May" -> "the 21 of May"."""
    return " ".join(numbered([str(_ORDINALS[word]) if word in _ORDINALS else word for word in _joined_tens(text).split()]))


def _joined_tens(text: str) -> str:
    tens = "|".join(_TENS)
    ordinals = "|".join(list(_ORDINALS)[:9])
    return re.sub(
        rf"\b({tens})[ -]({ordinals})\b|\b(twentieth|thirtieth)\b",
        lambda m: str(_TENS[m[1]] + _ORDINALS[m[2]]) if m[1] else {"twentieth": "20", "thirtieth": "30"}[m[3]],
        text,
    )


def numbers(text: str) -> set[str]:
    """Every number said in `text`, digits or words, in one form: "£12.50" and "12.5" -> "12.5", "nine" -> "9", "1,000" -> "1000"."""
    found: set[str] = set()
    for word in numbered(tokens(text.replace("-", " "))):
        if word[0].isdigit():
            value = re.sub(r",(?=\d{3}\b)", "", word).replace(",", ".")
            try:
                found.add(f"{float(value):g}")
            except ValueError:
                found.update(part.lstrip("0") or "0" for part in re.findall(r"\d+", word))
    return found


_DURATION_HALVES = (
    (r"\b(?:an |one |1 )?hour and a half\b|\bone and a half hours\b", " 90 minutes "),
    (r"\b(\d+) and a half hours\b", None),
    (r"\bhalf(?: an| a)?[ -]hours?\b", " 30 minutes "),
    (r"\bthree[- ]quarters of an hour\b", " 45 minutes "),
    (r"\bquarter of an hour\b", " 15 minutes "),
    (r"\b(?:an|a|one|full|whole|per|by the)(?: full| whole)?[- ]hour\b|\bhourly\b", " 60 minutes "),
)


def durations(text: str) -> set[int]:
    """Lengths of time in minutes: "half an hour" -> 30, "a hour" -> 60, "45-minute" -> 45, "two hours" -> 120."""
    text = plain(text)
    for pattern, replacement in _DURATION_HALVES:
        if replacement:
            text = re.sub(pattern, replacement, text)
    words = numbered(_TOKEN.findall(text))
    found: set[int] = set()
    for number, unit in pairwise(words):
        if number.isdigit() and (size := {"minut": 1, "min": 1, "hour": 60, "hr": 60}.get(stem(unit))):
            found.add(int(number) * size)
    # Days and more in round minutes, only to be compared with each other.
    for pattern, minutes in _LONG:
        if re.search(pattern, text):
            found.add(minutes)
    return found


_LONG = (
    (r"\bhalfday\b", 300),
    (r"\bfullday\b|\b(?:a|the|per|one|for the) day\b(?! before|s? ahead)|\bdaily\b|\bday (?:rate|ticket|pass|hire)\b", 1440),
    (r"\b(?:a|the|per|one|fullweek) week\b(?! before|s? ahead)|\bweekly\b", 10080),
    (r"\b(?:a|the|per|one) month\b|\bmonthly\b", 43200),
)


def concept(word: str) -> str:
    """The stem, or the name of the group of synonyms that it belongs to."""
    base = stem(word)
    return _CONCEPT.get(base, base)


def content(text: str) -> list[str]:
    """Concepts of the words that say what `text` is about, in order, stopwords left out, numbers kept."""
    return [
        concept(word)
        for word in numbered(tokens(text))
        if word.removesuffix("'s") not in STOPWORDS and (len(word) > 1 or word.isdigit())
    ]
