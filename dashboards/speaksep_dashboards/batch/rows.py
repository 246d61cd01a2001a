"""The jobs of a batch as lines of a table: where each stands, how long it should take and took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from speaksep_dashboards.desk import Desk
from speaksep_dashboards.places import file_name, without_folders
from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs.batch.cost import CORES, predict
from speaksep_kernel.jobs.batch.folder import BATCH, Task, read_batch
from speaksep_kernel.jobs.batch.results import REFUSED
from speaksep_kernel.jobs.job import Job
from speaksep_kernel.jobs.states import FINISHED, State

MOST_RECORDINGS = 10_000
"""Of an owner, whose lengths are looked up."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One job.

    Attributes
    ----------
    id
        Of the job; "" for a recording that was refused before it became one.
    name
        What the recording is called.
    state
        As in the job table, or "refused".
    fraction, stage, message
        Progress of a running job.
    sound_s
        Length of the recording, if known.
    predicted_s
        Fewest and most seconds it should take on two CPU cores; None where nothing is predicted.
    started_at, seconds
        When its last attempt began (seconds since 1970, UTC), and how long that took, if it is over.
    cpu_s
        What processors spent on it, if that was measured.
    device
        What it computed on, in words; "" before that is known.
    cached
        Whether an earlier job's result was used.
    attempts
        How often it was begun.
    error
        ``{"error", "reason", "hint"}`` of the last failure.
    report
        Whether there is an executed notebook.
    measures
        Of its result, see `speaksep_kernel.results.measures`.
    """

    id: str
    name: str
    state: str
    fraction: float = 0.0
    stage: str = ""
    message: str = ""
    sound_s: float | None = None
    predicted_s: tuple[float, float] | None = None
    started_at: float | None = None
    seconds: float | None = None
    cpu_s: float | None = None
    device: str = ""
    cached: bool = False
    attempts: int = 0
    error: Mapping[str, str] | None = None
    report: bool = False
    measures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        """Whether nothing more happens to it by itself."""
        return self.state == REFUSED or State(self.state) in FINISHED

    @property
    def on_gpu(self) -> bool:
        """Whether it had a GPU."""
        return self.device.startswith("GPU")

    def to_dict(self) -> dict[str, Any]:
        """Flat and JSON-ready, the error and the measures in columns of their own."""
        told = {name: value for name, value in asdict(self).items() if name not in ("error", "measures")}
        error = {name: (self.error or {}).get(name, "") for name in ("error", "reason", "hint")}
        return dict(self.measures) | told | error


@lru_cache(maxsize=16)
def rows_of(desk: Desk, owner: str, batch: str, _version: str) -> tuple[Row, ...]:
    """All jobs of a batch, in their order.

    Parameters
    ----------
    desk, owner, batch
        Whose batch, and which.
    _version
        Another one reads again.
    """
    jobs = desk.jobs.jobs(owner=owner, batch=batch)
    tasks = _tasks(jobs)
    lengths = _Lengths(desk, owner)
    made = [_row(job, lengths, tasks.get(str(job.key).partition("/")[2])) for job in jobs]
    refused = [
        Row(id="", name=task.name, state=REFUSED, sound_s=task.seconds, error=_plain(task.error))
        for task in tasks.values()
        if task.error
    ]
    return (*made, *refused)


def row_of(job: Job, sound_s: float | None = None) -> Row:
    """A job by itself.

    Parameters
    ----------
    sound_s
        Length of its recording, if its result does not say.
    """
    result = job.result if isinstance(job.result, dict) else {}
    measures = dict(result.get("measures") or {})
    sound_s = measures.pop("sound_s", None) or sound_s
    name = (job.about or {}).get("name") or measures.pop("name", None) or _source(job) or job.notebook
    took = job.finished_at - job.started_at if job.finished_at and job.started_at else None
    return Row(
        id=job.id,
        name=str(name),
        state=job.state.value,
        fraction=job.fraction,
        stage=job.stage,
        message=without_folders(job.message),
        sound_s=sound_s,
        predicted_s=_predicted(job.notebook, sound_s),
        started_at=job.started_at,
        seconds=None if took is None else round(max(took, 0.0), 3),
        cpu_s=result.get("cpu_s"),
        device=str(result.get("device") or ""),
        cached=bool(result.get("cached")),
        attempts=job.attempt,
        error=None if job.state is State.SUCCEEDED else _plain(job.error),
        report=bool(job.report),
        measures={name: value for name, value in measures.items() if name != "name"},
    )


def _row(job: Job, lengths: _Lengths, task: Task | None) -> Row:
    known = isinstance(job.result, dict) and (job.result.get("measures") or {}).get("sound_s")
    return row_of(job, None if known else lengths.of(job, task))


class _Lengths:
    """Lengths of recordings whose jobs do not tell them yet; the catalogue is asked once, if at all."""

    def __init__(self, desk: Desk, owner: str) -> None:
        self._desk, self._owner = desk, owner
        self._by_id: dict[str, float] | None = None

    def of(self, job: Job, task: Task | None) -> float | None:
        if task is not None and task.seconds is not None:
            return task.seconds
        recording = (job.about or {}).get("recording")
        if recording is None:
            return None
        if self._by_id is None:
            found = self._desk.catalogue.recordings(self._owner, limit=MOST_RECORDINGS)
            self._by_id = {each.id: each.seconds for each in found}
        return self._by_id.get(recording)


def _tasks(jobs: list[Job]) -> dict[str, Task]:
    """What the folder of a batch remembers, by name; nothing where there is none."""
    if not jobs or "://" in jobs[0].output:
        return {}
    folder = Path(jobs[0].output).parent
    if not (folder / BATCH).is_file():
        return {}
    try:
        return {task.name: task for task in read_batch(folder).tasks}
    except InputError:
        return {}  # damaged: the table says enough


def _source(job: Job) -> str:
    source = job.parameters.get("source")
    return file_name(source) if isinstance(source, str) else ""


def _predicted(notebook: str, sound_s: float | None) -> tuple[float, float] | None:
    if sound_s is None or notebook not in ("separate", "diagnose"):
        return None
    cost = predict([sound_s], verb=notebook, workers=1, cores=CORES)
    return cost.least_s, cost.most_s


def _plain(error: Mapping[str, Any] | None) -> dict[str, str] | None:
    if not error:
        return None
    return {name: without_folders(str(error.get(name) or "")) for name in ("error", "reason", "hint")}
