"""Parts of the year, and dates that callers name."""

from __future__ import annotations

import pytest

from pipeline.seasons import date_in, season_in


@pytest.mark.parametrize(
    ("text", "inside", "outside", "said"),
    [
        ("April - Sept open daily", (7, None), (11, None), "from April to September"),
        ("shut from 4 January to 10 February", (2, 9), (2, 11), "from 4 January to 10 February"),
        ("Oct to March", (1, None), (5, None), "from October to March"),
        ("In April and October weekends only", (10, None), (7, None), "in April and October"),
        ("June, July and August", (7, None), (9, None), "in June, July and August"),
        ("May 1 to Oct 15", (10, 15), (10, 28), "from 1 May to 15 October"),
        ("No trips in winter", (1, None), (7, None), "from December to February"),
    ],
)
def test_parts_of_the_year(text: str, inside: tuple[int, int | None], outside: tuple[int, int | None], said: str) -> None:
    found = season_in(text)
    assert found is not None
    season, _ = found
    assert season.has(*inside)
    assert not season.has(*outside)
    assert str(season) == said


@pytest.mark.parametrize(
    ("said", "date"),
    [
        ("around the twentieth of January", (1, 20)),
        ("at the end of October", (10, 28)),
        ("in November, on a Tuesday", (11, None)),
        ("May I bring my dog?", None),
        ("on Monday", None),
    ],
)
def test_dates(said: str, date: tuple[int, int | None] | None) -> None:
    assert date_in(said) == date
