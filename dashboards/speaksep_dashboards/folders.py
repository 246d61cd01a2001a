"""Folders of results and of batches as rows of a job table, as if they had just been made."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from speaksep_kernel.catalogue.subjects import SEPARATES
from speaksep_kernel.errors import InputError, SpeakSepError
from speaksep_kernel.jobs import notebooks
from speaksep_kernel.jobs.attempt import PROVENANCE
from speaksep_kernel.jobs.batch.folder import BATCH, RESULTS, Task, read_batch
from speaksep_kernel.jobs.job import JobRequest, user_name
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.jobs.states import State
from speaksep_kernel.results.directory import MANIFEST
from speaksep_kernel.results.measures import measures_of


def known_batches(places: Sequence[Path]) -> bool:
    """Whether all places (there may be none) are batches that the user's job table knows."""
    if not places:
        return True
    if not all((place / BATCH).is_file() for place in places):
        return False
    batches = [read_batch(place) for place in places]
    with JobTable.open() as table:
        return all(table.batches(user_name(), only=batch.id) for batch in batches)


def take_in(places: Sequence[Path], database: Path) -> None:
    """Note results and batches in a table of their own, which is made.

    Raises
    ------
    InputError
        Reason ``no-result``: a place is neither.
    """
    database.parent.mkdir(parents=True, exist_ok=True)
    rows = _Rows(database)
    try:
        for place in places:
            if (place / BATCH).is_file():
                rows.batch(place.resolve())
            elif (place / MANIFEST).is_file():
                rows.result(place.resolve())
            else:
                raise InputError(
                    f"{str(place)!r} is neither a result nor a batch",
                    reason="no-result",
                    hint="give the folder that speaksep separate or speaksep batch wrote",
                )
    finally:
        rows.table.close()


class _Rows:
    """Rows with the times at which things were made."""

    def __init__(self, database: Path) -> None:
        self._now = 0.0
        self.table = JobTable.open(database, clock=lambda: self._now)

    def result(self, place: Path) -> None:
        """A folder with a manifest at its top."""
        made_at = (place / MANIFEST).stat().st_mtime
        parameters = {notebooks.get(SEPARATES).output: place.name}
        about, told = _told(place)
        self._put(SEPARATES, parameters, place.parent, f"result {place}", about, made_at, made_at, told, None)

    def batch(self, place: Path) -> None:
        """A batch, job by job."""
        batch = read_batch(place)
        failures = _failures(place)
        for task in batch.tasks:
            directory = place / task.name
            found = next(iter(sorted(directory.glob(f"*/{MANIFEST}"))), None)
            about, told = _told(found.parent) if found else ({"name": task.name}, None)
            started_at, seconds, cached = _provenance(directory, place)
            error = None if found else failures.get(task.name, task.error)
            result = {"cached": cached} | (told or {}) if found else None
            self._put(
                batch.notebook,
                task.parameters,
                directory,
                f"{batch.id}/{task.name}",
                _with_length(about, task),
                started_at,
                started_at + seconds,
                result,
                error,
                batch=batch.id,
            )

    def _put(
        self,
        notebook: str,
        parameters: Mapping[str, Any],
        directory: Path,
        key: str,
        about: Mapping[str, Any],
        started_at: float,
        finished_at: float,
        result: Mapping[str, Any] | None,
        error: Mapping[str, Any] | None,
        batch: str | None = None,
    ) -> None:
        self._now = started_at
        job = self.table.submit(
            JobRequest(
                notebook=notebook,
                parameters=parameters,
                output=str(directory),
                key=key[-255:],
                batch=batch,
                about={"kind": "separation", **about},
                priority=1,
                max_attempts=1,
            )
        )
        if job.state is not State.QUEUED or (result is None and error is None):
            return  # named twice, or not done
        claimed = self.table.claim("folders", lease_s=600.0)
        assert claimed is not None  # it was just submitted
        self._now = finished_at
        if result is not None:
            report = next(iter(sorted(directory.glob("*.ipynb"))), None)
            told = {"directory": str(directory), "files": {}, "cached": None, "device": "", **result}
            self.table.succeed(claimed.id, claimed.attempt, told, str(report) if report else None)
        else:
            report = next(iter(sorted(directory.parent.glob(f"{directory.name}*.ipynb"))), None)
            self.table.fail(claimed.id, claimed.attempt, dict(error or {}), False, str(report) if report else None)


def _told(result: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a row says about a result, and of it; a page says what is wrong with one that cannot be read."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, SpeakSepError):
        told = json.loads((result / MANIFEST).read_bytes())
        return {"name": told["input"]["name"]}, {"measures": measures_of(told)}
    return {"name": result.name}, {"measures": None}


def _with_length(about: Mapping[str, Any], task: Task) -> dict[str, Any]:
    return dict(about) | ({} if task.seconds is None else {"sound_s": task.seconds})


def _provenance(directory: Path, batch: Path) -> tuple[float, float, Any]:
    """When a job of a batch began, how long it took, and where its result was taken from."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        told = json.loads((directory / PROVENANCE).read_bytes())
        return datetime.fromisoformat(told["started"]).timestamp(), float(told["seconds"]), told["result"].get("cached")
    return (batch / BATCH).stat().st_mtime, 0.0, None


def _failures(batch: Path) -> dict[str, dict[str, str]]:
    """Why jobs of a batch failed, by name, as its table says."""
    with (
        suppress(OSError, csv.Error, UnicodeDecodeError),
        (batch / RESULTS[0]).open(encoding="utf-8", newline="") as file,
    ):
        return {
            row["name"]: {"error": row.get("error") or "it failed", "reason": row.get("reason") or "failed", "hint": ""}
            for row in csv.DictReader(file)
            if row.get("name") and row.get("state") not in ("succeeded", "queued", "running")
        }
    return {}
