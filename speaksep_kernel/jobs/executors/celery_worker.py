"""The worker's side of Celery: ``celery -A speaksep_kernel.jobs.executors.celery_worker worker``."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

import redis
from celery import Celery, signals
from kombu.transport.redis import Channel, QoS

from speaksep_kernel.jobs.executors.celery import KEPT_S, TASK, broker_address, result_key, wish_key
from speaksep_kernel.jobs.executors.sealed import check_key, seal, unseal
from speaksep_kernel.kernel.threads import usable_cores
from speaksep_kernel.logs.begin import log_to


class _Forgiving(QoS):
    """kombu ends the worker when Redis goes away while a task runs: it tries to give the task back to Redis first."""

    def restore_unacked_once(self, stderr: Any = None) -> None:
        """Give back what has not been done, as far as there is somebody to take it."""
        with suppress(AttributeError, redis.RedisError, OSError):
            super().restore_unacked_once(stderr)  # type: ignore[no-untyped-call]


Channel.QoS = _Forgiving


def celery_app(broker: str) -> Celery:
    """The application at a broker, the same on both sides."""
    app = Celery("speaksep", broker=broker)
    app.conf.update(
        task_default_queue="speaksep",
        task_acks_late=True,  # a task whose worker was killed is given to another
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,  # notebooks take long: no worker keeps one waiting while another is idle
        task_ignore_result=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        task_serializer="json",
        accept_content=["json"],
    )
    app.task(_call, name=TASK, bind=True)
    return app


def _call(task: Any, name: str, sealed: str) -> None:
    """Make a call, if it was signed with our key and is still wanted; the result goes to Redis."""
    store = redis.Redis.from_url(task.app.conf.broker_url)
    if not store.exists(wish_key(name)):
        return
    fn, args, kwargs = unseal(bytes.fromhex(sealed))
    try:
        answer = seal((fn(*args, **kwargs), None))
    except Exception as fault:
        answer = _sealed_fault(fault)
    store.set(result_key(name), answer, ex=KEPT_S)


def _sealed_fault(fault: Exception) -> bytes:
    try:
        return seal((None, fault))
    except Exception:  # some exceptions cannot be pickled
        return seal((None, RuntimeError(f"{type(fault).__name__}: {fault}")))


def _begin(conf: Any = None, options: dict[str, Any] | None = None, **_: Any) -> None:
    check_key()
    workers = (options or {}).get("concurrency") or (conf and conf.worker_concurrency) or os.cpu_count() or 1
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, usable_cores() // int(workers))))  # for its kernels


def _log(**_: Any) -> None:
    """In the place of Celery's own way: every line of the platform has one shape."""
    log_to("worker")


signals.celeryd_init.connect(_begin)
signals.setup_logging.connect(_log)
app = celery_app(broker_address())
