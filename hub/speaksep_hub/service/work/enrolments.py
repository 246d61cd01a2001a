"""Voices of one person's own book: learnt by a worker, changed and forgotten at once."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from speaksep_hub.service.errors import NotFound
from speaksep_hub.service.work.books import book_of
from speaksep_hub.service.work.orders import Order, place_orders
from speaksep_hub.service.work.results import manifest_of, result_of
from speaksep_hub.service.work.revisions import place_of
from speaksep_kernel.errors import SpeakSepError
from speaksep_kernel.jobs.job import Job
from speaksep_kernel.voices.book import Receipt, Voice, forget, rename

if TYPE_CHECKING:
    from speaksep_hub.service.platform import Platform


def enrolled(platform: Platform, owner: str, name: str, source: dict[str, Any], *, note: str, key: str | None) -> Job:
    """Have a voice learnt.

    Parameters
    ----------
    platform, owner
        Whose book.
    name
        Whose voice, who has agreed.
    source
        What to listen to: ``recording``, or ``job`` and ``label``.
    note
        Anything worth keeping with it.
    key
        Idempotency key.

    Raises
    ------
    NotFound, Conflict
        No such recording, result or track.
    """
    place, about = _place(platform, owner, source)
    order = Order(
        kind="enrolment",
        notebook="enroll",
        parameters={"source": place, "name": name, "consent": True, "note": note},
        key=key,
        batch=_group(owner, name),
        about={"parameters": {"name": name, **source}, **about},
    )
    book_of(platform, owner).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    (job,) = place_orders(platform, owner, [order])
    return job


def renamed(platform: Platform, owner: str, name: str, new: str) -> Voice:
    """Give a voice another name; see `speaksep_kernel.voices.book.rename`."""
    voice = rename(name, new, book_of(platform, owner))
    _forget_jobs(platform, owner, name)
    return voice


def forgotten(platform: Platform, owner: str, name: str) -> Receipt:
    """Take a voice out of the book, and the jobs that tell of it out of the table."""
    receipt = forget(name, book_of(platform, owner))
    _forget_jobs(platform, owner, name)
    return receipt


def _forget_jobs(platform: Platform, owner: str, name: str) -> None:
    group = _group(owner, name)
    for job in platform.jobs.jobs(owner=owner, batch=group):
        if job.finished:
            with suppress(SpeakSepError):  # nothing of the voice is in it but its name
                platform.store.remove(platform.store.key_of(job.output))
    platform.jobs.prune(0, owner=owner, batch=group)


def _place(platform: Platform, owner: str, source: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if "recording" in source:
        recording = platform.catalogue.get(owner, source["recording"])
        place = platform.store.address(platform.store.name(recording.sha256, recording.name))
        return place, {"recording": recording.id, "name": recording.name}
    shown = result_of(platform, owner, source["job"])
    manifest = manifest_of(platform, shown)
    files = {speaker["label"]: speaker["file"] for speaker in manifest["speakers"]}
    if source["label"] not in files:
        raise NotFound(
            f"no speaker {source['label'][:100]!r} in the result of job {source['job']}",
            reason="unknown-track",
            hint=f"there are: {', '.join(files)}",
        )
    place = f"{place_of(platform, shown)}/{files[source['label']]}"
    return place, {"result": source["job"], "name": manifest["input"]["name"]}


def _group(owner: str, name: str) -> str:
    digest = hashlib.sha256(f"{owner}\0{name}".encode()).hexdigest()
    return f"voice/{digest[:24]}"
