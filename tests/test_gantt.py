"""What is in a turn's picture, in SVG and in a terminal. The bench's picture is in test_bench.py."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest
from test_bench import traced

from telephony.gantt import BUDGET_MS, END_TO_END_MS, FIRST_WORD_MS, chart, page, title_of
from telephony.gantt_terminal import terminal

SVG = "{http://www.w3.org/2000/svg}"


def turn(**more: Any) -> dict[str, Any]:
    bets = [
        {"number": 1, "outcome": "lost", "start_ms": -250.0, "end_ms": -200.0, "stages": []},
        {"number": 2, "outcome": "won", "start_ms": 40.0, "end_ms": 410.0, "stages": []},
    ]
    return traced(**{"turn_id": 3, "bets": bets, "first_heard_ms": 550.0, "last_heard_ms": 1700.0, **more})


def test_the_budget_is_the_plans() -> None:
    budget = chart(turn(), "").budget
    assert [(bar.name, bar.end_ms - bar.start_ms) for bar in budget] == [("asr", 300), ("llm", 400), ("tts", 300)]
    assert budget[-1].end_ms == END_TO_END_MS == sum(BUDGET_MS.values())
    assert {m.at_ms for m in chart(turn(), "").moments} == {0, 410, 550, FIRST_WORD_MS, END_TO_END_MS}


def test_how_sure_it_was_that_the_turn_was_over_stands_beside_the_moment() -> None:
    assert "turn over" in {m.label for m in chart(turn(), "").moments}
    assert "turn over, P=0.93" in {m.label for m in chart(turn(complete=0.93), "").moments}


def test_bets_that_were_lost_have_a_row_and_what_was_heard_too() -> None:
    bars = [(bar.name, bar.note) for bar in chart(turn(), "").bars]
    assert ("bet", "lost") in bars
    assert ("bet", "won") not in bars
    assert ("playout", "at the ear") in bars
    assert chart(turn(last_heard_ms=None), "").bars[-1].name == "asr job"


def test_what_lies_outside_is_at_the_edge() -> None:
    late = {"name": "tts", "start_ms": 9000.0, "end_ms": 9900.0}
    one = chart(turn(stages=[*turn()["stages"], late], last_heard_ms=12_000.0), "")
    assert one.end_ms < 4000
    assert 9000.0 not in [bar.start_ms for bar in one.bars]
    assert (one.place(-99_999), one.place(99_999)) == (0, 1)


def test_a_greeting_and_a_trace_of_an_older_version_can_be_drawn() -> None:
    old = {
        key: value
        for key, value in turn(caller="", stages=[], jobs=[]).items()
        if key not in ("bets", "first_heard_ms", "last_heard_ms")
    }
    assert chart(old, title_of(old)).bars == ()


def test_a_page_holds_all_turns_one_below_the_other() -> None:
    picture = ET.fromstring(page([chart(turn(), "<first>"), chart(turn(), "second")]))
    inner = picture.findall(f"{SVG}svg")
    assert [one.findtext(f"{SVG}text") for one in inner] == ["<first>", "second"]
    tops = [int(one.attrib["y"]) for one in inner]
    assert tops[1] > int(inner[0].attrib["height"])


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_terminal_gets_rows_of_its_width_with_bars_where_they_belong(width: int) -> None:
    lines = list(terminal(chart(turn(), title_of(turn())), width))
    assert max(len(line) for line in lines[1:-3]) <= max(width, 68) + 8
    rows = {line.plain[:10].strip(): line for line in lines}
    assert {"vad", "asr", "turn", "tts", "playout", "asr job", "budget"} <= set(rows)
    asr, tts = rows["asr"].plain, rows["tts"].plain
    assert asr.index("█") < tts.index("█")
    assert "300 ms final" in asr
    assert any("first word 550" in line.plain for line in lines)


def test_the_title_says_who_said_what() -> None:
    assert title_of(turn()) == "turn 3, answered: “How much is it?” – “It costs 4.50 pounds.”"
    assert title_of(turn(caller="", outcome="greeting")) == "turn 3, greeting: “It costs 4.50 pounds.”"
