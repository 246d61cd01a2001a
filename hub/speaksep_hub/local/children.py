"""Processes that do not outlive whoever started them (Linux)."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress

import psutil

_SET_PDEATHSIG = 1
_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)  # loaded here: between fork and exec nothing may be loaded


def adopt_orphans() -> None:
    """Become the parent of all descendants whose own parents end, so that none of them can be lost."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def end_with(parent: int) -> None:
    """Have this process told to end (SIGTERM) when its parent ends, however that ends.

    Parameters
    ----------
    parent
        The parent's process: if it is gone already, this process ends at once.
    """
    _prctl(_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)


def reaped() -> Iterator[tuple[int, int]]:
    """Children that have ended, own ones and adopted ones: process and exit code (negative: the signal)."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, os.waitstatus_to_exitcode(status)


def end_descendants(patience_s: float) -> int:
    """End every process below this one: asked (SIGTERM) once, killed when the patience is over.

    Returns
    -------
    How many had to be killed.
    """
    deadline = time.monotonic() + patience_s
    asked: set[psutil.Process] = set()
    killed: set[psutil.Process] = set()
    while left := psutil.Process().children(recursive=True):
        late = time.monotonic() > deadline
        for process in left:
            with suppress(psutil.NoSuchProcess):
                if late:
                    process.kill()
                    killed.add(process)
                elif process not in asked:
                    process.terminate()
                    asked.add(process)
        time.sleep(0.03)
        for _ in reaped():
            pass
    return len(killed)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl({option}): {os.strerror(ctypes.get_errno())}")
