"""Opening hours, as owners write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.hours import days_in, is_schedule, parse
from pipeline.schedule import DAYS, clock_text, day_names


@pytest.mark.parametrize(
    ("text", "week"),
    [
        (
            "Opening times: Tuesday to Friday 9 am to 5 pm, Saturday 8.30 to 1. Sundays and Mondays we are closed.",
            "We are open Tuesday to Friday from 9 am to 5 pm and Saturday from 8:30 am to 1 pm. On Sunday and Monday we are closed.",
        ),
        (
            "Mon-Fri 9-5, Sat 10-4, closed Sun",
            "We are open Monday to Friday from 9 am to 5 pm and Saturday from 10 am to 4 pm. On Sunday we are closed.",
        ),
        (
            "We are open every day except Sunday, 9 to 5.",
            "We are open Monday to Saturday from 9 am to 5 pm. On Sunday we are closed.",
        ),
        (
            "Every afternoon except Sunday and Monday from 1 to 5, Friday 1 to 6.",
            "We are open Tuesday to Thursday and Saturday from 1 pm to 5 pm and Friday from 1 pm to 6 pm. On Sunday and Monday we are closed.",
        ),
        (
            "We are open seven days a week, except bank holidays: Mon-Fri 9-5, Sat-Sun 10-4.",
            "We are open Monday to Friday from 9 am to 5 pm and Saturday and Sunday from 10 am to 4 pm.",
        ),
        (
            "Open Monday to Saturday except bank holidays 9 to 5.",
            "We are open Monday to Saturday from 9 am to 5 pm. On Sunday we are closed.",
        ),
        ("Open daily 10 to 6 except Tuesdays.", "We are open Wednesday to Monday from 10 am to 6 pm. On Tuesday we are closed."),
        (
            "Open daily from 10am to 6pm, except Wednesday 9 to 1.",
            "We are open Thursday to Tuesday from 10 am to 6 pm and Wednesday from 9 am to 1 pm.",
        ),
        (
            "Open every day 7 to 4 except Mondays, Sundays from 8.",
            "We are open Tuesday to Saturday from 7 am to 4 pm and Sunday from 8 am to 4 pm. On Monday we are closed.",
        ),
        ("We're open every day 8 to 8.", "We are open every day from 8 am to 8 pm."),
        (
            "Weekdays 8.30-12.30 and 2-6",
            "We are open Monday to Friday from 8:30 am to 12:30 pm and from 2 pm to 6 pm. On Saturday and Sunday we are closed.",
        ),
        (
            "Monday to Friday 9 to 5, closed for lunch 1 to 2. Saturday 9 to 12.",
            "We are open Monday to Friday from 9 am to 1 pm and from 2 pm to 5 pm and Saturday from 9 am to noon. On Sunday we are closed.",
        ),
        (
            "Open 9:00-17:30 on weekdays and 9:00-13:00 on Saturdays; we don't open on Sundays. We shut for lunch 12:30 to 1:15 on weekdays.",
            "We are open Monday to Friday from 9 am to 12:30 pm and from 1:15 pm to 5:30 pm and Saturday from 9 am to 1 pm. On Sunday we are closed.",
        ),
        (
            "Monday to Friday 9 to 6, Thursdays until 8.",
            "We are open Monday to Wednesday and Friday from 9 am to 6 pm and Thursday from 9 am to 8 pm. On Saturday and Sunday we are closed.",
        ),
        (
            "Monday to Friday 8 till 5.30, except Wednesday when we stay on till 7. Saturday 9 till 1. Shut Sundays.",
            "We are open Monday, Tuesday, Thursday and Friday from 8 am to 5:30 pm, Wednesday from 8 am to 7 pm and Saturday from 9 am to 1 pm. On Sunday we are closed.",
        ),
        (
            "Open daily 9 to 5 except Friday until 1.",
            "We are open Saturday to Thursday from 9 am to 5 pm and Friday from 9 am to 1 pm.",
        ),
        (
            "Fri 5 to 11 pm. Sat 5pm to 1am.",
            "We are open Friday from 5 pm to 11 pm and Saturday from 5 pm to 1 am. From Sunday to Thursday we are closed.",
        ),
    ],
)
def test_a_week_is_read(text: str, week: str) -> None:
    schedule = parse(text)
    assert schedule is not None
    assert schedule.summary() == week


@pytest.mark.parametrize(
    "text", ["We do not rent out bikes.", "Nail clipping £9.", "Children from 5 years.", "A lesson takes 30 minutes to an hour."]
)
def test_what_gives_no_hours(text: str) -> None:
    assert not is_schedule(text)
    assert parse(text) is None


def test_days_are_spelled_out() -> None:
    schedule = parse("Lessons Monday to Thursday 1 pm to 8 pm. Closed on Sundays.", "Lessons")
    assert schedule is not None
    assert schedule.statement(0) == "On Monday lessons are from 1 pm to 8 pm."
    assert schedule.statement(6) == "On Sunday there are no lessons."


def test_open_past_midnight() -> None:
    schedule = parse("Sat 5pm to 1am")
    assert schedule is not None
    assert schedule.is_open(5, 23 * 60)
    assert schedule.is_open(6, 30)
    assert not schedule.is_open(6, 60)


def test_only_whole_names_are_days_in_speech() -> None:
    assert days_in("I sat on my glasses on Monday", spoken=True) == (0,)


def test_a_closed_weekend_that_runs_into_monday_is_one_run() -> None:
    assert day_names([0, 5, 6]) == "Saturday to Monday"


@given(st.integers(0, 6), st.integers(0, 6), st.integers(13, 40), st.integers(41, 47))
def test_what_is_written_is_read(first: int, last: int, start: int, end: int) -> None:
    opens, closes = start * 30, end * 30
    schedule = parse(f"{DAYS[first]} to {DAYS[last]} {clock_text(opens)} to {clock_text(closes)}.")
    assert schedule is not None
    inside = [(first + i) % 7 for i in range((last - first) % 7 + 1)]
    assert set(schedule.open_days()) == set(inside)
    assert schedule.ranges[first] == ((opens, closes),)
