"""Requantising a GGUF on this machine: Q4_0 decodes about 1.4 times as fast as Q4_K_M on a CPU that llama.cpp repacks it for.

Measured on 2 cores with Qwen 0.5B: prefill 285 against 153 tokens/s, decode 53 against 37, and no fewer right answers.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

from config.errors import ModelError

GGUF_MAGIC = b"GGUF"


def is_gguf(path: Path) -> bool:
    """Whether the file starts as a GGUF does (version 2 or 3) and holds tensors: a cheap look, no checksum.

    Layout: magic, uint32 version, uint64 tensor count, uint64 key count, little-endian (ggml docs/gguf.md).
    """
    with path.open("rb") as file:
        head = file.read(24)
    return (
        len(head) == 24
        and head[:4] == GGUF_MAGIC
        and int.from_bytes(head[4:8], "little") in (2, 3)
        and int.from_bytes(head[8:16], "little") > 0
    )


def requantise(source: Path, target: Path, file_type: str, threads: int) -> None:
    """Write `source` anew as `target` in another file type (`Q4_0`). Takes about as long as reading and writing the file.

    Raises ModelError when llama.cpp can't; what it wrote until then is removed.
    """
    try:
        import llama_cpp  # heavy, and needed only when something is derived
    except (ImportError, OSError, RuntimeError) as error:
        raise ModelError(f"llama-cpp-python can't be loaded: {error}", "install it again: pip install llama-cpp-python") from error

    @llama_cpp.llama_log_callback  # type: ignore[untyped-decorator, unused-ignore]
    def say_nothing(_level: int, _text: bytes, _data: ctypes.c_void_p) -> None:
        """llama.cpp prints a line for each tensor."""

    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{file_type}")
    params.allow_requantize = True
    params.nthread = threads
    before, before_data = llama_cpp.llama_log_callback(), ctypes.c_void_p()
    llama_cpp.llama_log_get(ctypes.byref(before), ctypes.byref(before_data))
    llama_cpp.llama_log_set(say_nothing, ctypes.c_void_p(0))
    try:
        failed = llama_cpp.llama_model_quantize(bytes(source), bytes(target), ctypes.byref(params))
    finally:
        llama_cpp.llama_log_set(before, before_data)
    if failed or not target.is_file() or not is_gguf(target):
        target.unlink(missing_ok=True)
        raise ModelError(
            f"{source.name} could not be requantised to {file_type} (llama.cpp: {failed})",
            f"check that the disk of {target.parent} has room for another {source.stat().st_size >> 20} MB, then pull again",
        )
