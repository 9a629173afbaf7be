"""Questions about hours, answered by day and time."""

from __future__ import annotations

import datetime as dt

import pytest

from pipeline.questions import analyse
from pipeline.statements import split
from pipeline.timetable import Timetable
from pipeline.when import When

TEXT = """Opening times: Tuesday to Friday 9 am to 5 pm, Saturday 8.30 to 1. Sundays and Mondays we are closed.
Nail clipping £9, just drop in Tuesdays and Thursdays between 2 and 4."""
SUNDAY = dt.date(2025, 6, 15)


def answer(said: str, last: When | None = None, today: dt.date | None = None) -> str:
    timetable = Timetable(split(TEXT))
    question = analyse(said)
    schedule = timetable.concerns(question, last, None, [k for k in question.keys if k in ("=nail", "=cut")])
    assert schedule is not None
    return timetable.answer(question, schedule, last, today).text


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("Are you open on Sunday?", "No, on Sunday we are closed."),
        ("Could I come on Monday?", "No, on Monday we are closed."),
        ("Will there be someone in on Monday?", "No, on Monday we are closed."),
        ("Is anybody in on Monday?", "No, on Monday we are closed."),
        ("Are you open Saturday arvo?", "On Saturday we are open from 8:30 am to 1 pm."),
        ("Are you open on Saturday afternoon, about two?", "No, on Saturday we are open only from 8:30 am to 1 pm."),
        ("are you open on wednesday at ten", "Yes, on Wednesday we are open from 9 am to 5 pm."),
        ("Are you closed on Sundays?", "Yes, on Sunday we are closed."),
        ("When do you close on Saturday?", "On Saturday we close at 1 pm."),
        ("Which days are you closed?", "We are closed on Sunday and Monday."),
        (
            "Are you open at six in the morning?",
            "No, we are open Tuesday to Friday from 9 am to 5 pm and Saturday from 8:30 am to 1 pm. On Sunday and Monday we are closed.",
        ),
        ("Are you open at the weekend?", "We are open Saturday from 8:30 am to 1 pm. On Sunday we are closed."),
        ("Can I come for a nail clipping on Thursday at three?", "Yes, on Thursday nail clipping is from 2 pm to 4 pm."),
        ("Can I come for a nail clipping on Friday?", "No, on Friday there is no nail clipping."),
    ],
)
def test_by_day_and_time(said: str, text: str) -> None:
    assert answer(said) == text


def test_follow_ups_take_over_what_they_leave_out() -> None:
    assert (
        answer("And on Friday at the same time?", When(days=(5,), minute=16 * 60))
        == "Yes, on Friday we are open from 9 am to 5 pm."
    )
    assert (
        answer("What about the day after, is somebody there?", When(days=(0,))) == "Yes, on Tuesday we are open from 9 am to 5 pm."
    )


def test_today_needs_a_date() -> None:
    assert answer("Are you open today?", today=SUNDAY) == "No, today, on Sunday we are closed."
    assert (
        answer("Are you open tomorrow?", today=dt.date(2025, 6, 16)) == "Yes, tomorrow, on Tuesday we are open from 9 am to 5 pm."
    )
    assert answer("Are you open today?").startswith("We are open Tuesday to Friday")


@pytest.mark.parametrize(
    "said", ["How much is it on Saturday?", "Are you open on Christmas Day?", "Do you do cats?", "Is that dog sat down?"]
)
def test_what_is_not_about_hours(said: str) -> None:
    assert Timetable(split(TEXT)).concerns(analyse(said), None, None, []) is None


def test_the_longest_week_is_the_business_s() -> None:
    timetable = Timetable(split("Lessons Monday to Thursday 1 pm to 8 pm. Closed on Sundays.\nTheory group Thursdays 6 to 7 pm."))
    assert timetable.main is not None
    assert timetable.main.subject == "Lessons"
    assert [s.subject for s in timetable.others] == ["Theory group"]


def test_every_day_is_spelled_out() -> None:
    spelled = Timetable(split(TEXT)).statements()
    assert "On Tuesday we are open from 9 am to 5 pm." in spelled
    assert "On Thursday nail clipping is from 2 pm to 4 pm." in spelled
    assert len(spelled) == 14


SEASONS = """April - Sept open daily 9 to 6.
Oct - March Thu - Sun 10 to 4. All of January closed.
Lunch 13.00 - 13.45, shop shut."""


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (
            "Are you open on a Tuesday in July?",
            "Yes, on Tuesday from April to September we are open from 9 am to 1 pm and from 1:45 pm to 6 pm.",
        ),
        ("Are you open on a Tuesday in November?", "No, on Tuesday from October to March we are closed."),
        ("Are you open around the twentieth of January?", "No, in January we are closed."),
    ],
)
def test_parts_of_the_year(said: str, text: str) -> None:
    timetable = Timetable(split(SEASONS))
    question = analyse(said)
    schedule = timetable.concerns(question, None, None, [])
    assert schedule is not None
    assert timetable.answer(question, schedule, None, None).text == text


def test_a_season_s_line_tells_the_business_s_hours() -> None:
    april, october, january = (s for s in split(SEASONS) if "Lunch" not in s.text)
    timetable = Timetable(split(SEASONS))
    assert all(map(timetable.told_by, (april, october, january)))


def test_what_is_shut_for_days_on_end_is_said_once() -> None:
    timetable = Timetable(split("Open daily 9 to 5.30.\nClosed 20 December to 5 January."))
    assert [week.summary() for _, week in timetable.seasons if week is not None] == ["From 20 December to 5 January we are closed."]


def test_part_of_a_day_in_a_question_about_something_else_asks_for_no_hours() -> None:
    timetable, question = Timetable(split(TEXT)), analyse("Could I pay the rest in cash on the morning?")
    assert timetable.concerns(question, None, None, ["cash"]) is None
    question = analyse("My back's bad, is there somebody there who'd put the plants in the ground for me?")
    assert timetable.concerns(question, None, None, []) is None


def test_a_fact_with_days_of_its_own_goes_before_the_week() -> None:
    (fact,) = split("Nail cutting £24, Thursdays only.")
    assert Timetable(split(TEXT)).concerns(analyse("Could I have that done on a Tuesday?"), None, fact, []) is None


def test_what_the_business_does_on_a_day_is_not_when_it_is_open() -> None:
    text = "Opening hours: Monday and Tuesday 7.30 am to 7 pm.\nWe deliver finished washes and duvets within Marlow Bay for £4, Tuesdays between 5 and 7 pm."
    opening, deliveries = split(text)
    timetable = Timetable([opening, deliveries])
    assert timetable.summary().startswith("We are open Monday and Tuesday from 7:30 am to 7 pm")
    assert timetable.told_by(opening)
    assert not timetable.told_by(deliveries)


def test_what_one_can_see_on_a_day_is_not_when_it_is_open() -> None:
    text = "The office is open Monday to Friday 7 to 3 and Saturday 8 to noon. You can come see the goats at the barn Saturdays 9 to 11."
    assert "Saturday from 8 am to noon" in Timetable(split(text)).summary()
    assert "from 9 am to 5 pm" in Timetable(split("You can come in Monday to Friday 9 to 5.")).summary()
    assert "from 9 am to 5 pm" in Timetable(split("You can collect your order Monday to Friday 9 to 5.")).summary()


def test_a_gate_s_hours_and_a_lunch_break_are_not_the_office_s() -> None:
    text = """Office Monday to Friday 9 to 5, Saturday 10 to 2, closed Sunday. We lock the office noon to 12:30 on weekdays for lunch.
Gate works with your code 6 am to 10 pm, seven days."""
    timetable = Timetable(split(text))
    question = analyse("What time does the office close on Saturdays?")
    schedule = timetable.concerns(question, None, None, [*question.keys])
    assert schedule is not None
    assert timetable.answer(question, schedule, None, None).text == "On Saturday we close at 2 pm."
    question = analyse("Could I get in there around eleven at night?")
    schedule = timetable.concerns(question, None, None, [])
    assert schedule is not None
    assert timetable.answer(question, schedule, None, None).text.startswith("No, we are open Monday to Friday from 9 am to 5 pm")
    assert timetable.concerns(analyse("How many units do you have open right now?"), None, None, []) is None


@pytest.mark.parametrize(
    "lunch",
    [
        "On weekdays we shut for lunch from one until quarter to two.",
        "We shut for lunch from 1 until 1.45.",
        "Weekdays closed for lunch 1-1.45.",
        "We close for lunch 1 to 1.45 on weekdays.",
    ],
)
def test_a_lunch_break_in_a_line_of_its_own_is_no_opening(lunch: str) -> None:
    timetable = Timetable(
        split(f"Monday to Friday we open at half past eight and close at half past five. Saturday 9 to 12.\n{lunch}")
    )
    assert timetable.main is not None
    assert timetable.main.ranges[0] == ((510, 780), (825, 1050))
    assert timetable.main.ranges[5:] == (((540, 720),), ())
    question = analyse("If I nip over on Tuesday at about quarter past one, will there be someone in?")
    schedule = timetable.concerns(question, None, None, [])
    assert schedule is not None
    assert timetable.answer(question, schedule, None, None).text.startswith("No, on Tuesday we are open")


@pytest.mark.parametrize(
    ("text", "week"),
    [
        (
            "From Monday to Friday you can bring or fetch your cat between 9 and 11. To have a look round come any afternoon except Sunday, between 2 and 3.30.",
            "We are open Monday to Friday from 9 am to 11 am. On Saturday and Sunday we are closed.",
        ),
        (
            "Open Monday to Friday 9 to 5. On Saturdays we deliver between 8 and 10.",
            "We are open Monday to Friday from 9 am to 5 pm. On Saturday and Sunday we are closed.",
        ),
        (
            "We are open Monday to Friday 9 to 5. On Saturdays we also open from 10 to 2.",
            "We are open Monday to Friday from 9 am to 5 pm and Saturday from 10 am to 2 pm. On Sunday we are closed.",
        ),
        ("EVERYTHING ELSE\nOpen every day from 7 to 5.", "We are open every day from 7 am to 5 pm."),
    ],
    ids=["what for", "what it does then", "open as well", "under a heading"],
)
def test_what_the_business_does_at_a_time_is_no_opening_hour(text: str, week: str) -> None:
    assert Timetable(split(text)).summary() == week


@pytest.mark.parametrize(
    "said",
    [
        "My lot came on Thursday and they were mouldy. Can I get something back?",
        "She takes a pill morning and night. Could you see to that?",
    ],
)
def test_a_day_in_the_story_asks_for_no_hours(said: str) -> None:
    assert Timetable(split(TEXT)).concerns(analyse(said), None, None, []) is None


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("I can't be there till half past four on Friday. Would that still work?", "Yes, on Friday we are open from 9 am to 5 pm."),
        ("I'm only free on Sunday. Can you fit me in?", "No, on Sunday we are closed."),
        ("I was thinking Sunday. Would that be any good?", "No, on Sunday we are closed."),
        ("We get back on Sunday. Could we pick him up?", "No, on Sunday we are closed."),
        ("I was there on Monday. Could I come on Saturday?", "Yes, on Saturday we are open from 8:30 am to 1 pm."),
    ],
)
def test_a_day_in_the_story_counts_where_what_is_asked_hangs_on_it(said: str, text: str) -> None:
    assert answer(said) == text
