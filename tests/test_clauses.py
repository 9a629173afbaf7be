"""Sentences of two predicates."""

from __future__ import annotations

import re

import pytest

from pipeline.clauses import clause_with, clauses

SERVICE = "A full service costs 90 pounds and takes three days."


def test_a_sentence_of_two_predicates_is_two_sentences() -> None:
    assert clauses(SERVICE) == ["A full service costs 90 pounds.", "A full service takes three days."]
    assert clauses("A wash costs 4.50 pounds, and takes 30 minutes") == ["A wash costs 4.50 pounds.", "A wash takes 30 minutes."]


@pytest.mark.parametrize(
    "text",
    [
        "We sell tubes and tyres.",
        "Parking is free.",
        "We have tubes and tyres, and pumps.",
        "It is 5 pounds: bring cash and cards.",
        "",
    ],
)
def test_anything_else_stays_whole(text: str) -> None:
    assert clauses(text) == [text]


def test_the_clause_that_was_asked_for() -> None:
    assert clause_with(SERVICE, re.compile("days")) == "A full service takes three days."
    assert clause_with(SERVICE, re.compile("pounds")) == "A full service costs 90 pounds."
    assert clause_with(SERVICE, re.compile("service")) == SERVICE
    assert clause_with(SERVICE, re.compile("euros")) == SERVICE
