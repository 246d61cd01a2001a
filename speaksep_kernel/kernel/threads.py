"""How many threads a kernel computes with: one per core that it may use, also where a container gives but a share."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

_QUOTAS = ("/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
_PERIOD = "/sys/fs/cgroup/cpu/cpu.cfs_period_us"


def thread_count(env: Mapping[str, str]) -> int:
    """``OMP_NUM_THREADS`` if it is a number, else the cores this process may use."""
    chosen = env.get("OMP_NUM_THREADS", "").split(",")[0]
    return int(chosen) if chosen.isdecimal() and int(chosen) else usable_cores()


def usable_cores() -> int:
    """Cores by affinity and by the quota of the control group."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota()
    return max(1, min(cores, round(quota))) if quota else cores


def set_threads(env: Mapping[str, str]) -> None:
    """Give this many threads to all libraries that are loaded; the others, and subprocesses, see the environment."""
    count = thread_count(env)
    os.environ.setdefault("OMP_NUM_THREADS", str(count))
    os.environ.setdefault("MKL_DYNAMIC", "FALSE")  # or torch, when it comes, takes no more than the physical cores
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(count)
        pools().limit(limits=count)


@cache
def pools() -> ThreadpoolController:
    """The thread pools of all libraries that are loaded: OpenBLAS and OpenMP, each package with its own copy."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _quota() -> float:
    """Cores by the control group's quota, 0 without one."""
    try:
        modern, old = Path(_QUOTAS[0]), Path(_QUOTAS[1])
        if modern.exists():
            quota, period = modern.read_text().split()
        else:
            quota, period = old.read_text(), Path(_PERIOD).read_text()
        return max(0.0, int(quota) / int(period))
    except (OSError, ValueError):
        return 0.0
