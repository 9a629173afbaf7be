"""Where numbers come from: the machine, its packages, and how much of its time it had."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

PACKAGES = ("ctranslate2", "llama-cpp-python", "onnxruntime", "piper-tts")


def environment() -> dict[str, str]:
    """The machine, the versions and the commit of now."""
    lines = (line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines())
    told = {name.strip(): value.strip() for name, _, value in lines}
    cpu, flags = told.get("model name", platform.processor()), told.get("flags", "")
    vector = next((name for name in ("avx512_vnni", "avx512f", "avx2", "asimd") if name in flags), "")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)  # noqa: S607
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit.stdout.strip() or "unknown",
        "machine": f"{len(os.sched_getaffinity(0))} cores of {cpu} ({vector})",
        "processor": f"family {told.get('cpu family', '?')} model {told.get('model', '?')}",
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def cpu_times() -> dict[str, float]:
    """Seconds since the machine began, by what all its cores did with them."""
    told: dict[str, float] = psutil.cpu_times()._asdict()
    return told


def stolen(before: Mapping[str, float], after: Mapping[str, float]) -> str:
    """The share of the CPU time asked for between two `cpu_times` that the host gave to others, in percent."""
    spent = {name: after[name] - before[name] for name in ("user", "nice", "system") if name in after}
    taken = after.get("steal", 0.0) - before.get("steal", 0.0)
    return f"{100 * taken / max(1e-9, taken + sum(spent.values())):.0f} %"
