"""No Docker engine runs in the tests: so every path, command, variable and port that docker/ names is compared with the checkout."""

from __future__ import annotations

import fnmatch
import json
import re
import shlex
from pathlib import Path

import pytest
import typer.main
import yaml

from config.settings import _SHORT_NAMES, Settings, load_settings
from telephony.cli import app

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = ROOT / "docker" / "Dockerfile"
COMPOSE = ROOT / "docker" / "compose.yaml"
KNOWN = {"FROM", "RUN", "WORKDIR", "COPY", "ENV", "VOLUME", "USER", "EXPOSE", "HEALTHCHECK", "CMD"}


def instructions() -> list[tuple[str, str]]:
    """(instruction, its argument) with continued lines joined."""
    lines = [line for line in DOCKERFILE.read_text("utf-8").splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in joined.splitlines() if line.strip())]


def arguments(name: str) -> list[str]:
    return [rest for instruction, rest in instructions() if instruction == name]


def environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for rest in arguments("ENV") for pair in shlex.split(rest))


def service() -> dict[str, object]:
    return yaml.safe_load(COMPOSE.read_text("utf-8"))["services"]["firstword"]


def settings_variables() -> set[str]:
    return {f"FIRSTWORD_{field}".upper() for field in Settings.model_fields} | set(_SHORT_NAMES)


def test_only_instructions_that_are_looked_at_here() -> None:
    assert {name for name, _ in instructions()} == KNOWN


def test_two_stages_and_the_last_one_compiles_nothing() -> None:
    starts = [i for i, (name, _) in enumerate(instructions()) if name == "FROM"]
    last = " ".join(rest for _, rest in instructions()[starts[-1] :])
    assert len(starts) == 2
    assert "build-essential" not in last
    assert "pip install" not in last


def test_what_is_copied_is_there_and_not_ignored() -> None:
    patterns = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line and not line.startswith("#")]
    assert patterns[0] == "*"
    for argument in arguments("COPY"):
        if argument.startswith("--from="):
            continue
        for source in argument.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert f"!{source}" in patterns
    assert [p for p in patterns if p.startswith("!") and not (ROOT / p[1:]).exists()] == []


def test_all_that_the_build_needs_is_copied() -> None:
    copied = {source for argument in arguments("COPY") for source in argument.split()[:-1]}
    assert {"pyproject.toml", "requirements.lock", "README.md", "LICENSE", "config", "pipeline", "telephony"} <= copied


def test_what_is_copied_from_the_first_stage_is_made_there() -> None:
    made = next(argument for argument in arguments("RUN") if "-m venv" in argument).split()[-1]
    copies = [argument.split() for argument in arguments("COPY") if argument.startswith("--from=")]
    assert copies == [["--from=build", made, made]]
    assert environment()["PATH"].startswith(f"{made}/bin:")
    assert all(word.startswith(f"{made}/bin/") for run in arguments("RUN") for word in run.split() if word.endswith("/bin/pip"))


def test_llama_is_compiled_for_other_machines_too() -> None:
    flags = next(run for run in arguments("RUN") if "llama-cpp-python" in run)
    assert "-DGGML_NATIVE=OFF" in flags
    assert all(f"-DGGML_{name}=ON" in flags for name in ("AVX2", "FMA", "F16C"))
    built_here = re.search(r"CMAKE_ARGS \?= (.*)", (ROOT / "Makefile").read_text("utf-8"))
    assert built_here
    assert all(flag in flags for flag in built_here[1].split())


def test_the_models_are_in_a_volume_of_the_user() -> None:
    folder = environment()["FIRSTWORD_MODELS"]
    assert arguments("VOLUME") == [folder]
    assert any(re.search(rf"useradd .* firstword .*--owner firstword {folder}\b", run) for run in arguments("RUN"))
    assert arguments("USER") == ["firstword"]
    names = [name for name, _ in instructions()]
    assert names.index("USER") < names.index("CMD")


def test_the_commands_exist_and_open_the_exposed_port() -> None:
    shell, dash_c, script = json.loads(arguments("CMD")[0])
    assert (shell, dash_c) == ("sh", "-c")
    commands = [words for part in script.split("&&") if (words := shlex.split(part.strip().removeprefix("exec ")))]
    assert [words[:2] for words in commands] == [["firstword", "models"], ["firstword", "serve"]]
    root = typer.main.get_command(app)
    assert commands[0][2] in root.commands["models"].commands
    options = {name for parameter in root.commands["serve"].params for name in parameter.opts}
    assert {word for word in commands[1] if word.startswith("--")} <= options
    assert commands[1][commands[1].index("--port") + 1] == arguments("EXPOSE")[0]


def test_the_health_check_asks_a_route_that_is_there() -> None:
    (check,) = arguments("HEALTHCHECK")
    command = json.loads(check.partition("CMD ")[2])
    compile(command[2], "HEALTHCHECK", "exec")
    url = re.search(r"'http://127\.0\.0\.1:(\d+)(/\w+)'", command[2])
    assert url
    assert url[1] == arguments("EXPOSE")[0]
    assert f'add_api_route("{url[2]}"' in (ROOT / "telephony" / "gateway.py").read_text("utf-8")


def test_compose_builds_what_is_there() -> None:
    build = service()["build"]
    assert isinstance(build, dict)
    context = (COMPOSE.parent / build["context"]).resolve()
    assert context == ROOT
    assert (context / build["dockerfile"]) == DOCKERFILE


def test_compose_sets_settings_that_exist_and_demands_the_token() -> None:
    given = service()["environment"]
    assert isinstance(given, dict)
    assert set(given) <= settings_variables()
    assert {name for name, value in given.items() if ":?" in value} == {"FIRSTWORD_TWILIO_AUTH_TOKEN", "FIRSTWORD_PUBLIC_URL"}
    assert all(value.startswith(f"${{{name}:") for name, value in given.items())


def test_what_compose_leaves_empty_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    given = service()["environment"]
    assert isinstance(given, dict)
    for name, value in given.items():
        monkeypatch.setenv(name, "" if value.endswith(":-}") else "https://bot.example.com")
    settings = load_settings(host="0.0.0.0")
    settings.check_bind()
    assert settings.admin_token is None
    assert settings.bot == Settings().bot


def test_compose_mounts_what_is_there() -> None:
    bots, folder = next(v.split(":")[:2] for v in service()["volumes"] if v.startswith(".."))  # type: ignore[attr-defined]
    example = re.search(r"FIRSTWORD_BOT=(\S+)", COMPOSE.read_text("utf-8"))
    assert example
    assert fnmatch.fnmatch(example[1], f"{folder}/*.toml")
    assert (COMPOSE.parent / bots / Path(example[1]).name).is_file()
    assert f"models:{environment()['FIRSTWORD_MODELS']}" in service()["volumes"]  # type: ignore[operator]
    assert service()["ports"] == [f"127.0.0.1:{arguments('EXPOSE')[0]}:{arguments('EXPOSE')[0]}"]
