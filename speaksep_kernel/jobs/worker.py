"""What an executor runs: take the next job from the table and do it. A task that gets lost carries no job."""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from speaksep_kernel.errors import JobError, SpeakSepError, StoreError
from speaksep_kernel.jobs.intake import REQUEST
from speaksep_kernel.jobs.job import Job
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.jobs.runner import run
from speaksep_kernel.jobs.ticket import Ticket
from speaksep_kernel.logs.begin import join


@dataclass(frozen=True)
class Order:
    """What a worker is told; the same for all of a dispatcher, and picklable.

    Attributes
    ----------
    table
        URL of the job table.
    batch
        Only jobs of this batch; all if ``None``.
    dispatcher
        Whose worker it is.
    lease_s
        A job counts as lost when its worker gives no sign of life for so long.
    """

    table: str
    batch: str | None
    dispatcher: str
    lease_s: float


def work(order: Order) -> str | None:
    """Do one job.

    Returns
    -------
    Its id; ``None`` if nothing was due.

    Raises
    ------
    StoreError
        The table cannot be reached.
    """
    join()
    table = _table(order.table)
    job = table.claim(f"{order.dispatcher} {here()}", lease_s=order.lease_s, batch=order.batch)
    if job is None:
        return None
    try:
        run(_ticket(job, order))
    except StoreError as error:  # the table was away when the job was done: that is no fault of the job
        _fail(table, job, error, again=True)
    except SpeakSepError as error:
        _fail(table, job, error, again=False)
    except Exception as error:  # a fault of ours, which the job must not hide
        _fail(table, job, JobError(f"{type(error).__name__}: {error}", reason="internal"), again=True)
    return job.id


def here() -> str:
    """Which process this is: host, its start, process namespace, user, number and its start: no other has these."""
    return f"{_place()}:{os.getpid()}:{_started(os.getpid())}"


def is_gone(worker: str) -> bool:
    """Whether a worker is known to have ended: it was a process here, and is not any more."""
    place, pid, started = (*worker.rpartition(" ")[2].rsplit(":", 2), "", "")[:3]
    return place == _place() and pid.isdigit() and _started(int(pid)) != started


def _ticket(job: Job, order: Order) -> Ticket:
    return Ticket(
        job=job.id,
        attempt=job.attempt,
        notebook=job.notebook,
        parameters=job.parameters,
        directory=job.output,
        table=order.table,
        seconds=job.time_limit_s,
        memory_bytes=job.memory_limit_bytes,
        device=job.device,
        circle=str((job.about or {}).get("circle", "")),
        owner=job.owner,
        request=str((job.about or {}).get(REQUEST, "")),
        heartbeat_s=min(2.0, order.lease_s / 8),
    )


def _fail(table: JobTable, job: Job, error: SpeakSepError, *, again: bool) -> None:
    try:
        table.fail(job.id, job.attempt, error.to_dict(), again)
    except JobError:
        return  # it is somebody else's by now


@cache
def _table(url: str) -> JobTable:
    return JobTable.open(url)


@cache
def _place() -> str:
    try:
        namespace = os.readlink("/proc/self/ns/pid").strip("pid:[]")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")[:8]  # two machines may share a name
    except OSError:
        namespace, boot = "0", secrets.token_hex(4)  # nothing is known of anybody
    # Other users' processes may be hidden from us: only those of the same user are known to be gone.
    return f"{socket.gethostname()}:{boot}:{namespace}:{os.getuid()}"


def _started(pid: int) -> str:
    """When a process began, in the kernel's ticks; "" if there is none, or it is only waiting to be reaped."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in (b"Z", b"X") else fields[19].decode()
