"""Results worth looking at, laid where a platform keeps them, and what their owner shares with a viewer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from speaksep_dashboards.desk import Desk
from speaksep_kernel.jobs.job import Job
from speaksep_kernel.jobs.states import State
from tests.dashboards.batches_made import Clock, ask, begin, fail, finish
from tests.dashboards.many_recordings import many, measures
from tests.dashboards.stored_results import OWNER, desk_at, make

VIEWER = "vera"
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 860}


@dataclass(frozen=True)
class Scene:
    """What is there to look at.

    Attributes
    ----------
    folder
        Of the platform.
    shares
        Id of the share of each kind of view, for `VIEWER`.
    foreign
        Id of one that is for somebody else.
    running
        The job of the batch that is under way.
    """

    folder: Path
    shares: Mapping[str, str]
    foreign: str
    running: Job


def furnish(folder: Path, *, recordings: int = 400) -> Scene:
    """Fill the folder of a platform before it is brought up; its workers will find nothing to do."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    many(folder, recordings)
    _empty_queue(folder)
    made = make(folder)
    made.desk.close()
    _empty_queue(folder)
    desk = desk_at(folder)
    clock = desk.jobs._clock = Clock()
    clock.now = time.time() - 300
    chance = Random(4)
    ask(desk, 12, batch="may")
    for sound_s in (31.0, 62.0, 48.0, 55.0, 240.0, 18.0, 75.0):
        job = begin(desk)
        clock.now += 0.4 * sound_s
        told = measures(chance, 1.0) | {"name": str((job.about or {})["name"]), "sound_s": sound_s}
        finish(desk, job, {"cached": None, "device": "CPU", "measures": told, "files": {}})
    fail(desk, "the recording ends in the middle of a frame", "unreadable")
    fail(desk, "1.2 GB are needed, 0.9 GB are free", "out-of-memory")
    running = begin(desk)
    desk.jobs.report(running.id, running.attempt, 0.45, "separate", "window 9 of 20")
    _cancel_queued(desk)
    shares = desk.catalogue.shares
    what = {
        "recording": {"job": made.cleaned.id},
        "collection": {"all": True},
        "batch": {"batch": "may"},
        "compare": {"a": made.fast.id, "b": made.cleaned.id},
    }
    titles = {
        "recording": "Board meeting, 3 May",
        "collection": "All interviews",
        "batch": "Talks of May",
        "compare": "Quick or cleaned?",
    }
    ids = {
        kind: shares.create(OWNER, kind, each, title=titles[kind], users=[VIEWER], download=True).id
        for kind, each in what.items()
    }
    foreign = shares.create(OWNER, "recording", what["recording"], users=["somebody"]).id
    desk.close()
    return Scene(folder, ids, foreign, running)


def _empty_queue(folder: Path) -> None:
    desk = desk_at(folder)
    _cancel_queued(desk)
    desk.close()


def _cancel_queued(desk: Desk) -> None:
    for job in desk.jobs.jobs(states=[State.QUEUED]):
        desk.jobs.cancel(job.id)
