"""What ``speaksep kernel status`` says: kernelspec, fork servers, GPUs."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

from speaksep_kernel.errors import StoreError
from speaksep_kernel.kernel.forkserver.client import ask
from speaksep_kernel.kernel.forkserver.place import places
from speaksep_kernel.kernel.install import installed
from speaksep_kernel.kernel.occupancy import occupancy
from speaksep_kernel.kernel.status import gpu_lines, memory_bytes


@dataclass(frozen=True)
class ForkServerState:
    """A fork server of this user.

    Parameters
    ----------
    pid
        Its process.
    up_s
        Seconds since it is ready.
    memory_bytes
        PSS: its own, and its share of what its kernels have in common with it.
    kernels
        Processes of kernels that run.
    forked
        Kernels it started in all.
    """

    pid: int
    up_s: float
    memory_bytes: int
    kernels: tuple[int, ...]
    forked: int


@dataclass(frozen=True)
class KernelReport:
    """What is installed, running and free.

    Parameters
    ----------
    kernelspec
        Where Jupyter finds it; empty if it does not.
    servers
        Fork servers that run.
    problems
        Why there is none, or what the last one that failed wrote.
    gpus, gpu_problem, queue
        As `KernelStatus`.
    """

    kernelspec: str
    servers: tuple[ForkServerState, ...]
    problems: tuple[str, ...]
    gpus: tuple[str, ...]
    gpu_problem: str
    queue: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"ok": True, **asdict(self)}


def kernel_report() -> KernelReport:
    """Of this user on this machine."""
    servers, problems = [], []
    try:
        for place in places():
            if answer := ask(place, "status"):
                servers.append(_state(answer))
            elif place.log.exists() and not place.lock.read_bytes():
                problems.append(_last_line(place.log.read_text(errors="replace")) or "starting")
    except StoreError as error:
        problems.append(str(error))
    there, spec = occupancy(), installed()
    return KernelReport(
        kernelspec=str(spec or ""),
        servers=tuple(servers),
        problems=tuple(problems),
        gpus=gpu_lines(there),
        gpu_problem=there.problem,
        queue=tuple(holder.describe() for holder in there.waiting),
    )


def stop_servers() -> list[int]:
    """End all fork servers of this user, which take no more requests; their kernels go on.

    Returns
    -------
    Their processes.

    Raises
    ------
    StoreError
        Reason ``unsafe-runtime-dir``.
    """
    return [int(answer["pid"]) for place in places() if (answer := ask(place, "stop"))]


def _state(answer: dict[str, Any]) -> ForkServerState:
    return ForkServerState(
        pid=answer["pid"],
        up_s=time.time() - answer["since"],
        memory_bytes=memory_bytes(answer["pid"]),
        kernels=tuple(answer["kernels"]),
        forked=answer["forked"],
    )


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
