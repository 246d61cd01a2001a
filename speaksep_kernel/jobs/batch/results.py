"""What came of a batch: one row per job, as CSV and as Parquet."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speaksep_kernel.atomic import write_atomically
from speaksep_kernel.jobs.batch.folder import RESULTS, Batch
from speaksep_kernel.jobs.job import Job
from speaksep_kernel.jobs.states import State
from speaksep_kernel.results.directory import MANIFEST

REFUSED = "refused"
"""State of a row that could never run."""
COLUMNS = ("name", "state", "sound_s", "seconds", "attempts", "cached", "directory", "notebook", "reason", "error")


@dataclass(frozen=True)
class Result:
    """What came of one job.

    Attributes
    ----------
    name
        Its folder in the batch's directory.
    job
        Its id in the table; "" if it was never submitted.
    state
        As in the table, or "refused".
    sound_s
        Length of its recording, if known.
    seconds
        How long its last attempt took; ``None`` if there was none.
    attempts
        How many there were.
    cached
        Whether an earlier job's result was used.
    directory, notebook
        Where its files and its executed notebook are; "" if nowhere.
    error
        The shape of `SpeakSepError.to_dict`; ``None`` unless it failed.
    parameters
        What it was given.
    found
        Figures of its result.
    """

    name: str
    job: str
    state: str
    sound_s: float | None
    seconds: float | None
    attempts: int
    cached: bool
    directory: str
    notebook: str
    error: Mapping[str, Any] | None
    parameters: Mapping[str, Any]
    found: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """One flat, JSON-ready row; a parameter that is called like a column comes as ``parameter_…``."""
        error = self.error or {}
        own = {name: getattr(self, name, None) for name in COLUMNS}
        own |= {"reason": error.get("reason", ""), "error": error.get("error", "")}
        parameters = {f"parameter_{name}" if name in own else name: value for name, value in self.parameters.items()}
        return own | dict(self.found) | parameters | {"job": self.job}


def results_of(batch: Batch, jobs: Iterable[Job]) -> list[Result]:
    """A result for every row of the batch, in its order.

    Parameters
    ----------
    batch
        What was asked for.
    jobs
        Its jobs, as they stand in the table.
    """
    by_name = {str(job.key).partition("/")[2]: job for job in jobs}
    return [
        _result(task.name, task.parameters, task.seconds, task.error, by_name.get(task.name)) for task in batch.tasks
    ]


def write_results(batch: Batch, results: Sequence[Result]) -> tuple[Path, Path]:
    """Write ``results.csv`` and ``results.parquet``; each is wholly old or wholly new.

    Raises
    ------
    StoreError
        They cannot be written.
    """
    rows = [result.to_dict() for result in results]
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, columns, lineterminator="\n")
    table.writeheader()
    table.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    places = batch.directory / RESULTS[0], batch.directory / RESULTS[1]
    write_atomically(places[0], text.getvalue().encode(), mode=0o644)
    write_atomically(places[1], _parquet(rows, columns), mode=0o644)
    return places


def _result(
    name: str, parameters: Mapping[str, Any], sound_s: float | None, refusal: Mapping[str, Any] | None, job: Job | None
) -> Result:
    if job is None:
        state = REFUSED if refusal else State.QUEUED.value
        return Result(name, "", state, sound_s, None, 0, False, "", "", refusal, parameters)
    done = job.state is State.SUCCEEDED
    took = job.finished_at - job.started_at if job.finished_at and job.started_at else None
    return Result(
        name=name,
        job=job.id,
        state=job.state.value,
        sound_s=sound_s,
        seconds=None if took is None else round(took, 3),
        attempts=job.attempt,
        cached=bool(isinstance(job.result, dict) and job.result.get("cached")),
        directory=job.output if done else "",
        notebook=job.report or "",
        error=None if done else job.error,
        parameters=parameters,
        found=_found(Path(job.output)) if done else {},
    )


def _found(directory: Path) -> dict[str, Any]:
    """What a separation found, if there is one."""
    for place in directory.glob(f"*/{MANIFEST}"):
        try:
            manifest = json.loads(place.read_bytes())
            diagnosis = manifest["diagnosis"]
            return {
                "speakers_found": len(manifest["speakers"]),
                "speech_ratio": diagnosis["speech_ratio"],
                "overlap_ratio": diagnosis["overlap_ratio"],
            }
        except (OSError, ValueError, KeyError, TypeError):
            continue  # somebody else's manifest
    return {}


def _cell(value: Any) -> Any:
    """As a table takes it: no None, no lists, and no bytes of file names that are not Unicode."""
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "backslashreplace").decode()


def _parquet(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    import fastparquet
    import pandas as pd

    frame = pd.DataFrame({name: _column([row.get(name) for row in rows]) for name in columns})
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "results.parquet")
        fastparquet.write(str(place), frame, object_encoding="utf8", write_index=False)
        return place.read_bytes()


def _column(values: list[Any]) -> Any:
    """Numbers as numbers, everything else as text; what is missing stays missing."""
    import pandas as pd

    there = [value for value in values if value is not None]
    if there and all(isinstance(value, bool) for value in there) and len(there) == len(values):
        return pd.Series(values, dtype="bool")
    if there and all(isinstance(value, int | float) for value in there):
        whole = len(there) == len(values) and all(isinstance(value, int) for value in there)
        return pd.Series(values, dtype="int64" if whole else "float64")
    return pd.Series([None if value is None else str(_cell(value)) for value in values], dtype="object")
