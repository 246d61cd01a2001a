"""Processes on this machine."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import psutil

from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs.guard import LEAVING
from speaksep_kernel.kernel.occupancy import occupancy
from speaksep_kernel.kernel.threads import usable_cores
from speaksep_kernel.plugins import PluginInfo

T = TypeVar("T")

WORKER_BYTES = 1_500_000_000
"""What a worker, its kernel and a separation need."""
MOST_WORKERS = 1024
LEAVE_S = 15.0
"""How long a worker whose parent is gone may give back what it runs."""


class LocalExecutor:
    """A pool of processes, each with a notebook's kernel beside it.

    Parameters
    ----------
    workers
        How many; as many as cores and memory allow if ``None``.

    Raises
    ------
    InputError
        Reason ``bad-workers``.
    """

    info = PluginInfo(
        name="local",
        version="1",
        summary="Processes on this machine",
        licence="Apache-2.0",
        requires=("psutil",),
        devices=("cpu", "cuda"),
    )

    def __init__(self, *, workers: int | None = None) -> None:
        self.workers = checked_workers(workers) or fitting_workers()

    @contextmanager
    def open(self) -> Iterator[Executor]:
        """Start the workers; leaving waits for what they run, and ends them."""
        with Processes(self.workers) as executor:
            yield executor


class Processes(Executor):
    """Like `concurrent.futures.ProcessPoolExecutor`, but a worker that is killed takes only its own work with it.

    That work's future raises `BrokenProcessPool`, and the worker is replaced. The standard pool would end all other
    workers too and take no more work, so that every worker here has one of its own.
    """

    def __init__(self, workers: int) -> None:
        self._todo: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        threads = max(1, usable_cores() // workers)
        self._servers = [threading.Thread(target=self._serve, args=(threads,), daemon=True) for _ in range(workers)]
        for server in self._servers:
            server.start()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """See `concurrent.futures.Executor.submit`."""
        with self._closing:
            if self._closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            work = _Work(Future(), fn, args, kwargs)
            self._todo.put(work)
        return work.future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See `concurrent.futures.Executor.shutdown`."""
        with self._closing:
            if cancel_futures:
                with suppress(queue.Empty):
                    while True:
                        if work := self._todo.get_nowait():
                            work.future.cancel()
            if not self._closed or cancel_futures:
                for _ in self._servers:
                    self._todo.put(None)
            self._closed = True
        if wait:
            for server in self._servers:
                server.join()

    def _serve(self, threads: int) -> None:
        pool = _pool(threads)
        try:
            while (work := self._todo.get()) is not None:
                if not work.future.set_running_or_notify_cancel():
                    continue
                try:
                    result = pool.submit(_call, work.fn, work.args, work.kwargs).result()
                except BaseException as fault:
                    if isinstance(fault, BrokenExecutor):
                        pool.shutdown()
                        pool = _pool(threads)
                    work.future.set_exception(fault)
                else:
                    work.future.set_result(result)
                del work  # while there is nothing to do nobody keeps its result
        finally:
            pool.shutdown()


@dataclass(frozen=True)
class _Work:
    future: Future[Any]
    fn: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


def fitting_workers() -> int:
    """Workers that cores and memory allow, or slots of GPUs if there are more of these."""
    slots = occupancy().slots
    return max(1, min(max(usable_cores(), slots), int(psutil.virtual_memory().available / WORKER_BYTES)))


def checked_workers(workers: int | None) -> int | None:
    """A number of workers, if one is given.

    Raises
    ------
    InputError
        Reason ``bad-workers``.
    """
    if workers is not None and not 1 <= workers <= MOST_WORKERS:
        raise InputError(
            f"{workers} workers are asked for", reason="bad-workers", hint=f"give a number from 1 to {MOST_WORKERS}"
        )
    return workers


def _pool(threads: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _begin, (threads,))


# In the worker.

_busy = threading.Lock()


def _begin(threads: int) -> None:
    os.environ["OMP_NUM_THREADS"] = str(threads)  # for its kernels: workers share the cores
    # Ctrl-C reaches every process of a terminal, but who opened the pool decides. Kernels would inherit SIG_IGN.
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=_leave, daemon=True).start())
    threading.Thread(target=_outlived, daemon=True, name="parent").start()


def _outlived() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        _leave()


def _leave() -> None:
    LEAVING.set()
    _busy.acquire(timeout=LEAVE_S)
    os._exit(1)


def _call(fn: Callable[..., T], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> T:
    with _busy:
        return fn(*args, **kwargs)
