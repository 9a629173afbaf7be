"""What every test is held to: no thread and no task is left behind, and where CI is set nothing is skipped."""

from __future__ import annotations

import asyncio
import asyncio.runners
import os
import threading
from collections.abc import Iterator

import pytest

GRACE_S = 2.0
"""A thread that was told to end may need a moment."""
DAEMONS = frozenset({"hub-probe", "tqdm_monitor"})
"""Threads that live on by design: a name look-up that cannot be stopped, the clock of a library's progress bar."""

_left: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_left_behind(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails a test that leaves a thread running, or a task for `asyncio.run` to cancel."""
    before = set(threading.enumerate())
    _left.clear()
    cancel_all = asyncio.runners._cancel_all_tasks  # asyncio.run does this without a word

    def note_and_cancel(loop: asyncio.AbstractEventLoop) -> None:
        _left.extend(task.get_name() for task in asyncio.all_tasks(loop))
        cancel_all(loop)

    monkeypatch.setattr(asyncio.runners, "_cancel_all_tasks", note_and_cancel)
    yield
    threads = [t for t in threading.enumerate() if t not in before and t.name not in DAEMONS]
    for thread in threads:
        thread.join(GRACE_S)
    alive = [t.name for t in threads if t.is_alive()]
    assert not alive, f"threads left running: {alive}"
    assert not _left, f"tasks left running: {_left}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """A skipped test fails where CI is set: nobody reads a list of skipped tests there."""
    report = yield
    return _no_skip(report)  # type: ignore[return-value]


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """The same for a whole file that skips itself."""
    report = yield
    return _no_skip(report)  # type: ignore[return-value]


def _no_skip(report: pytest.TestReport | pytest.CollectReport) -> pytest.TestReport | pytest.CollectReport:
    if os.environ.get("CI") and report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"skipped, which counts as failed in CI: {why}"
    return report
