"""Where in a reply a sample of the bot's timeline lies, and when all of it was heard."""

from __future__ import annotations

import pytest

from pipeline.turn_reply import TurnPhrase, TurnReply


def reply(**more: object) -> TurnReply:
    """Two phrases of 4000 and 2000 samples, given to the leg at 8000."""
    made = TurnReply(2, phrases=[TurnPhrase(4000, "One.", 8000), TurnPhrase(2000, "Two.", 12000)], complete=True, played=2)
    for name, value in more.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("sample", "place", "before"),
    [
        (0, (0, 0), 0),
        (8000, (0, 0), 0),
        (9000, (0, 1000), 1000),
        (12000, (1, 0), 4000),
        (13999, (1, 1999), 5999),
        (14000, (2, 0), 6000),
    ],
)
def test_a_sample_has_a_place(sample: int, place: tuple[int, int], before: int) -> None:
    assert reply().place(sample) == place
    assert reply().samples_before(place) == before


def test_what_goes_on_from_a_cut_counts_from_there() -> None:
    resumed = reply(phrases=[TurnPhrase(4000, "One.", 20000, 3000), TurnPhrase(2000, "Two.", 21000)])
    assert resumed.place(20500) == (0, 3500)
    assert not resumed.heard_whole(22999)
    assert resumed.heard_whole(23000)


@pytest.mark.parametrize("missing", [{"complete": False}, {"played": 1}])
def test_what_is_not_all_made_and_given_was_not_heard_whole(missing: dict[str, object]) -> None:
    assert reply().heard_whole(14000)
    assert not reply(**missing).heard_whole(14000)
