"""One direction: config <- pipeline <- telephony. And what must not be named or used where."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAY_IMPORT = {"config": {"config"}, "pipeline": {"config", "pipeline"}, "telephony": {"config", "pipeline", "telephony"}}
OURS = {*MAY_IMPORT, "tests", "fixtures"}

CARRIERS_AND_SERVERS = {"fastapi", "starlette", "twilio", "uvicorn", "websockets", "typer"}
"""A conversation runs in a test without any of them."""

# Written in two parts, or this file would name them itself.
REGISTRY_HOSTS = tuple(
    name + end
    for name, end in [
        ("pypi.", "org"),
        ("pythonhosted.", "org"),
        ("npmjs.", "com"),
        ("npmjs.", "org"),
        ("crates.", "io"),
        ("rubygems.", "org"),
        ("anaconda.", "org"),
        ("proxy.golang.", "org"),
        ("jfrog.", "io"),
        ("repo1.maven.", "org"),
    ]
)
DOWNLOAD_ADDRESS = re.compile(r"(--(extra-)?index-url|--find-links|file:///| @ )")


def imports(source: str, package: str) -> set[str]:
    """Full names of the modules that a module of `package` imports, wherever in the file, relative ones resolved."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")
            base = ".".join(parents[: len(parents) - node.level + 1]) if node.level else ""
            found.add(".".join(part for part in (base, node.module) if part))
    return found


def turned(layer: str, source: str, package: str) -> set[str]:
    """What a module of `layer` imports of ours and must not."""
    tops = {name.partition(".")[0] for name in imports(source, package)}
    return (tops & OURS) - MAY_IMPORT[layer]


def modules(layer: str) -> list[Path]:
    return sorted((ROOT / layer).rglob("*.py"))


def package_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).parent.parts)


@pytest.mark.parametrize("layer", MAY_IMPORT)
def test_no_arrow_turns_round(layer: str) -> None:
    assert modules(layer)
    wrong = {str(p.relative_to(ROOT)): bad for p in modules(layer) if (bad := turned(layer, p.read_text("utf-8"), package_of(p)))}
    assert wrong == {}


@pytest.mark.parametrize(
    ("layer", "source"),
    [
        ("config", "import pipeline"),
        ("config", "def f():\n    from telephony.cli import app\n"),
        ("pipeline", "if True:\n    import telephony.g711 as g\n"),
        ("pipeline", "from tests import gateway_bench"),
        ("pipeline", "from ..telephony import g711"),
    ],
)
def test_a_turned_arrow_is_seen(layer: str, source: str) -> None:
    assert turned(layer, source, layer)


def test_a_relative_import_stays_inside() -> None:
    assert imports("from ..turn import State", "pipeline.inner") == {"pipeline.turn"}


@pytest.mark.parametrize("layer", ["config", "pipeline"])
def test_the_conversation_knows_no_carrier_and_no_server(layer: str) -> None:
    used = {
        str(p.relative_to(ROOT)): {n.partition(".")[0] for n in imports(p.read_text("utf-8"), package_of(p))}
        for p in modules(layer)
    }
    assert {path: bad for path, names in used.items() if (bad := names & CARRIERS_AND_SERVERS)} == {}


def texts() -> list[tuple[str, str]]:
    """Path and text of every tracked text file; where there is no git, of every file that is not hidden."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    else:
        paths = [p for p in ROOT.rglob("*") if not any(part.startswith(".") for part in p.relative_to(ROOT).parts)]
    contents = ((path, path.read_bytes()) for path in paths if path.is_file())
    return [(str(path.relative_to(ROOT)), content.decode("utf-8")) for path, content in contents if b"\0" not in content]


def test_no_registry_host_is_named() -> None:
    """Where packages come from is the business of whoever installs them: pip's own configuration says it."""
    named = {path: host for path, text in texts() for host in REGISTRY_HOSTS if host in text.lower()}
    assert len(texts()) > 100
    assert named == {}


def test_the_lock_gives_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    assert not DOWNLOAD_ADDRESS.search(lock)
