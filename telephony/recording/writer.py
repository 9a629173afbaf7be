"""The thread that writes recordings: all calls' batches through one bounded queue, so that a slow disk never holds up a call."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import assert_never

import structlog

from pipeline.recorder import Batch, CallRecorder
from pipeline.scheduler import WORKER_NICE
from telephony.recording.files import Ending, Head, RecordingFiles
from telephony.recording.reader import mark_cut

log = structlog.get_logger(__name__)

ROOM = 256
"""Batches that wait for the disk: 6 s of eight calls, about 5 MB."""


@dataclass(slots=True)
class _Slot:
    """A recording as the thread sees it: `files` is None before it is open, and after the disk has refused."""

    head: Head
    files: RecordingFiles | None = None


@dataclass(frozen=True, slots=True)
class _Begin:
    slot: _Slot


@dataclass(frozen=True, slots=True)
class _Write:
    slot: _Slot
    batch: Batch


@dataclass(frozen=True, slots=True)
class _End:
    slot: _Slot
    batch: Batch
    ending: Ending


_Job = _Begin | _Write | _End | None


@dataclass(slots=True)
class Recording:
    """One call's recording, on the event loop's side."""

    recorder: CallRecorder = field(init=False)
    _slot: _Slot
    _queue: SimpleQueue[_Job]
    _room: threading.Semaphore

    def offer(self, batch: Batch) -> bool:
        """See `pipeline.recorder.Inbox`."""
        if not self._room.acquire(blocking=False):
            return False
        self._queue.put(_Write(self._slot, batch))
        return True

    def end(self, ending: Ending, now: int) -> None:
        """The call is over. Its last batch needs no room: there is one a call."""
        self._queue.put(_End(self._slot, self.recorder.last(now), ending))


class RecordingWriter:
    """`start`, then `begin` for each call, and `close` when the process goes down: what was handed over by then is written."""

    def __init__(
        self, folder: Path, *, room: int = ROOM, open_files: Callable[[Path, Head], RecordingFiles] = RecordingFiles
    ) -> None:
        self._folder = folder
        self._open_files = open_files
        self._queue: SimpleQueue[_Job] = SimpleQueue()
        self._room = threading.BoundedSemaphore(room)
        self._thread = threading.Thread(target=self._work, name="recordings", daemon=True)

    def start(self) -> None:
        """Raises OSError when there is no such folder to be had."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._thread.start()

    def begin(self, head: Head, now: int) -> Recording:
        """A call begins at `now` (monotonic ns)."""
        slot = _Slot(head)
        recording = Recording(slot, self._queue, self._room)
        recording.recorder = CallRecorder(recording, head.rate_hz, now)
        self._queue.put(_Begin(slot))
        return recording

    def close(self) -> None:
        """Waits for the disk: not on the event loop."""
        self._queue.put(None)
        self._thread.join()

    # the thread

    def _work(self) -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), WORKER_NICE)
        for folder in mark_cut(self._folder):
            log.warning("recording_was_cut", folder=str(folder))
        while (job := self._queue.get()) is not None:
            try:
                self._do(job)
            except Exception:  # a full disk, as a rule: this recording ends here, as one that was cut; the call does not
                log.exception("recording_failed", call=job.slot.head.call_sid)
                if job.slot.files is not None:
                    job.slot.files.abandon()
                    job.slot.files = None
            finally:
                if isinstance(job, _Write):
                    self._room.release()

    def _do(self, job: _Begin | _Write | _End) -> None:
        match job:
            case _Begin(slot):
                slot.files = self._open_files(self._folder, slot.head)
            case _Write(slot, batch):
                if slot.files is not None:
                    slot.files.write(batch)
            case _End(slot, batch, ending):
                if slot.files is not None:
                    slot.files.write(batch)
                    slot.files.close(ending)
                    if slot.files.lost:
                        log.warning("recording_incomplete", call=slot.head.call_sid, **slot.files.lost)
                    slot.files = None
            case _:
                assert_never(job)
