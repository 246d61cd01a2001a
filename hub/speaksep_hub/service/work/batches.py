"""Many jobs at once: all rows are looked at first, and all of them are queued, or none."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from speaksep_hub.service.errors import Conflict, Refusal
from speaksep_hub.service.work.answers import error_answer
from speaksep_hub.service.work.offers import offer
from speaksep_hub.service.work.orders import Order, check_free, kind_of, queue, request_of
from speaksep_hub.service.work.results import Revision, manifest_of, tracks_of
from speaksep_kernel.catalogue.subjects import SEPARATES
from speaksep_kernel.errors import SpeakSepError
from speaksep_kernel.jobs.job import Job, JobRequest
from speaksep_kernel.jobs.states import State

if TYPE_CHECKING:
    from speaksep_hub.service.platform import Platform


class BrokenBatch(Refusal):
    """Rows that cannot run. Nothing was begun.

    Parameters
    ----------
    rows
        What is wrong with each, one line each.
    of
        How many rows there are.
    """

    def __init__(self, rows: Sequence[str], of: int) -> None:
        self.rows = tuple(rows)
        more = f" … and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
        super().__init__(
            f"{len(rows)} of {of} rows cannot run: {'; '.join(rows[:_NAMED])}{more}",
            reason="broken-rows",
            hint="correct them or leave them away; all of them are in rows",
        )

    def to_dict(self) -> dict[str, Any]:
        """With all the rows."""
        return super().to_dict() | {"rows": list(self.rows)}


_NAMED = 3


def begin(
    platform: Platform,
    owner: str,
    notebook: str,
    rows: Sequence[Mapping[str, Any]],
    *,
    name: str | None,
    key: str | None,
) -> str:
    """Queue a job for every row.

    Parameters
    ----------
    platform, owner
        Where, and whose.
    notebook
        Name of one that is offered.
    rows
        Its parameters for each job.
    name
        What the person calls it.
    key
        A second batch of the same person with this key is the first one.

    Returns
    -------
    Id of the batch.

    Raises
    ------
    BrokenBatch
        Some rows cannot run; all that cannot are named, and nothing is queued.
    Conflict
        Reason ``key-conflict``: the key belongs to another batch.
    """
    found = offer(notebook)
    batch = _id(owner, key)
    kind = kind_of(found)
    requests: list[JobRequest] = []
    broken = []
    for number, row in enumerate(rows, 1):
        order = Order(kind, found.name, row, key=f"{batch}/{number}", batch=batch, about={"batch_name": name})
        try:
            check_free(found, row)
            requests.append(request_of(platform, owner, order))
        except SpeakSepError as error:
            broken.append(f"row {number}: {error.error}")
    if broken:
        raise BrokenBatch(broken, len(rows))
    before = sum(platform.jobs.counts(owner=owner, batch=batch).values())
    if before and before != len(rows):
        raise Conflict(
            f"idempotency key {key!r} belongs to batch {batch}, which has {before} rows, not {len(rows)}",
            reason="key-conflict",
            hint="give every batch a key of its own, or send the same batch again",
        )
    queue(platform, owner, requests)
    return batch


def results_table(platform: Platform, jobs: Sequence[Job]) -> bytes:
    """One line per job, as CSV: how it stands, what was found, its parameters.

    Parameters
    ----------
    platform
        With the results.
    jobs
        All of a batch, in order.
    """
    rows = [_row(platform, job) for job in jobs]
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, columns, lineterminator="\n")
    table.writeheader()
    table.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue().encode()


def _row(platform: Platform, job: Job) -> dict[str, Any]:
    about = job.about or {}
    error = error_answer(platform, job.error) if job.error and job.state is not State.SUCCEEDED else None
    took = job.finished_at - job.started_at if job.finished_at and job.started_at else None
    own = {
        "job": job.id,
        "recording": about.get("recording"),
        "name": about.get("name"),
        "state": job.state.value,
        "seconds": None if took is None else round(took, 3),
        "attempts": job.attempt,
        "reason": error and error.reason,
        "error": error and error.error,
        **_found(platform, job),
    }
    asked: dict[str, Any] = about.get("parameters", {})
    return own | {f"parameter_{name}" if name in own else name: value for name, value in asked.items()}


def _found(platform: Platform, job: Job) -> dict[str, Any]:
    nothing = dict.fromkeys(("speakers_found", "speech_ratio", "overlap_ratio"))
    if job.notebook != SEPARATES or job.state is not State.SUCCEEDED:
        return nothing
    try:
        manifest = manifest_of(platform, Revision(0, job, tracks_of(platform, job)))
    except SpeakSepError:
        return nothing  # it was removed
    diagnosis = manifest["diagnosis"]
    ratios = {name: diagnosis[name] for name in ("speech_ratio", "overlap_ratio")}
    return {"speakers_found": len(manifest["speakers"]), **ratios}


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _id(owner: str, key: str | None) -> str:
    """The same for the same key, and no other person's."""
    digits = secrets.token_hex(8) if key is None else hashlib.sha256(f"{owner}\0{key}".encode()).hexdigest()[:16]
    return f"b{digits}"
