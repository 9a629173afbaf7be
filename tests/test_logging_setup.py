"""Logs go to standard error, one JSON object a line where nobody watches."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from telephony.logging_setup import set_up


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = before
    root.setLevel(level)


def test_an_event_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("info")
    structlog.get_logger().info("listening", port=8080, bot="Zoë")
    out = capsys.readouterr()
    assert out.out == ""
    line = json.loads(out.err)
    assert (line["event"], line["port"], line["bot"], line["level"]) == ("listening", 8080, "Zoë", "info")
    assert line["timestamp"].endswith("Z")


def test_what_is_under_the_level_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("error")
    structlog.get_logger().warning("quiet")
    assert capsys.readouterr().err == ""


def test_other_libraries_come_in_the_same_format_from_warnings_on(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("debug")
    logging.getLogger("other").info("chatter")
    logging.getLogger("other").warning("%s is late", "frame")
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"]) == ("frame is late", "warning")


def test_an_exception_is_inside_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("info")
    try:
        [].remove("turn 3")
    except ValueError:
        structlog.get_logger().exception("reply_failed")
    line = json.loads(capsys.readouterr().err)
    assert "ValueError: list.remove(x)" in line["exception"]


def test_a_calls_exception_is_told_without_its_message_unless_words_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (False, True):
        set_up("info", words=words)
        try:
            [].remove("secret")
        except ValueError:
            structlog.get_logger().exception("call_failed", call="CA1")
            logging.getLogger("other").exception("elsewhere")
        mine, other = (json.loads(line) for line in capsys.readouterr().err.splitlines())
        assert "ValueError" in mine["exception"]
        assert ("list.remove(x)" in mine["exception"]) == words
        assert "list.remove(x)" in other["exception"]
