"""Where all is put together: who is let in, what follows a call, and what a call's counts become. Whole calls are in test_soak.py."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from config.bot import load_bot
from config.settings import load_settings
from config.tracing import TracingSettings
from pipeline.jobs import PastJob, Priority
from pipeline.scheduler import JobDroppedError, Usage
from pipeline.turn import TurnTaking
from telephony.metrics import Metrics
from telephony.recording.files import Ending
from telephony.recording.reader import recordings
from telephony.serve import serve
from telephony.switchboard import Observer, Switchboard
from telephony.tracing import Tracing
from telephony.transfer import AfterCall, Dial, HangUp, Record

BOT = """version = 1
name = "Test"
greeting = "Hello."
instructions = "We are open."
"""


def switchboard(folder: Path, after_call: str = "", max_calls: int = 3) -> Switchboard:
    (folder / "bot.toml").write_text(BOT + after_call)
    return Switchboard(load_settings(max_calls=max_calls), load_bot(folder / "bot.toml"), Metrics())


@pytest.mark.models
@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("", HangUp()),
        ('[after_call]\naction = "dial"\nnumber = "+441632960123"\n', Dial("+441632960123")),
        ('[after_call]\naction = "record"\n', Record("")),
    ],
)
def test_what_follows_a_call_stands_in_the_bot_file(tmp_path: Path, table: str, expected: AfterCall) -> None:
    assert switchboard(tmp_path, table).after_call("CA1") == expected


@pytest.mark.models
@pytest.mark.parametrize(("key", "recorded"), [("", True), ("record = false\n", False)])
def test_calls_are_recorded_where_settings_and_bot_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, recorded: bool
) -> None:
    monkeypatch.setenv("FIRSTWORD_RECORDING__FOLDER", str(tmp_path / "calls"))
    wires: list[Any] = []
    leg: Any = SimpleNamespace(call="CA1", rate_hz=8000, listen_in=wires.append)

    async def test() -> None:
        async with switchboard(tmp_path, key) as board:
            board._call_settings = SimpleNamespace(turn=TurnTaking())  # type: ignore[assignment]
            recording = board._begin_recording(leg)
            assert (recording is not None) is recorded
            if recording is not None:
                recording.end(Ending("x"), 10**18)

    asyncio.run(test())
    assert len(wires) == len(recordings(tmp_path / "calls")) == int(recorded)


@pytest.mark.models
def test_nobody_is_let_in_before_the_models_are_warm(tmp_path: Path) -> None:
    board = switchboard(tmp_path)
    assert board.ready() == "loading models"
    assert not board.admit()


@pytest.mark.models
@pytest.mark.parametrize(("max_calls", "sequences", "room"), [(3, 33, 3), (32, 3, 2)])
def test_as_many_are_let_in_as_settings_and_model_allow(tmp_path: Path, max_calls: int, sequences: int, room: int) -> None:
    board: Any = switchboard(tmp_path, max_calls=max_calls)
    board._state = None
    board._loaded = SimpleNamespace(llama=SimpleNamespace(max_sequences=sequences))
    for active in range(room):
        board._held = set(range(active))
        assert board.admit()
    board._held = set(range(room))
    assert not board.admit()


def test_phrases_are_made_while_everybody_listens_and_again_where_one_was_dropped(tmp_path: Path) -> None:
    board: Any = switchboard(tmp_path)
    talks, listens = SimpleNamespace(unheard_s=0.0), SimpleNamespace(unheard_s=2.0)
    board._held = [listens, talks]
    made: list[str] = []

    class Speaker:
        async def prepare(self, text: str, *_: Any) -> None:
            made.append(text)
            if len(made) == 1:
                raise JobDroppedError("somebody needed the cores")

    async def prepare() -> None:
        preparing = asyncio.create_task(board._prepare_sayings(Speaker(), ["We are open.", "We are closed."], 1.0))
        for _ in range(10):
            await asyncio.sleep(0)
        assert made == [], "one of the two talks"
        talks.unheard_s = 1.0
        async with asyncio.timeout(5):
            await preparing

    asyncio.run(prepare())
    assert made == ["We are open.", "We are open.", "We are closed."]


def test_counts_become_metrics() -> None:
    metrics = Metrics()
    usage = Usage()
    observer = Observer(metrics, "CA1", usage, Tracing(TracingSettings(), metrics, None))
    usage.add(PastJob("asr", ("CA1", 1), Priority.BET, 2, 0, 0, 500_000_000))
    for name in ("bet_won", "bet_lost", "commit_undone", "something_else"):
        observer.counted(name)
    observer.silenced(180.0)
    observer.counted("barge_in_resumed")
    observer.counted("barge_in_cancelled")  # of a sound that came when the bot was silent already: counted, and no time observed
    text = metrics.exposition().decode()
    assert 'firstword_bets_total{outcome="won"} 1.0' in text
    assert 'firstword_bets_total{outcome="lost"} 2.0' in text
    assert 'firstword_barge_ins_total{outcome="resumed"} 1.0' in text
    assert 'firstword_barge_ins_total{outcome="cancelled"} 1.0' in text
    assert "firstword_barge_in_latency_ms_sum 180.0" in text
    assert "firstword_barge_in_latency_ms_count 1.0" in text
    assert usage.bets.core_s == {"won": 1.0, "lost": 0.0}


def test_a_missing_model_is_told_before_the_port_opens(tmp_path: Path) -> None:
    (tmp_path / "bot.toml").write_text(BOT)
    settings = load_settings(models_dir=tmp_path, bot=tmp_path / "bot.toml", port=0)
    with pytest.raises(Exception, match="firstword models pull"):
        asyncio.run(serve(settings))
