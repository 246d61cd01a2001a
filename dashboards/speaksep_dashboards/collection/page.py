"""The page of a collection."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, cast

from speaksep_dashboards import bokeh
from speaksep_dashboards.collection.measures import MEASURES
from speaksep_dashboards.collection.shelf import Kept, read_result, shelf, standing, which
from speaksep_dashboards.comments import Commented
from speaksep_dashboards.desk import Desk
from speaksep_dashboards.page import Answer, iso
from speaksep_kernel.diagnosis.advice import sentence
from speaksep_kernel.diagnosis.finding import SEVERITIES
from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs.job import Job
from speaksep_kernel.jobs.states import State

if TYPE_CHECKING:
    from speaksep_kernel.catalogue.share import Share


class CollectionPage(Commented):
    """Recordings of one owner: a list of jobs, a batch, or all that were separated."""

    kind: ClassVar[str] = "collection"
    reads: ClassVar[frozenset[str]] = frozenset({"findings", "bokeh"})
    assets: ClassVar[tuple[str, ...]] = (bokeh.NAME,)

    def _own_title(self) -> str:
        return "All recordings" if self.share.what.get("all") else str(self.share.what.get("batch", "Recordings"))

    def state(self) -> Any:
        """See `ViewPage.state`."""
        return [standing(self.desk, self.share), self.said()]

    def shown(self) -> dict[str, Any]:
        """What there is, as columns: a list of numbers or words for each, all of one length and order.

        ``columns`` has ``id``, ``name``, ``made_at`` (seconds since 1970), ``severity`` (place in ``severities``),
        ``warnings``, ``findings`` (places in ``codes``) and every one of ``measures``; null where nothing was measured.
        ``states`` counts jobs, ``reasons`` those that failed, ``unreadable`` results that nobody can read.
        """
        told = _told(self.desk, self.share, standing(self.desk, self.share))
        return {"opens": "recording/", "comments": self.comments(), **told}

    def rows(self) -> list[dict[str, Any]]:
        """One row per recording, with words instead of places; also those that are not finished, or failed."""
        return [_row(each) for each in _shelf(self.desk, self.share)]

    def within(self, job: str) -> Share:
        """What of this share shows one of its recordings.

        Raises
        ------
        InputError
            Reason ``unknown-recording``: it is none of these.
        """
        ids = which(self.share).get("ids")
        wanted = which(self.share) | {"ids": [job]}
        if (ids is not None and job not in ids) or not self.desk.jobs.jobs(**wanted):
            raise InputError(
                f"recording {job[:40]!r} is not in this collection", reason="unknown-recording", hint="choose one of it"
            )
        return replace(self.share, kind="recording", what={"job": job}, title="")

    def answer_findings(self, *, job: str) -> Answer:
        """Why a recording is where it is: its findings that are worth a notice, the worst first.

        Raises
        ------
        InputError
            Reasons ``unknown-recording``, ``gone-result``, ``half-written`` and ``newer-version``.
        """
        self.within(job)
        kept = next(each for each in _shelf(self.desk, self.share) if each.job.id == job)
        told = read_result(self.desk.store, kept.newest)
        found = told.get("diagnosis", told)["findings"]
        noted = sorted(
            (each for each in found if each["severity"] != SEVERITIES[0]),
            key=lambda each: -SEVERITIES.index(each["severity"]),
        )
        names = ("code", "severity", "why", "subject")
        return Answer(
            {
                "findings": [
                    {**{name: each.get(name, "") for name in names}, "advice": sentence(each.get("advice", ""))}
                    for each in noted
                ]
            }
        )

    def answer_bokeh(self) -> Answer:
        """BokehJS, for pages that have a kernel and no front."""
        return Answer({}, (bokeh.script().read_bytes(),))


_reading = threading.Lock()


def _told(desk: Desk, share: Share, state: list[Any]) -> dict[str, Any]:
    """Columns; those who come at once wait for one who reads."""
    with _reading:
        return _columns(desk, share.owner, json.dumps(share.what), json.dumps(state))


def _shelf(desk: Desk, share: Share) -> Sequence[Kept]:
    with _reading:
        return _kept(desk, share.owner, json.dumps(share.what), json.dumps(standing(desk, share)))


@lru_cache(maxsize=8)
def _kept(desk: Desk, owner: str, what: str, _state: str) -> tuple[Kept, ...]:
    from speaksep_kernel.catalogue.share import Share

    return tuple(shelf(desk, Share(owner=owner, kind="collection", what=json.loads(what))))


@lru_cache(maxsize=8)
def _columns(desk: Desk, owner: str, what: str, state: str) -> dict[str, Any]:
    kept = _kept(desk, owner, what, state)
    there = [each for each in kept if each.measures]
    codes = sorted({code for each in there for code in each.measures["findings"]})
    place = {code: number for number, code in enumerate(codes)}
    columns: dict[str, list[Any]] = {
        "id": [each.job.id for each in there],
        "name": [each.name for each in there],
        "made_at": [round(each.job.finished_at or each.job.created_at) for each in there],
        "severity": [SEVERITIES.index(each.measures["severity"]) for each in there],
        "warnings": [each.measures["warnings"] for each in there],
        "findings": [[place[code] for code in each.measures["findings"]] for each in there],
    }
    columns |= {measure.name: [_value(each, measure.name) for each in there] for measure in MEASURES}
    failed = [each.job.error or {} for each in kept if each.job.state is State.FAILED]
    named = json.loads(what).get("jobs")
    unreadable = Counter(each.unreadable for each in kept if each.unreadable)
    unreadable["gone-result"] += 0 if named is None else len(set(named)) - len(kept)
    return {
        "columns": columns,
        "codes": codes,
        "severities": list(SEVERITIES),
        "measures": [measure.to_dict() for measure in MEASURES],
        "states": dict(Counter(each.job.state.value for each in kept)),
        "reasons": dict(Counter(str(error.get("reason") or "unknown") for error in failed).most_common()),
        "unreadable": {reason: count for reason, count in unreadable.items() if count},
    }


def _row(kept: Kept) -> dict[str, Any]:
    job, error = kept.job, kept.job.error or {}
    failed = job.state is State.FAILED
    took = job.finished_at - job.started_at if job.finished_at and job.started_at else None
    return {
        "id": job.id,
        "state": job.state.value,
        "seconds": None if took is None else round(took, 3),
        "attempts": job.attempt,
        "cached": _cached(job),
        "reason": str(error.get("reason", "")) if failed else kept.unreadable,
        "error": str(error.get("error", "")) if failed else "",
        "made_at": iso(job.finished_at or job.created_at),
        **kept.measures,
        "name": kept.name,
        "rtf": _value(kept, "rtf"),
    }


def _value(kept: Kept, measure: str) -> float | int | None:
    if measure != "rtf":
        return cast("float | int | None", kept.measures.get(measure))
    job, sound_s = kept.job, kept.measures.get("sound_s")
    if _cached(job) or not (job.started_at and job.finished_at and sound_s):
        return None
    return round((job.finished_at - job.started_at) / float(sound_s), 4)


def _cached(job: Job) -> bool:
    return bool(isinstance(job.result, dict) and job.result.get("cached"))
