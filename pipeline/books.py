"""Questions that only the business's books, or a look round the shop, can answer: "Is my coat ready yet?", "Did my deposit go through?".

No line of an owner's text says it, and the line that sounds most like it ("ready in three days") would be a wrong answer. Of 10,000 callers' questions (`fixtures/picking/data`)
76 have one of these forms, and the text answers two of them.
"""

from __future__ import annotations

import re

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
    r"\b(?:have you(?: got)?|have they(?: got)?|do you have|is there|are there|any chance of|you got) (?:(?:a|an|any|the|another|some|still) )*[\w' -]{2,30}?"
    r" (?:free|left|available|going)\b(?! of| for (?:children|kids|under)| parking).{0,40}"
    r"\b(?:today|tonight|tomorrow|this|next|\w+day|at|for|on|in|morning|afternoon|evening|week|weekend)\b"
    r"|\b(?:is|are) (?:the|that|my|your) (?![\w' -]*\b(?:park|parking|entry|admission|delivery)\b)[\w' -]{2,40}? (?:still )?(?:free|left|available|going|taken|booked)(?: up)? (?:on|at|this|next|for|today|tonight|tomorrow)\b"
)


def only_the_books_know(asked: str) -> bool:
    """Whether a sentence asks how things stand with what is the caller's own."""
    text = _TAIL.sub("", plain(asked))
    if _IF_READY.search(text) or _FREE.search(text):
        return True
    return not _WH.search(text) and any(form.search(text) for form in (_YET, _WENT_THROUGH, _READY))
