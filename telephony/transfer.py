"""Where a call can be handed over to, and what follows a stream."""

from __future__ import annotations

import re
from dataclasses import dataclass

_E164 = re.compile(r"\+[1-9][0-9]{5,14}")  # ITU-T E.164: at most 15 digits
_SIP = re.compile(r"sips?:[A-Za-z0-9._~!$&'()*+,;=%-]{1,64}@[A-Za-z0-9.-]{1,128}(:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class HangUp:
    """Nothing follows."""


@dataclass(frozen=True, slots=True)
class Dial:
    """The caller is connected to `target`: an E.164 number or a SIP URI."""

    target: str


@dataclass(frozen=True, slots=True)
class Record:
    """The caller leaves a message of at most `max_s` seconds after `prompt` (may be empty)."""

    prompt: str
    max_s: int = 120


AfterCall = HangUp | Dial | Record


def is_target(target: str) -> bool:
    """Whether a call can be transferred there."""
    return _E164.fullmatch(target) is not None or _SIP.fullmatch(target) is not None
