"""Something in every table of jobs and catalogue, and what is in them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, MetaData

from speaksep_kernel.catalogue.catalogue import Catalogue
from speaksep_kernel.jobs.job import Job, JobRequest
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.recording.inspection import Sound

Contents = dict[str, list[dict[str, Any]]]
"""Per table, its rows in some order that is always the same."""

SOUND = Sound(seconds=2.0, rate_hz=16000, channels=1, format="WAV")


def fill(place: str) -> list[Job]:
    """Jobs in every state that a queue has, and everything that people can leave in the catalogue."""
    with JobTable.open(place) as jobs, Catalogue.open(place) as catalogue:
        catalogue.notices.collect(lambda wishes, ended: [])
        catalogue.notices.wish("ann", {"addresses": ["one"], "quiet": {"begins": "22:00"}})
        for number in range(4):
            jobs.submit(JobRequest(notebook="separate", owner="ann", key=f"k{number}", about={"name": "ü.wav"}))
        done, failed, _ = (jobs.claim("worker", lease_s=600) for _ in range(3))
        assert done is not None
        assert failed is not None
        jobs.succeed(done.id, done.attempt, {"speakers": 2})
        jobs.fail(failed.id, failed.attempt, {"error": "it raised", "reason": "cell-failed"}, again=False)
        catalogue.notices.collect(lambda wishes, ended: [("one", 0.0)])
        with catalogue.claim("ab" * 32) as claim:
            catalogue.add("ann", "talk.wav", claim, 100, SOUND)
            upload = catalogue.uploads.begin("ann", "long.wav", 20, keep_s=3600.0)
            catalogue.uploads.advance(upload, 0, 10, "uploads/1", keep_s=3600.0)
            share = catalogue.shares.create("ann", "recording", {"job": done.id}, users=("vera",), groups=("lab",))
            catalogue.shares.new_link("ann", share.id)
            catalogue.remarks.vote(share, "vera", "1", "a", "k1")
            catalogue.remarks.comment(share, "vera", "who is that?", 1.5, "k2")
            return jobs.jobs()


def contents(engine: Engine) -> Contents:
    """What is in all tables but those that note revisions."""
    found = MetaData()
    found.reflect(engine)
    with engine.connect() as connection:
        return {
            table.name: sorted((dict(row._mapping) for row in connection.execute(table.select())), key=repr)
            for table in found.sorted_tables
            if not table.name.endswith("_version")
        }


def known_in(later: Contents, before: Contents) -> Contents:
    """What of the contents of a later revision there is a place for in an earlier one."""
    columns = {name: set(rows[0]) if rows else set() for name, rows in before.items()}
    return {
        name: sorted(({key: row[key] for key in row if key in columns[name]} for row in later[name]), key=repr)
        for name in before
    }
