"""py-spy, attached to a running process: where its Python threads are, 100 times a second."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .profile import Event, ProfileError

RATE_HZ = 100
_ATTACH_S = 10.0
_WRITE_S = 30.0
_MISSING = "py-spy is not installed: pip install 'firstword[dev]', or pip install py-spy"
_FORBIDDEN = (
    "py-spy may not look into process {pid}: {reason}\nRun it as root, allow it with sysctl kernel.yama.ptrace_scope=0, "
    "or give the container --cap-add SYS_PTRACE"
)


@dataclass(slots=True)
class Spied:
    """What was seen, as begin and end events in the order of time; filled when the watching ends."""

    events: list[Event] = field(default_factory=list)

    def thread(self, name: str) -> int | None:
        """The id of the thread whose name ends like this (`MainThread`), or None if it was never seen."""
        return next((e["tid"] for e in self.events if e["ph"] == "B" and str(e["name"]).endswith(f": {name}")), None)


@contextmanager
def spying(pid: int) -> Iterator[Spied]:
    """Watch process `pid` for as long as the block runs, idle threads too. Raises `ProfileError`."""
    spied = Spied()
    with tempfile.TemporaryDirectory() as folder:
        written, said = Path(folder) / "spy.json", Path(folder) / "said"
        command = [_program(), "record", "--pid", str(pid), "--format", "chrometrace", "--output", str(written)]
        command += ["--rate", str(RATE_HZ), "--threads", "--idle", "--function", "--full-filenames"]
        with said.open("wb") as output:
            spy = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)  # noqa: S603
        try:
            _wait_attached(spy, said, pid)
            yield spied
            spy.send_signal(signal.SIGINT)
            spy.wait(_WRITE_S)
        except subprocess.TimeoutExpired as error:
            raise ProfileError(f"py-spy did not end:\n{said.read_text()}") from error
        finally:
            if spy.poll() is None:
                spy.kill()
                spy.wait()
        if not written.exists():
            raise ProfileError(f"py-spy saw nothing:\n{said.read_text()}")
        spied.events = json.loads(written.read_text())


def _program() -> str:
    beside = Path(sysconfig.get_path("scripts")) / "py-spy"
    found = str(beside) if beside.exists() else shutil.which("py-spy")
    if found is None:
        raise ProfileError(_MISSING)
    return found


def _wait_attached(spy: subprocess.Popen[bytes], said: Path, pid: int) -> None:
    """Until it says that it samples."""
    give_up = time.monotonic() + _ATTACH_S
    while b"Sampling process" not in said.read_bytes():
        if spy.poll() is not None:
            reason = " ".join(said.read_text().split())
            raise ProfileError(_FORBIDDEN.format(pid=pid, reason=reason))
        if time.monotonic() > give_up:
            raise ProfileError(f"py-spy did not attach to process {pid} within {_ATTACH_S:g} s")
        time.sleep(0.02)
