"""Which entries of a list are said."""

from __future__ import annotations

import pytest

from pipeline.narrowing import entries
from pipeline.questions import analyse
from pipeline.statements import split


def said(text: str, question: str) -> str:
    """What of the only statement is said; its keys are all that point at its list."""
    (statement,) = split(text)
    asked = analyse(question)
    return statement.narrowed(entries(statement, asked, frozenset(asked.keys)))


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        (
            "Kitchen knives are $8 each, or $6.50 each if you bring ten or more.",
            "What would you charge for about a dozen kitchen knives?",
            "Kitchen knives are $8 each, or $6.50 each if you bring ten or more.",
        ),
        (
            "Chainsaw chains are $18 up to 16 inch, $24 for anything longer.",
            "What would he want for a chain of twenty inches?",
            "Chainsaw chains are $18 up to 16 inch, $24 for anything longer.",
        ),
        (
            "Ladies pay £9 a swim, £80 if they join for a season, men £11.",
            "How much is it for ladies?",
            "Ladies pay £9 a swim, £80 if they join for a season.",
        ),
        ("Cut: small dog £38, medium £46, large £60.", "How much is it for a large dog?", "Cut: large £60."),
        ("A pass is £7 for grown-ups and £4 for kids.", "What's a pass for kids?", "A pass is £4 for kids."),
    ],
    ids=["if you bring more", "anything longer", "behind what was asked for", "no condition", "named by whom it is for"],
)
def test_a_price_under_a_condition_stays_with_what_it_follows(text: str, question: str, answer: str) -> None:
    assert said(text, question) == answer
