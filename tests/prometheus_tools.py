"""Debian's package `prometheus` for tests: its tools, a server that scrapes a gateway by the shipped configuration, and what is asked of it."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from telephony.caller.own_server import free_port

ROOT = Path(__file__).resolve().parents[1]
DOCKER = ROOT / "docker"
UP_WITHIN_S = 30.0


def tool(name: str) -> str:
    """`prometheus` or `promtool`. Never skipped: what they judge is part of the product."""
    path = shutil.which(name)
    assert path, f"{name} is missing: make system, or as root: apt-get install -y prometheus"
    return path


def run(*command: str) -> tuple[int, str]:
    """Exit status and all that was written."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout + done.stderr


def rules() -> list[dict[str, Any]]:
    """All of docker/alerts.yml."""
    return [rule for group in yaml.safe_load((DOCKER / "alerts.yml").read_text("utf-8"))["groups"] for rule in group["rules"]]


def expressions() -> list[str]:
    """Every PromQL expression of the rules and the dashboard."""
    dashboard = json.loads((DOCKER / "grafana" / "firstword.json").read_text("utf-8"))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    return [rule["expr"] for rule in rules()] + queries + [v["query"]["query"] for v in dashboard["templating"]["list"]]


def metrics_used() -> set[str]:
    """The names of metrics in them."""
    return {name for text in expressions() for name in re.findall(r"\b(?:firstword|process)_\w+", text)}


def configuration(folder: Path, target: str) -> Path:
    """docker/prometheus.yml as it is, but for where the gateway, the rules and the token are, and with a scrape a second."""
    config = yaml.safe_load((DOCKER / "prometheus.yml").read_text("utf-8"))
    token = folder / "admin_token"
    token.write_text("none is needed from loopback")
    (job,) = config["scrape_configs"]
    job["authorization"]["credentials_file"] = str(token)
    job["static_configs"] = [{"targets": [target]}]
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(DOCKER / "alerts.yml")]
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(config))
    return path


@dataclass(frozen=True)
class Prometheus:
    """A running server."""

    url: str

    def get(self, path: str, **parameters: str) -> Any:
        """`data` of an answer of its HTTP API."""
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=10, trust_env=False)
        answer.raise_for_status()
        return answer.json()["data"]

    def names(self) -> set[str]:
        """Of all metrics that it has scraped."""
        return set(self.get("label/__name__/values"))

    def value(self, query: str) -> float | None:
        """Of the one series that the query finds."""
        found = self.get("query", query=query)["result"]
        assert len(found) <= 1, found
        return float(found[0]["value"][1]) if found else None


@contextlib.contextmanager
def scraping(target: str, folder: Path) -> Iterator[Prometheus]:
    """Prometheus on a free port of loopback, with its data in `folder`, until the block ends."""
    port = free_port()
    command = [
        tool("prometheus"),
        f"--config.file={configuration(folder, target)}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "prometheus.log").open("wb") as written:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=written, stderr=subprocess.STDOUT)
        try:
            _wait_ready(f"http://127.0.0.1:{port}/-/ready", folder / "prometheus.log")
            yield Prometheus(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
            process.wait(20)


def _wait_ready(url: str, log: Path) -> None:
    give_up = time.monotonic() + UP_WITHIN_S
    while time.monotonic() < give_up:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, timeout=2, trust_env=False).status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"Prometheus is not ready:\n{log.read_text()[-2000:]}")
