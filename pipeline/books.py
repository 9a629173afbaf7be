"""Questions that only the business's books, or a look round the shop, can answer: "Is my coat ready yet?", "Did my deposit go through?".

No line of an owner's text says it, and the line that sounds most like it ("ready in three days") would be a wrong answer. Of 10,000 callers' questions (`fixtures/picking/data`)
80 have one of these forms, and the text answers three of them.
"""

from __future__ import annotations

import re

from pipeline.questions import Question
from pipeline.words import plain

_WH = re.compile(r"\b(?:how|what|which|when|where|who|why)\b")
_TAIL = re.compile(r"[, ]+(?:do you (?:happen to )?know|please|by any chance|can you (?:see|tell me|check)|at all)\W*$")
_YET = re.compile(r"\b(?:is|are|was|were|has|have|did|isn't|aren't|hasn't|haven't) (?!(?:there|you open|it open)\b).*\byet\W*$")
_WENT_THROUGH = re.compile(
    r"\b(?:did|has|have|hasn't|didn't) (?:my|our) .{2,40}\b(?:go|gone|come|came|got|get|cleared?|arrived?) ?(?:through|in|back|out|off|there|to you)?\b"
    r"|\b(?:did|have|has) (?:you|he|she|they|someone|somebody|anyone|anybody) (?:get|got|had|have|received?|seen?) (?:my|our|the .{2,40} i (?:sent|left|posted|emailed))\b"
)
_READY = re.compile(
    r"\b(?:is|are) (?:it|they|that|he|she|mine|(?:my|our|his|her) [\w' -]{2,25}?) (?:all )?(?:ready|done|finished|fixed|mended|sorted)"
    r"(?: (?:now|already|to (?:collect|pick up|go)))*\W*$"
)
_IF_READY = re.compile(
    r"\b(?:if|whether) (?:my|our|his|her) [\w' -]{2,25}?(?:'s| is| are) (?:all )?(?:ready|done|finished|fixed|mended|in)\b"
)
_FREE = re.compile(
    r"\b(?:have you|have they|do you have|is there|are there|any chance of|you got|is the|are the|is that|is your) "
    r"(?!.*\b(?:park|parking|spaces?|entry|admission|delivery|wifi|lift)\b)[\w' -]{2,40}?"
    r"(?<!gluten)(?<!dairy)(?<!sugar)(?<!nut)(?<!smoke)(?<!step) (?:free|left|available|going|taken|booked)\b"
)
_NOW = re.compile(r"\b(?:at the moment|right now|this (?:week|month|weekend))\b")
_CHOICE = re.compile(
    r"\b(?:which|what)\b.*\b(?:do|would|will) (?:most|other|the other|your other) (?:people|folks?|customers|guests|callers|families|couples) "
    r"(?:go for|choose|pick|take|get|have|buy|order|like|prefer|hire|use)\b|\b(?:most popular|best[- ]?sell(?:er|ing)|(?:your|everyone's|everybody's) favou?rite)\b"
)
_CHOSEN = re.compile(r"\b(?:most|popular|favou?rites?|usual(?:ly)?|best[- ]?sell\w+|recommend|everyone|everybody)\b", re.IGNORECASE)
"""How an owner says what others choose."""
_EVERY = re.compile(r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days\b|\bevery\b")


def only_the_books_know(question: Question) -> bool:
    """Whether it asks how things stand with what is the caller's own, or whether something is to be had on one day."""
    text = _TAIL.sub("", plain(question.core))
    one_day = (bool(question.when) or _NOW.search(text)) and not _EVERY.search(text)
    if _IF_READY.search(text) or (one_day and _FREE.search(text)):
        return True
    return not _WH.search(text) and any(form.search(text) for form in (_YET, _WENT_THROUGH, _READY))


def asks_what_others_choose(question: Question) -> bool:
    """Whether it asks what most take, or what is liked best."""
    return bool(_CHOICE.search(plain(question.core)))


def says_what_others_choose(text: str) -> bool:
    """Whether an owner's line may tell it."""
    return bool(_CHOSEN.search(text))
