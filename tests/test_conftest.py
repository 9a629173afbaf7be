"""The rules of conftest.py, tried on tests that break them."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = Path(__file__).with_name("conftest.py")


def outcomes(pytester: pytest.Pytester, source: str) -> tuple[dict[str, int], str]:
    pytester.makeconftest(CONFTEST.read_text("utf-8"))
    pytester.makepyfile(source)
    # in a process of its own: the rules of this one see what happens here
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    return result.parseoutcomes(), result.stdout.str()


def test_a_thread_left_running_fails_the_test(pytester: pytest.Pytester) -> None:
    source = """
        import threading

        stop = threading.Event()

        def test_leaves_a_thread():
            threading.Thread(target=stop.wait, args=(20,), name="forgotten").start()

        def test_after():
            stop.set()
    """
    found, said = outcomes(pytester, source)
    assert found == {"passed": 2, "errors": 1}
    assert "threads left running: ['forgotten']" in said


def test_a_task_left_running_fails_the_test(pytester: pytest.Pytester) -> None:
    source = """
        import asyncio

        async def forget():
            asyncio.get_running_loop().create_task(asyncio.Event().wait(), name="forgotten")

        def test_leaves_a_task():
            asyncio.run(forget())

        def test_leaves_none():
            asyncio.run(asyncio.sleep(0))
    """
    found, said = outcomes(pytester, source)
    assert found == {"passed": 2, "errors": 1}
    assert "tasks left running: ['forgotten']" in said


@pytest.mark.parametrize(("ci", "expected"), [("", {"skipped": 1, "passed": 1}), ("true", {"failed": 1, "passed": 1})])
def test_a_skipped_test_fails_in_ci(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, ci: str, expected: dict[str, int]
) -> None:
    monkeypatch.setenv("CI", ci)
    source = """
        import pytest

        def test_skips():
            pytest.skip("no sounds here")

        def test_passes():
            pass
    """
    found, said = outcomes(pytester, source)
    assert found == expected
    assert bool(ci) == ("counts as failed in CI: Skipped: no sounds here" in said)


def test_a_skipped_file_fails_in_ci(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    found, _ = outcomes(pytester, "import pytest\npytest.importorskip('there_is_no_such_module')\n")
    assert found == {"errors": 1}
