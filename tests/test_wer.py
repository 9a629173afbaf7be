"""Word error rate on people's voices at telephone quality, through the code of `firstword transcribe`."""

from __future__ import annotations

import gzip
import json
import re
import wave
from pathlib import Path

import jiwer
import pytest
from fixtures_models import ASTERISK
from typer.testing import CliRunner
from whisper_normalizer.english import EnglishTextNormalizer

from telephony.cli import app

TEXTS = Path("/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz")
COUNT = 80
BOUND = 0.05


def complete_sentence(text: str) -> bool:
    """The rule, written before anything was measured: whole sentences of words."""
    return bool(
        len(text.split()) >= 4
        and re.match(r"[A-Z]", text)
        and re.search(r"[.?]$", text)
        and not re.search(r"\.\.\.|[\[\](){}<>*#\d]", text)
    )


def seconds(path: Path) -> float:
    with wave.open(str(path)) as file:
        return file.getnframes() / file.getframerate()


def prompts() -> list[tuple[str, str]]:
    """(name, text) of 80 prompts: those that fit the rule and are 1.5 to 9.5 s long, sorted by name, every k-th."""
    fitting = []
    for line in gzip.decompress(TEXTS.read_bytes()).decode("utf-8", "replace").splitlines():
        name, colon, text = line.partition(":")
        path = ASTERISK / f"{name.strip()}.wav"
        if colon and not line.startswith(";") and complete_sentence(text.strip()) and path.exists() and 1.5 <= seconds(path) <= 9.5:
            fitting.append((name.strip(), text.strip()))
    fitting = sorted(set(fitting))
    assert len(fitting) >= COUNT, f"only {len(fitting)} prompts fit"
    step = len(fitting) / COUNT
    return [fitting[int(i * step)] for i in range(COUNT)]


@pytest.mark.models
def test_eighty_prompts_are_transcribed_with_few_errors() -> None:
    chosen = prompts()
    result = CliRunner().invoke(app, ["transcribe", "--json", *(str(ASTERISK / f"{name}.wav") for name, _ in chosen)])
    assert result.exit_code == 0, result.output
    heard = [json.loads(line)["text"] for line in result.stdout.splitlines()]
    normal = EnglishTextNormalizer()
    said = [normal(text) for _, text in chosen]
    understood = [normal(text) for text in heard]
    wrong = [f"{name}: {s!r} heard as {u!r}" for (name, _), s, u in zip(chosen, said, understood, strict=True) if s != u]
    rate = jiwer.wer(said, understood)
    print(f"word error rate {rate:.4f}", *wrong, sep="\n")  # noqa: T201 - shown where the test fails, or with -s
    assert rate <= BOUND
