"""Celery workers behind Redis."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs.executors.local import checked_workers
from speaksep_kernel.jobs.executors.sealed import check_key, seal, unseal
from speaksep_kernel.plugins import PluginInfo

T = TypeVar("T")

BROKER = "SPEAKSEP_CELERY_BROKER"
"""Environment variable: address of Redis where no option says."""
DEFAULT_BROKER = "redis://127.0.0.1:6379/0"
PATIENCE_S = 10.0
"""How long workers may take to answer, and Redis to be away before its work counts as lost."""
LOOK_S = 0.05
"""How often results are looked for."""
KEPT_S = 7 * 86_400
"""How long Redis keeps a wish and its result."""
WORKER = "speaksep_kernel.jobs.executors.celery_worker"
TASK = "speaksep.call"


class CeleryExecutor:
    """Celery workers. They need this package, and to reach the job table and the recordings.

    Start them with ``celery -A speaksep_kernel.jobs.executors.celery_worker worker``.

    Parameters
    ----------
    workers
        How many are used at a time; all if ``None``.
    broker
        Address of Redis.

    Raises
    ------
    InputError
        Reasons ``bad-workers`` and ``no-key``.
    """

    info = PluginInfo(
        name="celery",
        version="1",
        summary="Celery workers behind Redis",
        licence="Apache-2.0",
        requires=("celery", "redis"),
        devices=("cpu", "cuda"),
        options={"broker": {"type": "string", "description": f"address of Redis; {BROKER}, or {DEFAULT_BROKER}"}},
    )

    def __init__(self, *, workers: int | None = None, broker: str = "") -> None:
        self.workers = checked_workers(workers)
        self.broker = broker or broker_address()
        check_key()

    @contextmanager
    def open(self) -> Iterator[Executor]:
        """Connect; leaving waits for what was submitted.

        Raises
        ------
        InputError
            Reasons ``no-broker`` and ``no-workers``: Redis, or no worker behind it, answers.
        """
        from speaksep_kernel.jobs.executors.celery_worker import celery_app

        app = celery_app(self.broker)
        try:
            found = _concurrency(app)
        except Exception as error:  # of redis, kombu or the system
            raise InputError(
                f"no Redis at {app.connection().as_uri()!r}: {error}",
                reason="no-broker",
                hint=f"start it, or give its address as option broker or in {BROKER}",
            ) from error
        if not found:
            raise InputError(
                f"no Celery worker answers behind {app.connection().as_uri()!r}",
                reason="no-workers",
                hint=f"start some: celery -A {WORKER} worker",
            )
        self.workers = self.workers or found
        with _Tasks(app, self.broker) as executor:
            yield executor
        app.close()


class _Tasks(Executor):
    """Sends calls, and looks for their results.

    Results are kept in Redis by the task itself: Celery's own way holds a subscription per task, which does not outlive
    a restart of Redis.
    """

    def __init__(self, app: Any, broker: str) -> None:
        import redis

        self._app: Any = app
        self._redis: Any = redis.Redis.from_url(broker, socket_timeout=PATIENCE_S)
        self._away: type[Exception] = redis.RedisError
        self._pending: dict[str, Future[Any]] = {}
        self._changing = threading.Condition()
        self._closed = False
        self._server = self._run_id()
        self._collector = threading.Thread(target=self._collect, daemon=True, name="results")
        self._collector.start()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """See `concurrent.futures.Executor.submit`. Where Redis is away the future raises `BrokenExecutor`."""
        name, future = uuid.uuid4().hex, Future[T]()
        sealed = seal((fn, args, kwargs))
        with self._changing:
            if self._closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._pending[name] = future
            self._changing.notify()
        future.add_done_callback(lambda done: self._unwanted(name) if done.cancelled() else None)
        try:
            self._redis.set(wish_key(name), b"1", ex=KEPT_S)
            self._app.send_task(TASK, (name, sealed.hex()), ignore_result=True, retry=False)
        except Exception as error:  # of redis, kombu or the system
            with self._changing:
                self._pending.pop(name, None)
            future.set_exception(BrokenExecutor(f"Redis cannot be reached: {error}"))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See `concurrent.futures.Executor.shutdown`."""
        with self._changing:
            self._closed = True
            pending = list(self._pending.values())
            self._changing.notify()
        if cancel_futures:
            for future in pending:
                future.cancel()
        if wait:
            self._collector.join()

    def _unwanted(self, name: str) -> None:
        """A worker that has not begun it will not."""
        with suppress(self._away):
            self._redis.delete(wish_key(name))

    def _collect(self) -> None:
        away_since_s: float | None = None
        while True:
            with self._changing:
                self._pending = {name: future for name, future in self._pending.items() if not future.done()}
                while not self._pending:
                    if self._closed:
                        return
                    self._changing.wait()
                names = list(self._pending)
            try:
                # Read before the results: what a server that was started anew holds is not what the old one held.
                server = self._run_id()
                sealed = self._redis.mget([result_key(name) for name in names])
                away_since_s = None
            except self._away as error:
                away_since_s = away_since_s or time.monotonic()
                if time.monotonic() - away_since_s > PATIENCE_S:
                    self._lose(names, f"Redis is away: {error}")
                time.sleep(LOOK_S)
                continue
            for name, data in zip(names, sealed, strict=True):
                if data is not None:
                    self._settle(name, data)
            if server != self._server:
                self._server = server
                self._lose(names, "Redis was started anew: what it held may be lost")
            time.sleep(LOOK_S)

    def _settle(self, name: str, data: bytes) -> None:
        future = self._pending[name]
        if not future.set_running_or_notify_cancel():
            return
        try:
            value, fault = unseal(data)
        except Exception as error:
            value, fault = None, error
        if fault is None:
            future.set_result(value)
        else:
            future.set_exception(fault)
        with suppress(self._away):
            self._redis.delete(result_key(name), wish_key(name))

    def _lose(self, names: list[str], why: str) -> None:
        for name in names:
            future = self._pending[name]
            if not future.done() and future.set_running_or_notify_cancel():
                future.set_exception(BrokenExecutor(why))

    def _run_id(self) -> str:
        return str(self._redis.info("server")["run_id"])


def broker_address() -> str:
    """Where Redis is if no option says."""
    return os.environ.get(BROKER) or DEFAULT_BROKER


def wish_key(name: str) -> str:
    """Is in Redis as long as somebody wants that call to be made."""
    return f"speaksep:wish:{name}"


def result_key(name: str) -> str:
    """Where the result of a call is."""
    return f"speaksep:result:{name}"


def _concurrency(app: Any) -> int:
    """Tasks that all workers together do at a time."""
    end_s = time.monotonic() + PATIENCE_S
    while True:
        stats = app.control.inspect(timeout=1.0).stats() or {}
        found = sum(int(each.get("pool", {}).get("max-concurrency", 1)) for each in stats.values())
        if found or time.monotonic() > end_s:
            return found
