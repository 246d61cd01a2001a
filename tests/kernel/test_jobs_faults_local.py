"""Batches on this machine through every fault: no job is lost, and none is done twice in effect.

``SPEAKSEP_KILLS`` says how many random kills there are (a few unless told), ``SPEAKSEP_SEED`` which, and
``SPEAKSEP_FAULT_S`` how long a disk is full or a table locked.
"""

from __future__ import annotations

import os
import random
import re
import signal
import sqlite3
import time
from contextlib import suppress

import psutil
import pytest

from speaksep_kernel.jobs.batch.folder import read_batch
from speaksep_kernel.jobs.states import State

KILLS = int(os.environ.get("SPEAKSEP_KILLS", "4"))
SEED = int(os.environ.get("SPEAKSEP_SEED", "1"))
FAULT_S = float(os.environ.get("SPEAKSEP_FAULT_S", "6"))
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200 + 60 * KILLS)]

FAST = ("nap", "--workers", "2", "--no-summary")


def rows(count, **more):
    return [{"n": n, **more} for n in range(count)]


def test_a_worker_that_is_killed_costs_one_attempt(scene):
    batch = scene.begin(*FAST, "--table", scene.table(rows(3, seconds=2.0)))
    scene.wait_for(lambda counts: counts[State.RUNNING] == 2)
    scene.workers(batch)[0].kill()
    assert scene.end(batch) == 0
    scene.audit(3)
    with scene.jobs() as table:
        assert sum(job.losses for job in table.jobs()) == 1
        assert sum(job.failures for job in table.jobs()) == 0
    scene.nothing_runs()


def test_a_batch_that_is_killed_goes_on_where_it_was(scene):
    batch = scene.begin(*FAST, "--table", scene.table(rows(6, seconds=1.0)))
    scene.wait_for(lambda counts: counts[State.SUCCEEDED] == 2)
    batch.kill()
    batch.wait()
    scene.nothing_runs()
    with scene.jobs() as table:
        done = {job.id: job.finished_at for job in table.jobs(states=[State.SUCCEEDED])}
    assert len(done) >= 2
    assert scene.end(scene.begin("--resume", "--workers", "2", "--no-summary")) == 0
    scene.audit(6)
    with scene.jobs() as table:
        assert {job.id: job.finished_at for job in table.jobs() if job.id in done} == done


def test_ctrl_c_gives_everything_back_and_says_how_to_go_on(scene):
    batch = scene.begin(*FAST, "--table", scene.table([{"n": 0}, *rows(3, seconds=60.0)[1:]]))
    scene.wait_for(lambda counts: counts[State.SUCCEEDED] == 1 and counts[State.RUNNING] == 2)
    begun = time.monotonic()
    os.killpg(batch.pid, signal.SIGINT)  # as a terminal sends it: to all of them
    assert scene.end(batch) == 130
    took_s = time.monotonic() - begun
    scene.nothing_runs()
    with scene.jobs() as table:
        assert [job.state for job in table.jobs()] == [State.SUCCEEDED, State.QUEUED, State.QUEUED]
        assert not any(job.losses or job.failures for job in table.jobs())
    assert f"go on with: speaksep batch --resume -o {scene.folder / 'out'}" in scene.log()
    assert "1 of 3 jobs are done" in scene.log()
    assert took_s < 60


def test_one_batch_begun_twice_at_once_is_done_once(scene):
    table = scene.table(rows(6))
    both = [scene.begin(*FAST, "--table", table) for _ in range(2)]
    assert [scene.end(each) for each in both] == [0, 0]
    scene.audit(6)
    with scene.jobs() as table:
        assert len(table.jobs()) == 6
        assert {job.attempt for job in table.jobs()} == {1}


def test_notebooks_that_end_badly_fail_alone_and_are_named(scene):
    reasons = {"well": None, "raises": "notebook-failed", "eats": "memory-limit", "dies": "kernel-died"}
    table = scene.table([{"n": n, "how": how} for n, how in enumerate(reasons)])
    assert scene.end(scene.begin(*FAST, "--memory-limit", "0.4", "--tries", "2", "--table", table)) == 1
    with scene.jobs() as jobs:
        found = {job.parameters["how"]: job for job in jobs.jobs()}
    assert {how: (found[how].error or {}).get("reason") for how in reasons} == reasons
    assert found["well"].state is State.SUCCEEDED
    assert "4 jobs of nap: 1 done, 3 failed" in scene.log()
    assert all(f"job-{n} failed" in scene.log() for n in range(2, 5))
    assert "no 1" in (scene.folder / "out" / "job-2.failed.ipynb").read_text()
    scene.nothing_runs()
    # Once more with what was wrong put right, nothing of the failure is left.
    table.write_text(re.sub('"(raises|eats|dies)"', '"well"', table.read_text()))
    assert scene.end(scene.begin(*FAST, "--table", table, out="again")) == 0
    scene.audit(4, out="again")


def test_a_notebook_that_hangs_is_ended(scene):
    table = scene.table([{"how": "hangs"}])
    assert scene.end(scene.begin(*FAST, "--time-limit", "4", "--table", table)) == 1
    with scene.jobs() as jobs:
        (job,) = jobs.jobs()
    assert (job.state, job.attempt, job.error["reason"]) == (State.FAILED, 1, "time-limit")
    scene.nothing_runs()


def test_cancelled_jobs_stop_and_keep_what_they_have(scene):
    batch = scene.begin(*FAST, "--table", scene.table([{"n": 0, "seconds": 600.0}, {"n": 1}]))
    scene.wait_for(lambda counts: counts[State.SUCCEEDED] == 1 and counts[State.RUNNING] == 1)
    time.sleep(1)
    assert scene.end(scene.start(*_command(scene, "cancel"))) == 0
    assert scene.end(batch) == 1
    with scene.jobs() as table:
        assert [job.state for job in table.jobs()] == [State.CANCELLED, State.SUCCEEDED]
        assert table.jobs()[0].report == str(scene.folder / "out" / "job-1.cancelled.ipynb")
    assert "KeyboardInterrupt" in (scene.folder / "out" / "job-1.cancelled.ipynb").read_text()


def test_a_locked_table_is_waited_for(scene):
    batch = scene.begin(*FAST, "--table", scene.table(rows(5, seconds=1.0)))
    scene.wait_for(lambda counts: counts[State.RUNNING] == 2)
    lock = sqlite3.connect(scene.environment["SPEAKSEP_JOBS"], isolation_level=None, timeout=60)
    lock.execute("BEGIN IMMEDIATE")
    time.sleep(FAULT_S)
    lock.execute("ROLLBACK")
    lock.close()
    assert scene.end(batch, 240 + 2 * FAULT_S) == 0
    scene.audit(5)


def test_a_disk_that_is_full_for_a_while_is_waited_for(scene):
    batch = scene.begin(*FAST, "--table", scene.table(rows(5, seconds=1.0)), "--tries", "20")
    scene.wait_for(lambda counts: counts[State.RUNNING] == 2)
    end = time.monotonic() + FAULT_S
    while time.monotonic() < end:
        limit_files(scene, 0)  # no file grows any more: what a full disk means to whoever writes
        time.sleep(0.2)
    limit_files(scene, resource_infinity())
    assert scene.end(batch, 240 + 2 * FAULT_S) == 0
    scene.audit(5)


def test_random_kills(scene):
    chance, killed, number = random.Random(SEED), 0, 0
    while killed < KILLS:
        out, table = f"out-{number}", scene.table(rows(8, seconds=0.5), f"rows-{number}.jsonl")
        batch = scene.begin(*FAST, "--table", table, out=out)
        for _ in range(1000):
            time.sleep(chance.uniform(0.3, 4.0))
            if batch.poll() is not None and (batch.returncode == 0 or killed >= KILLS):
                break
            if batch.poll() is not None:
                batch = begin_again(scene, out, table)
            victims = sorted(scene.processes(), key=lambda process: process.pid)
            if killed < KILLS and victims:
                with suppress(psutil.Error):
                    chance.choice(victims).kill()
                    killed += 1
        while batch.wait(300) != 0:
            batch = begin_again(scene, out, table)
        scene.audit(8, out=out)
        number += 1
    scene.nothing_runs()


def begin_again(scene, out, table):
    """As somebody would who finds it dead: with --resume, or from the start if it had not begun."""
    begun = (scene.folder / out / "batch.json").exists()
    return scene.begin("--resume", *FAST[1:], out=out) if begun else scene.begin(*FAST, "--table", table, out=out)


def _command(scene, verb):
    import sys
    from pathlib import Path

    return Path(sys.executable).with_name("speaksep"), "jobs", verb, "--batch", read_batch(scene.folder / "out").id


def limit_files(scene, size):
    """How large files may become that any process of the scene writes."""
    for process in scene.processes():
        with suppress(psutil.Error):
            _, hard = process.rlimit(psutil.RLIMIT_FSIZE)
            process.rlimit(psutil.RLIMIT_FSIZE, (size, hard))


def resource_infinity():
    return psutil.RLIM_INFINITY
