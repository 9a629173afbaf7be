"""Yes and no, read off a statement's form."""

from __future__ import annotations

import pytest

from pipeline.polarity import deciding, verdict
from pipeline.questions import analyse


def weigh(_: str) -> float:
    return 1.0


@pytest.mark.parametrize(
    ("said", "fact", "answer"),
    [
        ("Do you do cats?", "Dogs only - we don't groom cats or rabbits.", False),
        ("Can I send the money by bank transfer?", "Cash or card, no bank transfers.", False),
        ("Can I pay by card?", "Cash or card, no bank transfers.", True),
        ("Do I have to make an appointment?", "Nail clipping, for that you don't need an appointment, just drop in.", False),
        ("Do I need an appointment?", "Everything else by appointment only.", True),
        ("Do I need to book?", "Aqua fit, £6, no need to book.", False),
        ("Do I have to book on a Wednesday?", "From Tuesday to Friday just turn up.", False),
        ("Do I have to book on a Wednesday?", "At weekends you have to book.", False),
        ("Do I have to book on a Saturday?", "On Saturdays you have to book.", True),
        ("Can I come without an appointment?", "Walk-ins welcome for men's cuts.", True),
        ("Can I hire a guitar?", "No other instruments for hire.", False),
        ("May we sell beer?", "You can bring your own beer but you can't sell it without a licence.", False),
        ("Is she able to get in with a wheelchair?", "There's a ramp, so wheelchairs are no problem.", True),
        ("Could we reserve?", "We don't take reservations except for groups of eight.", None),
        ("Do you have parking?", "Cash or card.", None),
        ("Could I bring a cake?", "Cake isn't included, but you're welcome to bring your own.", True),
        ("Could somebody fetch us from the station?", "The station is 12 minutes away.", None),
        ("Can I leave the deposit in cash?", "Cash or card for everything except the deposit.", False),
        ("Could I have that done on a Monday?", "Nail cutting £24, Thursdays only.", False),
        ("Could I have that done on a Thursday?", "Nail cutting £24, Thursdays only.", True),
        ("Would he be allowed his cake?", "You can't bring your own food in, except a birthday cake.", True),
        ("Are there any stairs?", "No stairs, everything is on one level.", False),
        ("Do I need to bring cash?", "No cash, please.", None),
        ("Would there be any stairs?", "There are fourteen steps and no lift.", True),
        ("I can't do stairs. Would I get in?", "There are fourteen steps and no lift.", False),
        ("Do I need to clear the top?", "Photographs and vases off the lid before I come, please.", True),
        ("Are the cabins open in January?", "Cabins all year except February.", True),
        ("Are the cabins open in February?", "Cabins all year except February.", False),
        ("I can't do stairs. Can I get in?", "Ground floor, no steps.", True),
        ("Can she get up in a wheelchair?", "Upstairs, no lift.", False),
        ("There'd be sixty of us, is that all right?", "Private hire, up to 40 guests.", False),
        ("Would you have my dog as well?", "We only take cats, my sister has kennels for dogs.", False),
        ("Do you do home visits?", "Home visits Friday afternoons only.", True),
        ("How much is it?", "We don't groom cats.", None),
    ],
)
def test_verdict(said: str, fact: str, answer: bool | None) -> None:
    assert verdict(analyse(said), fact, weigh) is answer


def test_only_the_part_that_decides_is_kept() -> None:
    fact = "We don't clean teeth and we don't do hand stripping."
    assert deciding(analyse("Could you brush his teeth?"), fact, weigh) == "We don't clean teeth."
