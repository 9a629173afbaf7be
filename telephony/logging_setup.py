"""Structured logs: one line an event, to standard error; JSON when nobody is looking at a terminal.

Lines of a call carry `call` and `trace_id`, of a turn `turn`, of a pause `bet`. What was said is in none of them unless it was asked for.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog


def set_up(level: str, *, words: bool = False) -> None:
    """Route structlog and the standard library's loggers to one format. `words`: what was said may be in the lines."""
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        *([] if words else [without_words]),
        structlog.processors.format_exc_info,
    ]
    renderer: Any = (
        structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    number = getattr(logging, level.upper())
    structlog.configure(
        processors=[*processors, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer], foreign_pre_chain=processors
        )
    )
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)


def without_words(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The exception of a call, a turn or a pause, without its message: a model that can't take a text may quote it."""
    given = event.get("exc_info")
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException) and not event.keys().isdisjoint({"call", "turn", "bet"}):
        del event["exc_info"]
        frames = "".join(traceback.format_tb(error.__traceback__))
        event["exception"] = (
            f"Traceback (most recent call last):\n{frames}{type(error).__qualname__}: (FIRSTWORD_LOG_WORDS shows it)"
        )
    return event
