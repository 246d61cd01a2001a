"""What this machine computes on, who waits for it, and how full it is: the line below the page."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

LIMIT = "MEM_LIMIT"
"""Environment variable of JupyterHub: bytes that this server may have."""


def status(_root: Path) -> dict[str, Any]:
    """Device, queue and memory: numbers, and the lines of ``%speaksep`` for each GPU."""
    from speaksep_kernel.kernel.occupancy import occupancy
    from speaksep_kernel.kernel.status import gpu_lines

    there = occupancy()
    memory = psutil.virtual_memory()
    told = os.environ.get(LIMIT, "")
    limit = int(told) if told.isdecimal() else 0
    return {
        "device": "cuda" if there.devices else "cpu",
        "name": there.devices[0].device.name if there.devices else "",
        "problem": there.problem,
        "gpus": list(gpu_lines(there)),
        "slots": there.slots,
        "free": there.free,
        "waiting": len(there.waiting),
        "memory_bytes": _of_the_server() if limit else memory.total - memory.available,
        "memory_total_bytes": min(limit, memory.total) if limit else memory.total,
    }


def _of_the_server() -> int:
    """Bytes that the Jupyter server takes with everything that it started, which its limit is for."""
    server = psutil.Process(os.getppid())
    total = 0
    for each in (server, *server.children(recursive=True)):
        with suppress(psutil.Error):
            total += each.memory_info().rss - each.memory_info().shared
    return total
