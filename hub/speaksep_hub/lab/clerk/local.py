"""Jobs of this machine: rows of the user's job table, and a worker that is started when there is something to do."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speaksep_hub.lab.clerk.paths import free_name, inside, shown

if TYPE_CHECKING:
    from speaksep_kernel.jobs.job import Job
    from speaksep_kernel.jobs.queue import JobTable

LISTED = 50
MADE = {"separate": ("separated", "manifest.json"), "diagnose": ("diagnosed", "diagnosis.json")}
"""By verb: how the folder of a result ends, and the file in it that says what was found."""
WORK = (sys.executable, "-m", "speaksep_kernel.cli", "jobs", "work", "--until-done")

_lock = threading.Lock()
_worker: subprocess.Popen[bytes] | None = None


@cache
def table() -> JobTable:
    """The user's table."""
    from speaksep_kernel.jobs.queue import JobTable

    return JobTable.open(patience_s=5.0)


def beside(place: Path) -> Iterator[Path]:
    """What earlier jobs found in a recording."""
    for ending, file in MADE.values():
        yield from place.parent.glob(f"{_literal(place.stem)}-{ending}*/*/{file}")


def submit(root: Path, verb: str, paths: Sequence[str], options: Mapping[str, Any], *, batch: bool) -> list[str]:
    """Queue a job per recording, all or none, and see to it that somebody works; their ids.

    Raises
    ------
    InputError
        A recording is not there, or an option cannot be.
    """
    from speaksep_kernel.jobs import notebooks
    from speaksep_kernel.jobs.batch.folder import Task, new_batch, settle
    from speaksep_kernel.jobs.job import JobRequest
    from speaksep_kernel.jobs.parameters import validated

    notebook = notebooks.get(verb)
    places = [inside(root, path) for path in paths]
    parameters = [validated(notebook, {**options, "source": str(place)}) for place in places]
    if batch:
        name = time.strftime(f"batch-%Y-%m-%d-%H%M-{MADE[verb][0]}")
        tasks = [Task(each, told) for each, told in zip(_names(places), parameters, strict=True)]
        made = settle(new_batch(free_name(root / name), verb, tasks, {"about": {"batch_name": name}}))
        requests = made.requests()
    else:
        requests = [
            JobRequest(
                notebook=verb,
                parameters=told,
                output=str(free_name(place.with_name(f"{place.stem}-{MADE[verb][0]}"))),
                about={"name": place.name},
            )
            for place, told in zip(places, parameters, strict=True)
        ]
    jobs = table().submit_many(requests)
    ensure_worker()
    return [job.id for job in jobs]


def listed(root: Path) -> list[dict[str, Any]]:
    """The newest jobs; if some wait and nobody works here, somebody does from now on."""
    from speaksep_kernel.jobs.job import user_name

    found = table().jobs(owner=user_name(), limit=LISTED, newest_first=True, notebooks=tuple(MADE))
    if any(job.state == "queued" for job in found):
        ensure_worker()
    return [_told(root, job) for job in found]


def cancel(job_id: str) -> None:
    """Stop a job of this user."""
    table().cancel(_own(job_id))


def retry(job_id: str) -> None:
    """Run a failed or cancelled job of this user again."""
    table().retry(_own(job_id))
    ensure_worker()


def ensure_worker() -> None:
    """Start who works off the table, unless the one that was started last still does; it ends when all is done.

    In a session of its own: jobs go on when the page, or the server, is closed.
    """
    global _worker
    with _lock:
        if _worker is None or _worker.poll() is not None:
            null = subprocess.DEVNULL
            _worker = subprocess.Popen(WORK, stdin=null, stdout=null, stderr=null, start_new_session=True)


def _own(job_id: str) -> str:
    from speaksep_kernel.errors import InputError
    from speaksep_kernel.jobs.job import user_name

    job = table().find(job_id)
    if job is None or job.owner != user_name():
        raise InputError(f"no job {job_id[:40]!r}", reason="unknown-job", hint="list your jobs")
    return job.id


def _told(root: Path, job: Job) -> dict[str, Any]:
    fields = job.to_dict()
    done = job.state == "succeeded"
    names = ("id", "state", "fraction", "stage", "error", "batch", "created_at", "finished_at")
    return {name: fields[name] for name in names} | {
        "where": "local",
        "verb": job.notebook,
        "name": (job.about or {}).get("name") or Path(str(job.parameters.get("source", ""))).name,
        "batch_name": (job.about or {}).get("batch_name"),
        "page": f"job/{job.id}",
        "batch_page": f"batch/{job.batch}" if job.batch else None,
        "report": f"report/{job.id}" if done else None,
        "notebook": shown(root, job.report),
        "folder": shown(root, job.output) if done else None,
    }


def _names(places: Sequence[Path]) -> list[str]:
    found: list[str] = []
    for place in places:
        name, number = place.stem, 2
        while name in found:
            name, number = f"{place.stem}-{number}", number + 1
        found.append(name)
    return found


def _literal(name: str) -> str:
    """A name as a pattern that only it fits."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
