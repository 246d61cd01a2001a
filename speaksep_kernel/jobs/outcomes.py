"""What a fault means: in words, and whether another attempt may go better."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from typing import Any

from speaksep_kernel.errors import SpeakSepError, StoreError
from speaksep_kernel.jobs.ticket import Ticket

PASSING = frozenset({"disk-full"})
"""Reasons of errors, raised by a notebook, that may be gone in a minute."""


def error_of(
    fault: BaseException, verdict: str | None, ticket: Ticket, raised: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """An error as the table keeps it: ``error``, ``reason``, ``hint``, ``again``; ``cell`` and ``kind`` if one raised.

    Parameters
    ----------
    fault
        What ended the attempt.
    verdict
        Why it was stopped, if it was.
    ticket
        Its limits.
    raised
        If a cell raised an error of SpeakSep: that.
    """
    if verdict == "time-limit":
        return _error(f"took longer than {ticket.seconds:g} s", verdict, "allow it more time, or give it less to do")
    if verdict == "memory-limit":
        allowed = f"{(ticket.memory_bytes or 0) / 1e6:.0f} MB"
        return _error(f"used more than {allowed} of memory", verdict, "allow it more, or give it less to do")
    if isinstance(fault, StoreError):
        return fault.to_dict() | {"again": True}
    if isinstance(fault, SpeakSepError):
        return fault.to_dict() | {"again": False}
    if isinstance(fault, OSError):
        full = fault.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        return _error(f"{type(fault).__name__}: {fault}", "disk-full" if full else "internal", "", again=True)
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    if isinstance(fault, PapermillExecutionError):
        where = {"cell": fault.exec_count, "kind": fault.ename}
        if raised:
            told = {name: str(raised.get(name, "")) for name in ("error", "reason", "hint")}
            return _error(told["error"], told["reason"], told["hint"], again=told["reason"] in PASSING) | where
        full = os.strerror(errno.ENOSPC) in fault.evalue
        words = f"{fault.ename}: {fault.evalue}" if fault.evalue else fault.ename
        hint = f"see cell {fault.exec_count} of the executed notebook"
        return _error(words, "disk-full" if full else "notebook-failed", hint, again=full) | where
    if isinstance(fault, DeadKernelError):
        return _error("its kernel ended", "kernel-died", "the machine may be short of memory", again=True)
    return _error(f"{type(fault).__name__}: {fault}", "internal", "this is a fault of ours", again=True)


def _error(error: str, reason: str, hint: str, *, again: bool = False) -> dict[str, Any]:
    return {"ok": False, "error": " ".join(error.split())[:1000], "reason": reason, "hint": hint, "again": again}
