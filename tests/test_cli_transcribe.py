"""`firstword transcribe`: what can be tested without its model. Its word error rate is in test_wer.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from telephony.cli import app
from telephony.cli_transcribe import CANNOT_READ, cut


def test_a_short_recording_stays_whole() -> None:
    pcm = np.ones(8000, np.int16)
    assert [len(p) for p in cut(pcm, 8000)] == [8000]


def test_a_long_one_is_cut_where_it_is_quiet_and_nothing_is_lost() -> None:
    pcm = np.random.default_rng(1).integers(-9000, 9000, 8000 * 70).astype(np.int16)
    for second in (24, 47):
        pcm[second * 8000 : second * 8000 + 3200] = 0
    pieces = cut(pcm, 8000)
    assert np.array_equal(np.concatenate(pieces), pcm)
    assert all(len(p) <= 28 * 8000 for p in pieces)
    ends = np.cumsum([len(p) for p in pieces])[:-1] / 8000
    assert 24 < ends[0] < 24.4
    assert 47 < ends[1] < 47.4


@pytest.mark.models
def test_a_file_that_is_no_recording_is_named(tmp_path: Path) -> None:
    bad = tmp_path / "notes.wav"
    bad.write_text("not a recording")
    result = CliRunner().invoke(app, ["transcribe", str(bad)])
    assert result.exit_code == CANNOT_READ
    assert "notes.wav" in result.stderr.replace("\n", "")


def test_an_unknown_profile_is_named() -> None:
    result = CliRunner().invoke(app, ["transcribe", "--profile", "bettter", "x.wav"])
    assert result.exit_code == CANNOT_READ
    assert "bettter" in result.stderr
