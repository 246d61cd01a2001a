"""From a process just forked to a kernel: everything that a process of its own would have of its own."""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from fcntl import F_DUPFD_CLOEXEC, fcntl

from speaksep_kernel.kernel.forkserver import wire
from speaksep_kernel.kernel.forkserver.server import Forked

FORKED = "SPEAKSEP_FORKED"
"""Set in kernels that were forked, for those who ask how they were started."""


def become_kernel(forked: Forked) -> int:
    """Run the kernel that was asked for, in this process.

    Returns
    -------
    The exit code.
    """
    request = forked.request
    os.setsid()
    if not _wanted(forked):
        return 0
    _place_files(forked.fds, request.fds)
    os.environ.clear()
    os.environ.update(request.env, **{FORKED: "1"})
    time.tzset()
    tempfile.tempdir = None  # asked of the environment again
    _reseed()
    from speaksep_kernel.kernel.app import run

    return run(request.arguments, watched_pid=request.watched_pid)


def _wanted(forked: Forked) -> bool:
    """Say who is here, and wait for the word: who asked may have given up and started a plain kernel meanwhile."""
    me = os.pidfd_open(os.getpid())
    try:
        os.chdir(forked.request.cwd)
        wire.send(forked.connection, {"pid": os.getpid()}, (me,))
        message, _ = wire.receive(forked.connection)
        return message.get("go") is True
    except (OSError, EOFError, ValueError):
        return False
    finally:
        os.close(me)
        forked.connection.close()  # closed at the other end it says that the server is gone: only that one keeps it


def _place_files(fds: tuple[int, ...], numbers: tuple[int, ...]) -> None:
    """Give the files received the numbers they are to have."""
    above = max(numbers, default=0) + 1
    aside = [fcntl(fd, F_DUPFD_CLOEXEC, above) for fd in fds]
    for fd in fds:
        os.close(fd)
    for fd, number in zip(aside, numbers, strict=True):
        os.dup2(fd, number, inheritable=True)
        os.close(fd)


def _reseed() -> None:
    """No two kernels draw the same numbers, as no two processes do."""
    import numpy

    random.seed()
    numpy.random.seed()  # noqa: NPY002 - the generator that all of numpy's functions share
    if torch := sys.modules.get("torch"):
        torch.default_generator.seed()  # those of GPUs come to be with CUDA, here
