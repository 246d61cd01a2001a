"""Lets people loose on a platform, and measures what comes of it."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import psutil

from speaksep_kernel.jobs.job import Job
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.jobs.states import FINISHED, State
from tests.hub.running import RunningHub, until
from tests.load.figures import Stats, Step, kinds_of, looks_of, sent_of
from tests.load.meter import Meter

ROOT = Path(__file__).parents[2]
WORKER_SHARE = 4
"""One of so many people sends recordings; as the weights in the locustfile say."""
STOP_S = 120.0


def quiet(hub: RunningHub, seconds: float) -> dict[str, float]:
    """Processors that each part of a platform takes while nobody is there."""
    with Meter(hub) as meter:
        time.sleep(seconds)
    return {part: round(spent_s / meter.seconds, 4) for part, spent_s in meter.cpu_s.items()}


def loaded(
    hub: RunningHub, scene: Path, people: int, seconds: float, quiet_cores: Mapping[str, float], rounds: int = 0
) -> Step:
    """So many people for so long; what they left unfinished is over afterwards.

    Parameters
    ----------
    hub
        A platform that runs.
    scene
        Of `scene.furnish`.
    people
        A quarter of them sends recordings.
    seconds
        For how long.
    quiet_cores
        Of `quiet`.
    rounds
        The end comes as soon as everybody at work has been round so often; 0: it does not.
    """
    table = JobTable.open(hub.folder / "jobs.sqlite3")
    with table, Meter(hub) as meter:
        stored = -_size(hub.folder / "store")
        began, first, own_s = time.time(), table.newest_event(), _own_s()
        stats = _people(hub, scene, people, seconds, rounds)
        ended, last, own_s = time.time(), table.newest_event(), _own_s() - own_s
        stored += _size(hub.folder / "store")
    with JobTable.open(hub.folder / "jobs.sqlite3") as table:
        until(lambda: not any(count for state, count in table.counts().items() if state not in FINISHED), STOP_S)
        succeeded = table.jobs(states=[State.SUCCEEDED])
    done = [job for job in succeeded if began <= (job.finished_at or 0) <= ended]
    separated = [job for job in done if job.notebook == "separate"]
    names = Counter(job.notebook for job in done)
    cores = psutil.cpu_count() or 1
    return Step(
        people=people,
        at_work=max(1, round(people / WORKER_SHARE)),
        seconds=round(ended - began, 1),
        cores=cores,
        kinds=kinds_of(stats),
        looks=looks_of(stats),
        jobs=dict(names),
        jobs_cpu_s={
            name: round(sum(_told(job, "cpu_s") for job in done if job.notebook == name) / count, 2)
            for name, count in names.items()
        },
        sound_s=round(sum(_measured(job, "sound_s") for job in separated), 1),
        stored_bytes=stored,
        sent_bytes=sent_of(stats),
        writes=last - first,
        cpu_s={part: round(spent_s, 1) for part, spent_s in meter.cpu_s.items()},
        memory_bytes=meter.memory_bytes,
        quiet_cores=quiet_cores,
        people_cpu_s=round(own_s, 1),
        others_cpu_s=round(max(0.0, meter.busy_s - sum(meter.cpu_s.values()) - own_s), 1),
    )


def _people(hub: RunningHub, scene: Path, people: int, seconds: float, rounds: int) -> Stats:
    """Locust as a process of its own, since it changes how all of Python waits; what it wrote down."""
    told = scene.with_name(f"stats-{people}")
    command = [
        sys.executable, "-W", "ignore", "-m", "locust", "-f", str(Path(__file__).with_name("locustfile.py")),
        "--host", hub.url.rstrip("/"), "--headless", "--users", str(people), "--spawn-rate", str(max(4, people // 10)),
        "--run-time", f"{seconds:.0f}s", "--only-summary", "--json-file", str(told), "--loglevel", "WARNING",
    ]  # fmt: skip
    environment = hub.environment | {"LOAD_SCENE": str(scene), "LOAD_ROUNDS": str(rounds)}
    ended = subprocess.run(  # with 1, if anything failed
        command, env=environment, cwd=ROOT, text=True, capture_output=True
    )
    written = told.with_name(f"{told.name}.json")
    if not written.exists():
        raise RuntimeError(f"Locust ended with {ended.returncode}: {(ended.stdout + ended.stderr)[-3000:]}")
    if ended.returncode:
        print((ended.stdout + ended.stderr)[-3000:], file=sys.stderr)  # which requests failed, and why
    stats: Stats = json.loads(written.read_text())
    return stats


def _own_s() -> float:
    """Processors that this process and what it started and waited for spent."""
    own = os.times()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.user + own.system + children.ru_utime + children.ru_stime


def _size(folder: Path) -> int:
    found = (path.stat() for path in folder.rglob("*") if path.is_file())
    return sum({each.st_ino: each.st_size for each in found}.values())  # some files have two names


def _told(job: Job, name: str) -> float:
    found = job.result.get(name) if isinstance(job.result, dict) else None
    return float(found) if isinstance(found, int | float) else 0.0


def _measured(job: Job, name: str) -> float:
    measures = job.result.get("measures") if isinstance(job.result, dict) else None
    return float(measures.get(name, 0.0)) if isinstance(measures, dict) else 0.0
