"""A Dask cluster: one that runs somewhere, by its address, or processes started for the occasion."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs.executors.local import checked_workers, fitting_workers
from speaksep_kernel.plugins import PluginInfo

T = TypeVar("T")

ADDRESS = "SPEAKSEP_DASK"
"""Environment variable: address of the scheduler where no option says."""
PATIENCE_S = 10.0
"""How long a cluster may take to answer, and to be away before its work counts as lost."""


class DaskExecutor:
    """Workers of a Dask cluster. They need this package, and to reach the job table and the recordings.

    Parameters
    ----------
    workers
        How many are started, as many as cores and memory allow if ``None``; of a cluster that runs already, how many
        are used at a time, all if ``None``.
    address
        Of a scheduler, such as ``tcp://10.0.0.5:8786``; workers on this machine are started if it is empty.
    gpus
        How many of the resource ``GPU`` a worker must have free for each job.

    Raises
    ------
    InputError
        Reasons ``bad-workers`` and ``bad-option``.
    """

    info = PluginInfo(
        name="dask",
        version="1",
        summary="A Dask cluster by its address, or one on this machine",
        licence="Apache-2.0",
        requires=("distributed",),
        devices=("cpu", "cuda"),
        options={
            "address": {"type": "string", "description": f"of a scheduler, such as tcp://10.0.0.5:8786; {ADDRESS}"},
            "gpus": {"type": "integer", "description": "of the resource GPU that each job takes"},
        },
    )

    def __init__(self, *, workers: int | None = None, address: str = "", gpus: int = 0) -> None:
        self.address = address or os.environ.get(ADDRESS, "")
        checked = checked_workers(workers)
        self.workers = checked if checked or self.address else fitting_workers()
        if gpus < 0:
            raise InputError(f"option gpus is {gpus}", reason="bad-option", hint="give 0 or more")
        self._resources = {"GPU": gpus} if gpus else None

    @contextmanager
    def open(self) -> Iterator[Executor]:
        """Connect; leaving waits for what was submitted, and ends the workers that were started.

        Raises
        ------
        InputError
            Reason ``no-cluster``: nobody answers at the address, or there are no workers.
        """
        from distributed import Client, LocalCluster

        with ExitStack() as stack:
            place: Any = self.address
            if not place:
                stack.enter_context(_same_environment())
                # One thread each: a notebook's kernel is its own process anyway.
                place = stack.enter_context(
                    LocalCluster(
                        n_workers=self.workers,
                        threads_per_worker=1,
                        processes=True,
                        host="127.0.0.1",
                        dashboard_address="127.0.0.1:0",  # by default a fixed port, for everybody
                        scheduler_kwargs={"dashboard": False},
                        resources=self._resources,
                    )
                )
            try:
                client = stack.enter_context(Client(place, timeout=PATIENCE_S, set_as_default=False))
                client.wait_for_workers(1, timeout=PATIENCE_S)
            except (OSError, ValueError, TimeoutError) as error:
                raise InputError(
                    f"no Dask cluster with workers at {self.address or 'this machine'!r}: {error}",
                    reason="no-cluster",
                    hint="start dask scheduler and dask worker, and give the scheduler's address",
                ) from error
            if self.workers is None:
                self.workers = max(1, sum(client.nthreads().values()))
            yield stack.enter_context(_Cluster(client, self._resources))


@contextmanager
def _same_environment() -> Iterator[None]:
    """Dask sets variables for its workers (one thread, one seed of hashes) in the process that starts them."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


class _Cluster(Executor):
    """Dask's own executor, with the arguments that all others have."""

    def __init__(self, client: Any, resources: dict[str, int] | None) -> None:
        self._executor = client.get_executor(pure=False, **({"resources": resources} if resources else {}))

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """See `concurrent.futures.Executor.submit`."""
        future: Future[T] = self._executor.submit(fn, *args, **kwargs)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See `concurrent.futures.Executor.shutdown`."""
        self._executor.shutdown(wait=wait and not cancel_futures)
