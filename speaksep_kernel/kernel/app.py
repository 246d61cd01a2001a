"""The kernel's application: ipykernel with SpeakSep in it, whether started plainly or forked."""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Sequence
from typing import Any

from ipykernel.kernelapp import IPKernelApp
from traitlets import Integer

from speaksep_kernel.kernel import holding
from speaksep_kernel.kernel.diary import log_cells, log_of_job
from speaksep_kernel.kernel.threads import set_threads

MAGICS = "speaksep_kernel.kernel.magics"


class SpeakSepKernelApp(IPKernelApp):
    """ipykernel with the magics of SpeakSep; it ends with the process that asked for it."""

    watched_pid = Integer(0, help="The process with which the kernel ends; 0: ipykernel's own way.")
    of_job = False

    def init_poller(self) -> None:
        """Wait for the end of whoever asked for the kernel: the parent of a forked kernel is the fork server."""
        if self.watched_pid:
            self.parent_handle = self.watched_pid  # otherwise instructions for a terminal are printed
            self.poller = _Watch(self)
        else:
            super().init_poller()

    def init_extensions(self) -> None:
        """The user's extensions, then ours; from here on the kernel looks after its slot of a GPU."""
        super().init_extensions()
        shell: Any = self.shell
        shell.extension_manager.load_extension(MAGICS)
        holding.attend(shell)
        if self.of_job:
            log_cells(shell)


class _Watch(threading.Thread):
    """Ends the kernel and what it started, as soon as a process is gone."""

    def __init__(self, app: SpeakSepKernelApp) -> None:
        super().__init__(name="watch", daemon=True)
        self._app = app

    def run(self) -> None:
        try:
            watched = os.pidfd_open(self._app.watched_pid)
            select.select([watched], [], [])
        except ProcessLookupError:
            pass  # gone already
        self._app.cleanup_connection_file()  # its owner cannot any more
        os.killpg(0, signal.SIGKILL) if os.getpgrp() == os.getpid() else os._exit(1)


def run(arguments: Sequence[str], *, watched_pid: int = 0) -> int:
    """Run a kernel until it is shut down.

    Parameters
    ----------
    arguments
        Of ipykernel, such as ``-f FILE``.
    watched_pid
        The process with which it ends.

    Returns
    -------
    The exit code.
    """
    set_threads(os.environ)
    app = SpeakSepKernelApp.instance(watched_pid=watched_pid)
    app.of_job = log_of_job()  # before the standard error goes into the notebook
    app.initialize(list(arguments))
    app.start()
    return 0
