"""The original hub of the models, asked first where it can be reached. One quick probe a process decides that."""

from __future__ import annotations

import errno
import os
import socket
import threading
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

PROBE_TIMEOUT_S = 3.0
OFFLINE = "FIRSTWORD_OFFLINE_HUB"


@cache
def hub_reachable() -> bool:
    """Whether the hub answers a TCP connection within 3 s. `FIRSTWORD_OFFLINE_HUB=1` (or the hub's own offline switch) says no.

    In a thread of its own: looking up a name has no timeout, and where there is no network it can hang for half a minute.
    """
    if os.environ.get(OFFLINE, "") not in ("", "0"):
        return False
    try:
        from huggingface_hub import constants  # comes with faster-whisper; slow to import
    except ImportError:
        return False
    if constants.HF_HUB_OFFLINE:
        return False
    endpoint = urlsplit(constants.ENDPOINT)
    answered = threading.Event()

    def knock() -> None:
        port = endpoint.port or (80 if endpoint.scheme == "http" else 443)
        try:
            socket.create_connection((endpoint.hostname or "", port), timeout=PROBE_TIMEOUT_S).close()
        except OSError:
            return
        answered.set()

    thread = threading.Thread(target=knock, name="hub-probe", daemon=True)
    thread.start()
    thread.join(PROBE_TIMEOUT_S)
    return answered.is_set()


class HubRefusedError(Exception):
    """The hub did not give a file; the text says why. Never the end of a pull: the carriers are the second way."""


def download(repo: str, path: str, folder: Path) -> Path:
    """One file of a hub repository, put under `folder`, where a broken download goes on.

    Raises HubRefusedError whatever the hub or its client objects to, OSError only for a full disk.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    try:
        return Path(hf_hub_download(repo, path, local_dir=folder, etag_timeout=PROBE_TIMEOUT_S))
    except Exception as error:  # its transport, and with it the errors, changed from requests to httpx between versions
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        raise HubRefusedError(f"{type(error).__name__}: {error}") from error
