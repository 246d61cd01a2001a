"""A batch in figures: how far it is, how long it will take, what failed, what it cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from speaksep_dashboards.batch.rows import Row
from speaksep_dashboards.page import iso
from speaksep_kernel.jobs.batch.results import REFUSED
from speaksep_kernel.jobs.states import HELD, State

STATES = (*(state.value for state in State), REFUSED)
MOST_RUNNING, MOST_FAILED = 40, 60
"""Of the jobs that are named at once; the others are in the table."""
_BAD = (State.FAILED.value, REFUSED)


def figures(rows: Sequence[Row]) -> dict[str, Any]:
    """What there is to see at a glance.

    Returns
    -------
    ``counts`` by state; ``done`` of ``total`` as a share of the work; ``eta_s`` (None while nothing runs); ``running``
    and ``failed`` jobs, at most `MOST_RUNNING` and `MOST_FAILED`; ``reasons`` with how many failed for each; ``cost``.
    """
    counts = Counter(row.state for row in rows)
    running = [row for row in rows if row.state in HELD]
    failed = [row for row in rows if row.state in _BAD]
    return {
        "counts": {state: counts[state] for state in STATES},
        "total": len(rows),
        "finished": bool(rows) and all(row.finished for row in rows),
        "done": round(_done(rows), 4),
        "eta_s": eta_s(rows),
        "running": [_running(row) for row in running[:MOST_RUNNING]],
        "failed": [_failed(row) for row in failed[:MOST_FAILED]],
        "reasons": _reasons(failed),
        "cost": cost(rows),
    }


def eta_s(rows: Sequence[Row]) -> float | None:
    """Seconds until the batch is done if it goes on as it did: what is left, by how many run at once.

    A job should take what was predicted, corrected by how long those took that are over; where nothing is predicted,
    as long as the median of those.
    """
    left = [row for row in rows if not row.finished]
    running = sum(row.state in HELD for row in rows)
    took = [row.seconds for row in rows if row.seconds and not row.cached and row.state == State.SUCCEEDED]
    if not left:
        return 0.0
    if not running or not (took or any(row.predicted_s for row in left)):
        return None
    usual = median(took) if took else None
    ratio = _ratio(rows) or 1.0
    expected = [_expected(row, ratio, usual) for row in left]
    known = [each for each in expected if each is not None]
    typical = usual or sum(known) / max(len(known), 1)
    work = sum(
        (typical if each is None else each) * (1 - row.fraction) for each, row in zip(expected, left, strict=True)
    )
    return round(work / running, 1)


def cost(rows: Iterable[Row]) -> dict[str, Any]:
    """What the finished jobs took, and what they should have taken on two CPU cores.

    Returns
    -------
    ``jobs`` (those that ran), ``cached`` (those that did not have to), ``sound_s``, ``seconds`` and of these ``cpu_s``
    on CPUs alone and ``gpu_s`` with a GPU, ``processor_s`` (what processors spent, where that was measured, else None),
    ``rtf`` (seconds per second of sound), ``predicted_s`` ``[least, most]`` and ``compared_s``, the seconds of the jobs
    that were predicted.
    """
    over = [row for row in rows if row.seconds is not None]
    ran = [row for row in over if not row.cached]
    done = [row for row in ran if row.state == State.SUCCEEDED]
    sounding = [row for row in done if row.sound_s]
    predicted = [row for row in done if row.predicted_s and not row.on_gpu]
    sound_s = sum(row.sound_s or 0.0 for row in sounding)
    spent = [row.cpu_s for row in ran if row.cpu_s is not None]
    return {
        "jobs": len(ran),
        "cached": sum(row.cached for row in over),
        "sound_s": round(sound_s, 1),
        "seconds": round(_seconds(ran), 1),
        "cpu_s": round(_seconds(row for row in ran if not row.on_gpu), 1),
        "gpu_s": round(_seconds(row for row in ran if row.on_gpu), 1),
        "processor_s": round(sum(spent), 1) if spent else None,
        "rtf": round(_seconds(sounding) / sound_s, 4) if sound_s else None,
        "predicted_s": [round(sum(row.predicted_s[end] for row in predicted if row.predicted_s), 1) for end in (0, 1)],
        "compared_s": round(_seconds(predicted), 1),
    }


def table(rows: Sequence[Row], *, text: str, state: str, offset: int, limit: int) -> dict[str, Any]:
    """A page of the table: ``rows`` whose name has the text in it, and how many there are in all."""
    wanted = text.casefold().strip()
    found = [row for row in rows if wanted in row.name.casefold() and state in ("", row.state)]
    return {"rows": [line(row) for row in found[offset : offset + limit]], "count": len(found)}


def line(row: Row) -> dict[str, Any]:
    """A job in the table."""
    names = ("id", "name", "state", "fraction", "sound_s", "predicted_s", "seconds", "device", "cached", "attempts")
    return {name: getattr(row, name) for name in names} | {
        "error": (row.error or {}).get("error", ""),
        "report": row.report,
    }


def _running(row: Row) -> dict[str, Any]:
    names = ("id", "name", "state", "fraction", "stage", "message", "attempts", "device")
    return {name: getattr(row, name) for name in names} | {"started_at": iso(row.started_at)}


def _failed(row: Row) -> dict[str, Any]:
    names = ("id", "name", "state", "attempts", "report")
    return {name: getattr(row, name) for name in names} | dict(row.error or {})


def _reasons(failed: Iterable[Row]) -> list[dict[str, Any]]:
    """The most frequent first."""
    counted = Counter((row.error or {}).get("reason") or "unknown" for row in failed)
    return [{"reason": reason, "jobs": jobs} for reason, jobs in counted.most_common()]


def _done(rows: Sequence[Row]) -> float:
    """Share of the work, by the length of the recordings where all are known, else by their number."""
    lengths = [row.sound_s for row in rows]
    weights = [length or 1.0 for length in lengths] if all(lengths) else [1.0] * len(rows)
    done = sum(weight * (1.0 if row.finished else row.fraction) for weight, row in zip(weights, rows, strict=True))
    return done / sum(weights) if rows else 0.0


def _ratio(rows: Iterable[Row]) -> float | None:
    """How much longer than predicted jobs took."""
    pairs = [
        (row.seconds, sum(row.predicted_s) / 2)
        for row in rows
        if row.seconds and row.predicted_s and not row.cached and row.state == State.SUCCEEDED
    ]
    return sum(took for took, _ in pairs) / sum(wanted for _, wanted in pairs) if pairs else None


def _expected(row: Row, ratio: float, usual: float | None) -> float | None:
    return ratio * sum(row.predicted_s) / 2 if row.predicted_s else usual


def _seconds(rows: Iterable[Row]) -> float:
    return sum(row.seconds or 0.0 for row in rows)
