"""What the kernel of a job logs: that it is there, on which device, and how its cells went."""

from __future__ import annotations

import logging
import os
import time
from typing import Any

from speaksep_kernel.logs.begin import PART, log_from
from speaksep_kernel.logs.carried import VARIABLE, taken_over

log = logging.getLogger(__name__)


def log_of_job() -> bool:
    """Begin to log if whoever started this kernel logs the job; whether it does.

    Kernels of people log nothing: what they do there is their own business.
    """
    part = taken_over()
    for name in (VARIABLE, PART):
        os.environ.pop(name, None)  # what the notebook starts is not a part of the platform
    if part is None:
        return False
    log_from(part)
    return True


def log_cells(shell: Any) -> None:
    """Log from now on how cells end: their number, how long they took, what kind of error; never what is in them."""
    told = {"device": os.environ.get("SPEAKSEP_DEVICE_REASON"), "forked": bool(os.environ.get("SPEAKSEP_FORKED"))}
    log.info("kernel begins", extra=told)
    cells = _Cells()
    shell.events.register("pre_run_cell", cells.begin)
    shell.events.register("post_run_cell", cells.end)


class _Cells:
    def __init__(self) -> None:
        self._number, self._since_s = 0, 0.0

    def begin(self, info: Any) -> None:
        self._since_s = time.monotonic()

    def end(self, result: Any) -> None:
        self._number += 1
        error = result.error_in_exec or result.error_before_exec
        told = {"cell": self._number, "seconds": round(time.monotonic() - self._since_s, 3)}
        if error is None:
            log.info("cell done", extra=told)
        else:
            kind = {"kind": type(error).__name__, "reason": getattr(error, "reason", None)}
            log.warning("cell failed", extra=told | kind)
