"""Did the caller take the floor, or only show that they listen? Decided by the words (Yngve 1970: backchannel)."""

from __future__ import annotations

import re

_HUMS = frozenset(
    """mm mmm mhm mmhm mhmm hm hmm hmmm uh um umm uhhuh uhuh huh ah aha ahh oh ooh eh er erm yeah yep yup yes ya okay ok kay right sure alright good
    great fine nice cool i see gotcha understood exactly true got it aye mkay mmk okey dokey all""".split()
)
# However Whisper spells it: mm-hmm, mmm, hmm, mhmm.
_HUMMED = re.compile(r"h*m+h*m*")
_MAX_WORDS = 3
# "Mhm" became "Chain." with 0.11 and 0.15; single words that were said had 0.4 to 0.9.
_DOUBTED = 0.3
_DOUBTED_WORDS = 2


def words_of(text: str) -> list[str]:
    """Lower-case words without punctuation; "mm-hmm" and "uh-huh" are one each."""
    return re.findall(r"[a-z0-9']+", text.lower().replace("-", "").replace("\u2019", "'"))


def takes_the_floor(text: str, bot_said: str = "", confidence: float = 1.0) -> bool:
    """Whether `text`, said over the bot, is meant for it. `bot_said`: the bot's own words around then, in case it is their echo.

    `confidence`: the recogniser's, 0 to 1. It makes words of coughs and hums, and doubts them.
    """
    words = words_of(text)
    if not words or (len(words) <= _DOUBTED_WORDS and confidence < _DOUBTED):
        return False
    if len(words) <= _MAX_WORDS and all(w in _HUMS or _HUMMED.fullmatch(w) for w in words):
        return False
    return not is_echo(words, words_of(bot_said))


def is_echo(words: list[str], bot_words: list[str]) -> bool:
    """Whether three or more of the caller's words stand in the bot's in the same order, and hardly another."""
    if len(words) < 3 or not bot_words:
        return False
    best = 0
    for start in range(len(bot_words)):
        at, hits = start, 0
        for word in words:
            if word in bot_words[at : at + 3]:
                at = bot_words.index(word, at) + 1
                hits += 1
        best = max(best, hits)
    return best >= 0.8 * len(words)
