"""Whole calls on fakes with everything logged, for test_log_words.py: a program of its own, because loggers are set up once a process."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import test_call
from fake_leg import LEVELS, Line
from test_call import Phone, ask, greeted

from telephony.logging_setup import set_up

SERVICE, THANKS, HUM, MORE = LEVELS


async def talk(line: Line) -> None:
    """A question, a hum and words over its answer, another question, silence until the bot asks."""
    await greeted(line)
    await ask(line)
    await line.hear(test_call.noise(HUM, 300))
    await line.silence(900)
    await ask(line, THANKS)
    await line.until_quiet()
    await line.silence(6000)


def hold_with_broken(engine: str) -> None:
    """The same with an engine that breaks over what was said, and quotes it; the language model's sees numbers only."""
    phone = Phone()

    def run(request: Any) -> Any:
        quoted = "" if engine == "llm" else " ".join(test_call.WORDS.values())
        raise ValueError(f"can't take {quoted} {request}")

    async def script(line: Line) -> None:
        getattr(phone, engine).run = run
        await talk(line)

    phone.hold(script)


def main(words: bool) -> None:
    set_up("debug", words=words)
    test_call.SETTINGS = replace(test_call.SETTINGS, log_words=words)
    Phone().hold(talk)
    for engine in ("asr", "turn", "reader", "embed", "llm"):
        hold_with_broken(engine)


if __name__ == "__main__":
    main(words=sys.argv[1] == "words")
