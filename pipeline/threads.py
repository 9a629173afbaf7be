"""Native thread pools that hardly spin while they wait, and an interpreter lock that is given up quickly.

Imported by both packages before anything else: OpenMP and OpenBLAS read their environment once, when ctranslate2, llama_cpp or numpy is loaded. OpenBLAS with a
second thread let it spin for 70 to 100 ms after each product of two matrices, at the event loop's own priority: on two cores a reading of 4 rows took 115 ms, and 38 without it.
"""

from __future__ import annotations

import os
import sys
from typing import Any

# A pool that spins on after each run (libgomp: for seconds, Intel's: 200 ms) steals the core that the next stage needs. One that does not
# spin at all sleeps at every barrier inside a run, and there are hundreds: a llama.cpp step of one row took 19 ms, with some microseconds of
# spinning 15 ms, Whisper 169 and 155 ms. ACTIVE, because otherwise libgomp spins for a tenth of that as soon as the pools of all engines
# together have more threads than there are cores (libgomp/config/linux/wait.h).
_ENVIRONMENT = {
    "OMP_WAIT_POLICY": "ACTIVE",
    "GOMP_SPINCOUNT": "2000",
    "KMP_BLOCKTIME": "0",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}

for _name, _value in _ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)

# The event loop waits at most this long for the interpreter lock when a worker thread runs Python (default: 5 ms).
sys.setswitchinterval(0.001)


def onnx_session(model: str, *, threads: int, device: str = "cpu") -> Any:
    """An onnxruntime session whose `threads` sleep between runs. `device`: `cpu`, `cuda`, or `auto` (CUDA where there is one)."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    available = onnxruntime.get_available_providers()
    providers = ["CPUExecutionProvider"]
    if device == "cuda" or (device == "auto" and "CUDAExecutionProvider" in available):
        providers.insert(0, "CUDAExecutionProvider")
    return onnxruntime.InferenceSession(model, sess_options=options, providers=providers)
