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
        ("Can I come without an appointment?", "Walk-ins welcome for men's cuts.", True),
        ("Can I hire a guitar?", "No other instruments for hire.", False),
        ("May we sell beer?", "You can bring your own beer but you can't sell it without a licence.", False),
        ("Is she able to get in with a wheelchair?", "There's a ramp, so wheelchairs are no problem.", True),
        ("Could we reserve?", "We don't take reservations except for groups of eight.", None),
        ("Do you have parking?", "Cash or card.", None),
        ("How much is it?", "We don't groom cats.", None),
    ],
)
def test_verdict(said: str, fact: str, answer: bool | None) -> None:
    assert verdict(analyse(said), fact, weigh) is answer


def test_only_the_part_that_decides_is_kept() -> None:
    fact = "We don't clean teeth and we don't do hand stripping."
    assert deciding(analyse("Could you brush his teeth?"), fact, weigh) == "We don't clean teeth."
