"""What a job executor is: a place where work runs, behind the standard library's interface."""

from __future__ import annotations

from concurrent.futures import Executor
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from speaksep_kernel.plugins import PluginInfo


@runtime_checkable
class JobExecutor(Protocol):
    """A pool of workers: processes, threads, a cluster."""

    info: PluginInfo

    def __init__(self, *, workers: int | None = None, **options: object) -> None: ...

    def open(self) -> AbstractContextManager[Executor]:
        """Start the workers; leaving the context ends them. Work and results must be picklable."""
        ...
