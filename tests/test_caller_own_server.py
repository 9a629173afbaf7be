"""The server of a replay: waited for, and blamed with its own words when it does not come up."""

import http.server
import signal
import subprocess
import sys
import tempfile
import threading

import pytest

from telephony.caller.own_server import ServerNotReadyError, free_port, wait_ready


def test_a_server_that_ends_is_reported_with_its_last_lines() -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('model file damaged: run firstword models pull')"]
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, stdout=log, stderr=log) as process,
        pytest.raises(ServerNotReadyError, match="status 1:\nmodel file damaged"),
    ):
        wait_ready(f"http://127.0.0.1:{free_port()}", process, log)


def test_a_server_that_meets_an_unknown_instruction_says_how_to_compile_for_this_cpu() -> None:
    command = [sys.executable, "-c", f"import os; os.kill(os.getpid(), {int(signal.SIGILL)})"]
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, stdout=log, stderr=log) as process,
        pytest.raises(ServerNotReadyError, match="pip cache remove llama_cpp_python"),
    ):
        wait_ready(f"http://127.0.0.1:{free_port()}", process, log)


def test_it_waits_until_readyz_says_yes() -> None:
    answers = [503, 503, 200]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/readyz"
            self.send_response(answers.pop(0))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server, tempfile.TemporaryFile() as log:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=log, stderr=log) as process:
            wait_ready(f"http://127.0.0.1:{server.server_address[1]}", process, log)
            process.kill()
        server.shutdown()
        thread.join()
    assert answers == []


def test_it_does_not_wait_for_ever() -> None:
    command = [sys.executable, "-c", "input()"]
    with tempfile.TemporaryFile() as log, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log) as process:
        with pytest.raises(ServerNotReadyError, match=r"not ready within 0\.3 s"):
            wait_ready(f"http://127.0.0.1:{free_port()}", process, log, within_s=0.3)
        process.kill()
