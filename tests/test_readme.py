"""What README.md and docs/ tell people to type, set, open and read exists."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import typer.main
from pydantic import BaseModel

from config.bot import Bot, parse_bot
from config.lock import load_lock
from config.settings import _NOT_SETTINGS, _SHORT_NAMES, Settings, profile_names
from telephony.cli import app

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
README = (ROOT / "README.md").read_text("utf-8")
SETTINGS_PAGE = (ROOT / "docs" / "settings.md").read_text("utf-8")
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def code(page: str) -> list[str]:
    """Lines of fenced blocks, and inline code outside them."""
    fenced = re.findall(r"^ *```[a-z]*\n(.*?)^ *```", page, re.MULTILINE | re.DOTALL)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```", "", page, flags=re.MULTILINE | re.DOTALL))
    return [line.strip() for block in fenced for line in block.splitlines()] + inline


def commands(page: str, name: str) -> list[list[str]]:
    """What is typed after `name`, variables before it and comments behind it left out."""
    found = []
    for line in code(page):
        words = line.partition(" #")[0].split()
        while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
            words = words[1:]
        if words and words[0] in (name, f".venv/bin/{name}") and len(words) > 1:
            found.append(shlex.split(" ".join(words[1:])))
    return found


def fault(words: list[str]) -> str:
    """What is wrong with a `firstword` command: empty for nothing."""
    command: click.Command = typer.main.get_command(app)
    while getattr(command, "commands", None) and words:
        if words[0].startswith("-"):
            return ""
        if words[0] not in command.commands:  # type: ignore[attr-defined]
            return f"no command {words[0]}"
        command, words = command.commands[words[0]], words[1:]  # type: ignore[attr-defined]
    options = {name for parameter in command.params for name in parameter.opts} | {"--help"}
    return ", ".join(word for word in words if word.startswith("--") and word.partition("=")[0] not in options)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    assert {" ".join(words): wrong for words in commands(text, "firstword") if (wrong := fault(words))} == {}
    targets = [word for words in commands(text, "make") for word in words if "=" not in word and not word.startswith("-")]
    assert set(targets) <= TARGETS


def test_the_readme_has_the_commands_to_look_at() -> None:
    assert {words[0] for words in commands(README, "make")} >= {"call", "test", "serve"}
    assert {words[0] for words in commands(README, "firstword")} >= {"serve", "call", "check-bot", "models"}


@pytest.mark.parametrize("wrong", ["sreve", "serve --hots", "models push"])
def test_a_wrong_command_is_seen(wrong: str) -> None:
    assert fault(wrong.split())


def test_ci_runs_the_readmes_test_command() -> None:
    assert ["test"] in commands(README, "make")
    assert "step make test" in (ROOT / ".ci" / "run").read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8"))
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", [*PAGES, ROOT / "docker" / "compose.yaml", ROOT / "docker" / "Dockerfile"], ids=lambda p: p.name)
def test_variables_are_settings(page: Path) -> None:
    named = set(re.findall(r"FIRSTWORD_[A-Z0-9_]*[A-Z0-9]", page.read_text("utf-8")))
    known = {variable for variable, _ in fields()} | {"FIRSTWORD_CONFIG", "FIRSTWORD_MODELS"} | _NOT_SETTINGS
    assert named - known == set()


@pytest.mark.parametrize("page", [ROOT / "docs" / "architecture.md", ROOT / "README.md"], ids=lambda p: p.name)
def test_files_that_are_named_are_there(page: Path) -> None:
    named = {
        word
        for text in code(page.read_text("utf-8"))
        for word in re.findall(r"(?<![\w/.])(?:[\w-]+/)+[\w.-]+\.(?:py|toml|md)\b", text)
    }
    assert named
    assert {name for name in named if not (ROOT / name).exists()} == set()


def fields(model: type[BaseModel] = Settings, prefix: str = "FIRSTWORD_") -> list[tuple[str, Any]]:
    """(environment variable, default) of every setting, those of the tables too."""
    found: list[tuple[str, Any]] = []
    for name, field in model.model_fields.items():
        variable = f"{prefix}{name}".upper()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found += fields(field.annotation, f"{variable}__")
        else:
            variable = next((short for short, long in _SHORT_NAMES.items() if long == variable), variable)
            found.append((variable, field.get_default(call_default_factory=True)))
    return found


@pytest.mark.parametrize(
    ("variable", "default"), fields(), ids=lambda v: v if isinstance(v, str) and v.startswith("FIRSTWORD") else ""
)
def test_each_setting_is_on_the_settings_page_with_its_default(variable: str, default: object) -> None:
    row = re.search(rf"^\| `{variable}` \| (.*?) \| (.+) \|$", SETTINGS_PAGE, re.MULTILINE)
    assert row, f"{variable} has no row"
    shown = row[1].strip("`")
    if isinstance(default, bool):
        assert shown == str(default).lower()
    elif isinstance(default, (int, float)):
        assert float(shown) == default
    elif isinstance(default, str) and default:
        assert shown == default
    else:
        assert shown  # a path or nothing: said in words


def test_the_settings_page_names_every_profile_and_model() -> None:
    assert all(f"`{name}`" in SETTINGS_PAGE for name in profile_names())
    assert all(f"`{name}`" in README for name in load_lock().model)


def test_every_licence_of_a_model_is_in_the_readme() -> None:
    for model in load_lock().model.values():
        row = re.search(rf"^\|.*`{re.escape(model.name)}`.*$", README, re.MULTILINE)
        assert row, model.name
        assert model.licence in row[0]


def toml_blocks(page: str) -> list[str]:
    return re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def test_the_readmes_bot_is_a_bot() -> None:
    bots = [block for block in toml_blocks(README) if "greeting" in block]
    assert bots
    assert all(isinstance(parse_bot(block, "README.md"), Bot) for block in bots)


def test_the_settings_pages_file_is_a_settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = toml_blocks(SETTINGS_PAGE)
    assert tomllib.loads(block)
    path = tmp_path / "settings.toml"
    path.write_text(block, "utf-8")
    monkeypatch.setenv("FIRSTWORD_CONFIG", str(path))
    assert Settings().config_file is not None or Settings().profile != "default"


def test_every_key_of_a_bot_file_is_on_the_settings_page() -> None:
    assert {name for name in Bot.model_fields if f"`{name}`" not in SETTINGS_PAGE} == set()
