"""An LLM's token stream cut into phrases where a person would breathe: the first one early, none inside a number or a name."""

from __future__ import annotations

import re

from pipeline.words import words_of

_ABBREVIATIONS = words_of(
    "mr mrs ms dr st prof rev no tel approx ave rd etc vs jr sr dept min max incl ext hr hrs mt ft e.g i.e a.m p.m a p "
    "mon tue wed thu fri sat sun jan feb mar apr jun jul aug sep sept oct nov dec"
)
_JOINTS = re.compile(
    r"[.!?…]+[\"'”’)]*(?=\s)"  # a sentence's end
    r"|[,;:](?=\s)"
    r"|\s[-–—](?=\s)"
    r"|\n"
)
_CONJUNCTION = re.compile(
    r"\s(?=(?:and|but|or|so|because|which|where|when|if|unless|until|while|though|otherwise|then|from|between|after|before)\s)"
)
_LAST_WORD = re.compile(r"([A-Za-z][A-Za-z.]*)\.$")
_ONE_SENTENCE = re.compile(r"^[^.!?]*(?:[.!?](?=\w)[^.!?]*)*[.!?]?\s*$")
_DIGIT_BEFORE = re.compile(r"\d$")
_NAME_BEFORE = re.compile(r"(?:^|\s)[A-Z][\w'’.-]*$")


class Phraser:
    """Feed it pieces of text, take phrases. Joined, the phrases are the text, up to outer white space.

    `first_min_chars`: the first phrase may end at a comma only from this length on; "No," and "Yes, we do," are long enough because
    they end at a pause people make. `min_chars` is what a later phrase needs at a comma; without punctuation a phrase is cut before a
    conjunction once it is `long_chars` long (the first: `first_long_chars`), so that speech never waits for a whole paragraph.
    """

    def __init__(self, first_min_chars: int = 3, min_chars: int = 24, first_long_chars: int = 40, long_chars: int = 90) -> None:
        self._first_min, self._min = first_min_chars, min_chars
        self._first_long, self._long = first_long_chars, long_chars
        self._text = ""
        self._phrases = 0

    def feed(self, piece: str) -> list[str]:
        """Take a piece of the stream; returns the phrases that are complete with it, none as a rule."""
        self._text += piece
        phrases: list[str] = []
        while (cut := self._cut()) is not None:
            phrase, self._text = self._text[:cut], self._text[cut:]
            if phrase.strip():
                phrases.append(self._emit(phrase))
        return phrases

    def close(self) -> list[str]:
        """The stream has ended: what is left. The phraser starts anew."""
        rest, self._text = self._text, ""
        phrases = [self._emit(rest)] if rest.strip() else []
        self._phrases = 0
        return phrases

    def _emit(self, phrase: str) -> str:
        # White space stays with the phrase before it, so that joined phrases are the text.
        self._phrases += 1
        return phrase if self._phrases > 1 else phrase.lstrip()

    def _cut(self) -> int | None:
        text = self._text
        for match in _JOINTS.finditer(text):
            # The character after the space tells "St. James" and "9, 10" from a pause; without it, wait.
            after = text[match.end() :].lstrip()
            if not after and match[0] != "\n":
                return None
            if self._pauses(text[: match.end()], match[0], after):
                return match.end() + len(text[match.end() :]) - len(after)
        if len(text) > (self._long if self._phrases else self._first_long):
            for match in _CONJUNCTION.finditer(text, self._min):
                before, after = text[: match.start()], text[match.end() :]
                if (
                    not _DIGIT_BEFORE.search(before)
                    and not re.search(r"[ap]\.?m\.?$|noon$", before)
                    and not re.match(r"\w+ (?:\d|[A-Z£$€])", after)
                ):
                    return match.end()
        return None

    def _pauses(self, before: str, mark: str, after: str) -> bool:
        """Whether a person would breathe at `mark`."""
        stripped = before.strip()
        if mark == "\n":
            return bool(stripped)
        if mark[0] in ".!?…":
            return self._ends_sentence(stripped, mark, after)
        if mark[0] == ":" and len(stripped) < self._min:
            return False
        bare = stripped.rstrip(",;:–—- ")
        if re.search(r"\d$", bare) and re.match(r"[£$€]?\d", after):
            return False  # "9, 10 and 11", "01632, 960"
        if mark[0] == "," and _NAME_BEFORE.search(bare) and re.match(r"[A-Z]", after) and len(bare.split()) < 3:
            return False  # "Pennick, Devon"
        least = self._first_min if self._phrases == 0 else self._min
        return len(stripped) >= least

    def _ends_sentence(self, stripped: str, mark: str, after: str) -> bool:
        if mark[0] == "." and len(mark) == 1:
            word = _LAST_WORD.search(stripped)
            if word is not None:
                name = word[1].lower().rstrip(".")
                if name in ("a.m", "p.m"):
                    return bool(re.match(r"[A-Z]", after))
                if name in _ABBREVIATIONS or (len(name) == 1 and name not in ("i", "a")):
                    return False
                if "." in name and len(name) <= 4:
                    return False
            elif re.fullmatch(r"\d{1,2}\.", stripped):
                return False  # "1. First …"
        return True


def one_sentence(text: str) -> bool:
    """Whether it is no more than one: a dot between digits or in a time ends none."""
    return _ONE_SENTENCE.match(text) is not None
