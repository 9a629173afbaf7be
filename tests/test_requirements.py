"""pyproject.toml and requirements.lock: bounded ranges, exact pins that keep to them, and nothing imported that is not named."""

from __future__ import annotations

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
WANTED = [Requirement(line) for line in PROJECT["dependencies"]]
DEVELOPMENT = [Requirement(line) for line in PROJECT["optional-dependencies"]["dev"]]
LOCK = [Requirement(line) for line in (ROOT / "requirements.lock").read_text("utf-8").splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("wanted", [*WANTED, *DEVELOPMENT], ids=lambda r: r.name)
def test_a_range_has_two_ends_and_a_pin_in_it(wanted: Requirement) -> None:
    assert {clause.operator for clause in wanted.specifier} == {">=", "<"}
    pins = [pin for pin in LOCK if canonicalize_name(pin.name) == canonicalize_name(wanted.name)]
    assert pins
    assert all(wanted.specifier.contains(next(iter(pin.specifier)).version) for pin in pins)


@pytest.mark.parametrize("pin", LOCK, ids=str)
def test_a_pin_is_exact(pin: Requirement) -> None:
    assert [clause.operator for clause in pin.specifier] == ["=="]
    assert pin.url is None


def imported() -> set[str]:
    """Top names of what the three packages import."""
    names: set[str] = set()
    for layer in ("config", "pipeline", "telephony"):
        for path in (ROOT / layer).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    names |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                    names.add(node.module.partition(".")[0])
    return names


def test_what_is_imported_is_named() -> None:
    named = {canonicalize_name(wanted.name) for wanted in WANTED}
    # audioop left the standard library with 3.13, pydantic_core is the other half of pydantic, and without huggingface_hub pulls go on
    known = {"config", "pipeline", "telephony", "audioop", "pydantic_core", "huggingface_hub"}
    others = imported() - sys.stdlib_module_names - known
    distributions = packages_distributions()
    unnamed = {name for name in others if not {canonicalize_name(d) for d in distributions.get(name, [])} & named}
    assert unnamed == set()
