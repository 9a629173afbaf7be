"""The product's own server for the time of a replay: started on a free port, waited for, stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

READY_WITHIN_S = 180.0
_STOP_WITHIN_S = 10.0
_LAST_LINES = 25


class ServerNotReadyError(RuntimeError):
    """The server ended or was not ready in time; the text carries the last lines of its log."""


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def own_server(
    bot: Path | None = None, profile: str | None = None, log: Path | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Run `firstword serve` and yield its http address once `/readyz` says yes; stop it at the end.

    `log` keeps what it writes (default: a temporary file). `settings`: variables over those of the environment. Raises `ServerNotReadyError`.
    """
    port = free_port()
    command = [sys.executable, "-m", "telephony.cli", "serve", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--bot", str(bot)] if bot is not None else []
    command += ["--profile", profile] if profile is not None else []
    with log.open("w+b") if log is not None else tempfile.TemporaryFile() as written:
        environment = {**_environment(), **(settings or {})}
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=written, stderr=subprocess.STDOUT, env=environment)  # noqa: S603
        try:
            url = f"http://127.0.0.1:{port}"
            wait_ready(url, process, written)
            yield url
        finally:
            _stop(process)


def wait_ready(url: str, process: subprocess.Popen[bytes], written: IO[bytes], *, within_s: float = READY_WITHIN_S) -> None:
    """Poll `/readyz` until it answers 200. Raises `ServerNotReadyError`."""
    give_up = time.monotonic() + within_s
    while time.monotonic() < give_up:
        if process.poll() is not None:
            raise ServerNotReadyError(f"{_ended(process.returncode)}:\n{_last_lines(written)}")
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:  # noqa: S310  (loopback http)
                if answer.status == 200:
                    return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            pass
        time.sleep(0.1)
    raise ServerNotReadyError(f"the server was not ready within {within_s:g} s:\n{_last_lines(written)}")


def _ended(status: int) -> str:
    """How the server ended, in words."""
    if status == -signal.SIGILL:
        return (
            "the server ended at an instruction that this CPU does not have: llama.cpp was compiled on another machine or by an old "
            "compiler; compile it here with `pip cache remove llama_cpp_python` and `make clean call`"
        )
    return f"the server ended with status {status}"


def _environment() -> dict[str, str]:
    """The caller's own, without what would send the webhook or the stream elsewhere than to loopback."""
    return {
        name: value for name, value in os.environ.items() if name not in {"FIRSTWORD_PUBLIC_URL", "FIRSTWORD_TWILIO_AUTH_TOKEN"}
    }


def _last_lines(written: IO[bytes]) -> str:
    written.seek(0)
    return "\n".join(written.read().decode(errors="replace").splitlines()[-_LAST_LINES:])


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(_STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
