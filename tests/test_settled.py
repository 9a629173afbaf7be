"""What leaves no doubt about a yes or no."""

from __future__ import annotations

import pytest

from pipeline.questions import analyse
from pipeline.settled import settled


@pytest.mark.parametrize(
    ("said", "fact", "verdict"),
    [
        ("Can I pay by cash?", "Cards or cash, no cheques.", True),
        ("Do you take cheques?", "Cards or cash, no cheques.", False),
        ("Do you take Apple Pay?", "Cash only.", False),
        ("Can I pay by card?", "We take cards and cash but please give tips in cash, because the machine can't split them.", True),
        ("Can I pay cash at the desk?", "Cards only at the desk, cash works in the café.", None),
        ("Can I pay the deposit by card?", "The deposit is cash. Cards for the rest.", None),
        ("Is it cash or card?", "Cards only.", None),
        ("Do we need to bring our own towels for the hut?", "Bedding is provided in the huts but bring your own towels.", True),
        ("Do I have to bring a rod?", "Rods and reels are provided.", False),
        ("Can I bring my own fabric?", "You may supply your own fabric provided it carries a fire label.", None),
        ("Do you take trousers up?", "Trousers taken up £11.", True),
        ("Do you take trousers up on Sunday?", "Trousers taken up £11.", None),
        ("Do you take trousers up?", "Trousers taken up £11, but no jeans.", None),
        ("Do you charge for parking?", "Parking £2.", None),
        ("Don't you take cards?", "Cards or cash.", None),
        ("How can I pay?", "Cards or cash.", None),
    ],
)
def test_what_leaves_no_doubt(said: str, fact: str, verdict: bool | None) -> None:
    assert settled(analyse(said), fact) is verdict


BANK_HOLIDAYS = "We are closed on Mondays, except bank holiday Mondays, when we are open as usual."


@pytest.mark.parametrize(
    ("asked", "text", "verdict"),
    [
        ("Are you open on the bank holiday Monday?", BANK_HOLIDAYS, True),
        ("Are you open on Monday?", BANK_HOLIDAYS, None),
        ("Do you have single rooms?", "All rooms have their own bathroom except the two singles.", None),
        ("Do I have to book?", "Everything except punctures has to be booked.", None),
        ("Can I just walk in for nails?", "Everything is by appointment except nails.", None),
        ("Can I bring my guide dog?", "Apart from guide dogs, no pets.", None),
        ("Do you take cheques?", "We take everything except cheques.", False),
        ("Do you take Amex?", "All cards apart from Amex.", False),
    ],
)
def test_what_is_excepted(asked: str, text: str, verdict: bool | None) -> None:
    assert settled(analyse(asked), text) is verdict
