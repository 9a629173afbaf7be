"""Profilers that come from elsewhere: PyTorch's for an engine on torch, Nsight Systems for anything on a GPU. What is missing is said."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .profile import Profile, ProfileError, Row, Table

NSYS_MISSING = (
    "nsys is not installed. It is NVIDIA Nsight Systems, in NVIDIA's package repository as nsight-systems-cli; "
    "put its nsys on the PATH and run this again on the machine with the GPU"
)
TORCH_MISSING = (
    "torch is not installed: pip install torch. It is only of use for an engine that runs on torch; none of the engines here does"
)


def profile_nsys(stage: str, out: Path, more: list[str]) -> Path:
    """The stage under `nsys profile`; returns the report, which Nsight Systems opens. `more`: options of `firstword profile`.

    Raises `ProfileError`.
    """
    program = shutil.which("nsys")
    if program is None:
        raise ProfileError(NSYS_MISSING)
    report = out / f"{stage}.nsys-rep"
    inner = [sys.executable, "-m", "telephony.cli", "profile", "--stage", stage, "--out", str(out), *more]
    # osrt: where threads wait; nvtx: ranges that engines mark themselves.
    outer = [program, "profile", "--trace", "cuda,nvtx,osrt", "--force-overwrite", "true", "--output", str(report.with_suffix(""))]
    status = subprocess.run([*outer, *inner], check=False).returncode  # noqa: S603
    if status != 0:
        raise ProfileError(f"nsys ended with status {status}")
    return report


def profile_torch(stage: str, work: Callable[[], Profile], trace: Path) -> Profile:
    """Do `work` under torch's profiler, which writes `trace`. Raises `ProfileError`, also when no operator of torch ran."""
    if importlib.util.find_spec("torch") is None:
        raise ProfileError(TORCH_MISSING)
    torch: Any = importlib.import_module("torch")
    activities = [torch.profiler.ProfilerActivity.CPU]
    if torch.cuda.is_available():
        activities.append(torch.profiler.ProfilerActivity.CUDA)
    with torch.profiler.profile(activities=activities) as profiler:
        found = work()
    averages = [row for row in profiler.key_averages() if row.self_cpu_time_total or getattr(row, "self_device_time_total", 0)]
    if not averages:
        raise ProfileError(f"stage {stage}: no operator of torch ran, because its engine does not run on torch")
    profiler.export_chrome_trace(str(trace))
    rows = tuple(
        Row(row.key, row.count, (row.self_cpu_time_total + getattr(row, "self_device_time_total", 0)) / 1000) for row in averages
    )
    found.tables = [Table("operators of torch", rows, sum(row.ms for row in rows))]
    return found
