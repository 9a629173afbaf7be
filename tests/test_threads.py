"""Nothing spins beside the engines."""

from __future__ import annotations

import subprocess
import sys

import pytest

MULTIPLIES = """
import os
import {first}
import numpy as np
for _ in range(3):
    np.ones((600, 600)) @ np.ones((600, 600))
print(len(os.listdir("/proc/self/task")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
@pytest.mark.parametrize("first", ["telephony.cli", "telephony.bench.figures", "pipeline.audio", "pipeline.retrieval"])
def test_a_product_of_matrices_has_no_thread_of_its_own(first: str) -> None:
    """OpenBLAS's would spin at the event loop's priority after each product, for as long as a reading takes."""
    ran = subprocess.run(
        [sys.executable, "-c", MULTIPLIES.format(first=first)], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout.strip() == "1"
