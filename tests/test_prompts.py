"""What the model is shown."""

from __future__ import annotations

from pipeline.guard import UNKNOWN, Guard
from pipeline.prompts import EXAMPLES, prefix, request


def test_the_prefix_is_persona_and_pairs() -> None:
    messages = prefix("Willow Lane")
    assert [m.role for m in messages] == ["system", *["user", "assistant"] * len(EXAMPLES)]
    assert "Willow Lane" in messages[0].content
    assert messages == prefix("Willow Lane")


def test_the_fact_comes_first() -> None:
    assert request("We sell bread.", "Do we sell bread?") == "Fact: We sell bread.\nQuestion: Do we sell bread?"


def test_the_examples_pass_the_guard_themselves() -> None:
    for example in EXAMPLES:
        assert UNKNOWN.search(example.answer) or Guard([example.fact], example.question).check(example.answer)


def test_there_is_one_example_of_not_knowing() -> None:
    assert sum(bool(UNKNOWN.search(example.answer)) for example in EXAMPLES) == 1
