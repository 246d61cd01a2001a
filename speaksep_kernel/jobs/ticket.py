"""What a worker is told about a job, and what it tells afterwards: plain, picklable values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

PROGRESS = "application/vnd.speaksep.progress+json"
"""How a cell tells how far it is: ``fraction`` 0 to 1, ``stage`` and ``message``."""

State = Literal["succeeded", "failed", "cancelled", "lost"]


@dataclass(frozen=True)
class Ticket:
    """One attempt at one job.

    Attributes
    ----------
    job, attempt
        Whose attempt it is; every write to the table carries both. Ignored without a table.
    notebook
        Name of a registered batch notebook.
    parameters
        Values for it, as `speaksep_kernel.jobs.parameters.validated` gave them.
    directory
        What is published there, all or nothing: the executed notebook, ``job.json``, and what the notebook wrote.
    table
        URL of the job table; nothing is reported to anybody if ``None``.
    seconds, memory_bytes
        Limits of the whole job; none if ``None``. Memory is what its kernel and its children do not share.
    device
        "auto", "gpu" or "cpu": what the kernel leases.
    cache
        Use what an earlier job made of the same input with the same parameters and models.
    circle
        Only what jobs of the same circle made, such as those of one person where people must not learn of others.
    owner, request
        Whose job it is, and the id of the request that asked for it: for the logs.
    heartbeat_s
        How often the table hears of it, and it of the table.
    grace_s
        How long an interrupted notebook may tidy up before its kernel is killed.
    """

    job: str
    attempt: int
    notebook: str
    parameters: Mapping[str, Any]
    directory: str
    table: str | None = None
    seconds: float | None = None
    memory_bytes: int | None = None
    device: str = "auto"
    cache: bool = True
    circle: str = ""
    owner: str = ""
    request: str = ""
    heartbeat_s: float = 2.0
    grace_s: float = 10.0


@dataclass(frozen=True)
class Outcome:
    """What became of an attempt; the table knows it already.

    Attributes
    ----------
    state
        "succeeded", "failed", "cancelled", or "lost": the job is somebody else's by now, nothing was published.
    result
        Of a success: ``directory``, ``files`` (sha256 by path in it, of what the same input, parameters and versions
        make again byte for byte), ``cached`` (the directory it was taken from, or ``None``), ``device``, ``cpu_s``
        (what processors spent), ``kernel_start_s`` (of a kernel that was started), ``measures`` (see
        `speaksep_kernel.results.measures`).
    error
        Of a failure: ``error``, ``reason``, ``hint`` as in `speaksep_kernel.errors`, and ``again``.
    report
        Path of the executed notebook, whole or partial, if there is one.
    seconds
        How long it took, by the clock on the wall.
    """

    job: str
    attempt: int
    state: State
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    report: str | None = None
    seconds: float = 0.0

    @property
    def again(self) -> bool:
        """Another attempt may go better: the machine was at fault, not the notebook."""
        return bool(self.error and self.error.get("again"))

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)
