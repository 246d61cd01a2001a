"""The platform in figures: what waits, what runs, how fast, what failed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from statistics import median, quantiles
from typing import Any

from speaksep_dashboards.batch.rows import Row, row_of
from speaksep_dashboards.page import iso
from speaksep_dashboards.places import without_folders
from speaksep_kernel.jobs.job import Job
from speaksep_kernel.jobs.states import State

HOURS = 24
HOUR_S = 3600.0
MOST_NAMED = 15
"""Reasons, people and workers that are named; the others are counted together."""


def queue(waiting: Sequence[Job], claimable: int, now: float) -> dict[str, Any]:
    """What waits: ``due`` jobs wait for nothing but a worker, the oldest of all for ``oldest_s``.

    Parameters
    ----------
    waiting
        Queued jobs, the oldest first; the first ones are enough.
    claimable
        How many could be claimed now.
    now
        Seconds since 1970 (UTC).
    """
    oldest = min((job.created_at for job in waiting), default=None)
    return {"due": claimable, "oldest_s": None if oldest is None else round(max(0.0, now - oldest), 1)}


def running(jobs: Iterable[Job]) -> list[dict[str, Any]]:
    """What runs: who asked, who works, how far. What the recordings are called is their owners' business."""
    return [
        {
            "id": job.id,
            "owner": job.owner,
            "notebook": job.notebook,
            "worker": job.worker or "",
            "state": str(job.state),
            "stage": without_folders(job.stage),
            "fraction": job.fraction,
            "attempts": job.attempt,
            "started_at": iso(job.started_at),
        }
        for job in jobs
    ]


def finished(jobs: Sequence[Job], now: float) -> dict[str, Any]:
    """What was done in the last `HOURS` hours.

    Returns
    -------
    ``jobs`` and of these ``failed`` and ``cancelled``; ``cached``, share of those that succeeded by an earlier result;
    ``wait_s`` and ``rtf``, as `spread`; ``rtf_by`` notebook and device; ``hours``: succeeded and failed in each, the
    oldest first; ``reasons``, ``people`` and ``workers``, see `most`; ``lost``, how often a worker vanished.
    """
    recent = [job for job in jobs if job.finished_at is not None and now - job.finished_at < HOURS * HOUR_S]
    rows = [(job, row_of(job)) for job in recent]
    done = [(job, row) for job, row in rows if job.state is State.SUCCEEDED]
    failed = [job for job in recent if job.state is State.FAILED]
    ran = [(job, row) for job, row in done if not row.cached and row.sound_s and row.seconds]
    speeds: dict[tuple[str, str], list[float]] = defaultdict(list)
    for job, row in ran:
        speeds[job.notebook, "GPU" if row.on_gpu else "CPU"].append(_rtf(row))
    reasons = Counter(str((job.error or {}).get("reason") or "unknown") for job in failed)
    return {
        "jobs": len(recent),
        "failed": len(failed),
        "cancelled": sum(job.state is State.CANCELLED for job in recent),
        "cached": round(sum(row.cached for _, row in done) / len(done), 4) if done else None,
        "wait_s": spread([job.started_at - job.created_at for job in recent if job.started_at and job.attempt == 1]),
        "rtf": spread([_rtf(row) for _, row in ran]),
        "rtf_by": [
            {"notebook": notebook, "on": on, "jobs": len(values), **(spread(values) or {})}
            for (notebook, on), values in sorted(speeds.items())
        ],
        "hours": _hours(recent, now),
        "reasons": most(reasons),
        "people": most(Counter(job.owner for job in recent)),
        "workers": most(Counter(job.worker for job in recent if job.worker)),
        "lost": sum(job.losses for job in recent),
    }


def spread(values: Sequence[float]) -> dict[str, float] | None:
    """Median and 95th percentile; None of nothing.

    Examples
    --------
    >>> spread([1.0, 2.0, 3.0]), spread([])
    ({'median': 2.0, 'p95': 3.0}, None)
    """
    if not values:
        return None
    p95 = quantiles(values, n=20, method="inclusive")[-1] if len(values) >= 20 else max(values)
    return {"median": round(median(values), 4), "p95": round(p95, 4)}


def most(counted: Counter[str]) -> list[dict[str, Any]]:
    """``{"name", "jobs"}`` of the most frequent, then of all others together."""
    named = counted.most_common(MOST_NAMED)
    rest = counted.total() - sum(jobs for _, jobs in named)
    return [{"name": name, "jobs": jobs} for name, jobs in named] + ([{"name": "others", "jobs": rest}] if rest else [])


def _hours(jobs: Iterable[Job], now: float) -> list[dict[str, Any]]:
    first = (now // HOUR_S - HOURS + 1) * HOUR_S
    found: list[dict[str, Any]] = [{"at": iso(first + k * HOUR_S), "succeeded": 0, "failed": 0} for k in range(HOURS)]
    for job in jobs:
        k = int(((job.finished_at or 0.0) - first) // HOUR_S)
        name = {State.SUCCEEDED: "succeeded", State.FAILED: "failed"}.get(job.state)
        if name and 0 <= k < HOURS:
            found[k][name] += 1
    return found


def _rtf(row: Row) -> float:
    return (row.seconds or 0.0) / (row.sound_s or 1.0)
