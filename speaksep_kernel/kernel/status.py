"""What a kernel computes on, what it takes, and who is ahead: the answer to ``%speaksep`` in a notebook."""

from __future__ import annotations

import html
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from speaksep_kernel.kernel import holding
from speaksep_kernel.kernel.forkserver.child import FORKED
from speaksep_kernel.kernel.occupancy import Occupancy, occupancy
from speaksep_kernel.kernel.threads import thread_count


@dataclass(frozen=True)
class KernelStatus:
    """One kernel at this moment.

    Parameters
    ----------
    device
        "cuda" or "cpu".
    reason
        The GPU and slot, or why there is none.
    start
        "forked" or "plain".
    threads
        With which it computes.
    memory_bytes
        Of the kernel: its own, and its share of what it has in common with others (PSS).
    gpus
        One line for each: name, free memory, who has its slots.
    queue
        Who waits for a slot, first come first.
    """

    device: str
    reason: str
    start: str
    threads: int
    memory_bytes: int
    gpus: tuple[str, ...]
    queue: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return "\n".join(f"{name:<7} {text}" for name, text in self._rows())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th scope="row" style="text-align:left">{name}</th>'
            f'<td style="text-align:left">{html.escape(text)}</td></tr>'
            for name, text in self._rows()
        )
        return f'<table aria-label="Status of this kernel">{rows}</table>'

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("device", f"{self.device}: {self.reason}"),
            ("memory", f"{self.memory_bytes / 1e6:.0f} MB, {self.threads} threads, {self.start} start"),
            *(("GPU", gpu) for gpu in self.gpus),
            ("queue", "; ".join(self.queue) or "nobody waits for a GPU"),
        ]


def kernel_status() -> KernelStatus:
    """Of the kernel that asks."""
    standing, there = holding.standing(), occupancy()
    return KernelStatus(
        device=standing.device,
        reason=standing.reason,
        start="forked" if FORKED in os.environ else "plain",
        threads=thread_count(os.environ),
        memory_bytes=memory_bytes(os.getpid()),
        gpus=gpu_lines(there),
        queue=tuple(holder.describe() for holder in there.waiting),
    )


def gpu_lines(there: Occupancy) -> tuple[str, ...]:
    """A line for each GPU: name, memory, slots."""
    lines = []
    for use in there.devices:
        device = use.device
        memory = (
            f", {device.free_bytes / 1e9:.0f} of {device.total_bytes / 1e9:.0f} GB free"
            if device.free_bytes is not None and device.total_bytes
            else ""
        )
        held = "; ".join(holder.describe() if holder else "free" for holder in use.holders)
        lines.append(f"{device.index} {device.name}{memory}: {held}")
    return tuple(lines)


def memory_bytes(pid: int) -> int:
    """PSS of a process: pages of its own, and its share of those that several have; 0 if it is gone."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:")), 0)
