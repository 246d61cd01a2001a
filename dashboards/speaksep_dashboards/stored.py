"""What a job left in the store: the newest revision of it, read here, whole or not at all."""

from __future__ import annotations

import atexit
import hashlib
import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeAlias

from speaksep_dashboards.desk import Desk
from speaksep_kernel.catalogue.subjects import DIAGNOSES, SEPARATES
from speaksep_kernel.diagnosis.report import Diagnosis
from speaksep_kernel.errors import InputError, SpeakSepError
from speaksep_kernel.jobs import notebooks
from speaksep_kernel.jobs.job import Job
from speaksep_kernel.jobs.states import State
from speaksep_kernel.results.directory import INTERNAL, MANIFEST
from speaksep_kernel.results.manifest import SCHEMA_VERSION
from speaksep_kernel.results.values import TURNS, Separation
from speaksep_kernel.results.write import PEAKS
from speaksep_kernel.store.directory import DirectoryStore
from speaksep_kernel.store.store import Store

DIAGNOSIS = "diagnosis.json"
LINKED_S = 3600.0
"""Copies of files in stores elsewhere stay for six hours after they were last asked for."""
Attempt: TypeAlias = tuple[str, int]
"""Id of a job, and which attempt: nothing that it published changes."""


@dataclass(frozen=True)
class Stored:
    """What somebody asked for, and what came of it.

    Attributes
    ----------
    job
        What was asked for.
    made
        The finished job that made what is shown: the last correction, or ``job`` itself; ``None`` before it succeeded.
    pending
        A correction that is under way.
    revision
        0 is what was separated, each correction is the next.
    """

    job: Job
    made: Job | None
    pending: Job | None = None
    revision: int = 0

    def folder(self, store: Store) -> str:
        """Key of the folder with the result.

        Raises
        ------
        InputError
            Reason ``gone-result``.
        """
        if self.made is None or not isinstance(self.made.result, dict):
            raise gone(self.job.id)
        notebook = notebooks.get(self.made.notebook)
        name = self.made.parameters.get(notebook.output) or notebook.parameters[notebook.output].default
        return f"{store.key_of(str(self.made.result['directory']))}/{name}"


def group_of(job_id: str) -> str:
    """Batch of all jobs that change the result of a job."""
    return f"result/{job_id}"


def stored(desk: Desk, owner: str, job_id: str) -> Stored:
    """What came of a job of somebody, as it is now.

    Raises
    ------
    InputError
        Reason ``gone-result``: there is no such job, it is another's, or it leaves nothing to look at.
    """
    job = desk.jobs.find(job_id)
    if job is None or job.owner != owner or job.notebook not in (SEPARATES, DIAGNOSES):
        raise gone(job_id)
    made, pending, revision = (job if job.state is State.SUCCEEDED else None), None, 0
    if job.notebook == SEPARATES and made is not None:
        for change in desk.jobs.jobs(owner=owner, batch=group_of(job.id)):
            if change.state is State.SUCCEEDED:
                made, revision = change, int((change.about or {}).get("revision", 0))
            elif not change.finished:
                pending = change
    return Stored(job, made, pending, revision)


def separation_of(desk: Desk, found: Stored) -> Separation:
    """The separation; its directory has all but the sound, for which see `with_sound`.

    Raises
    ------
    InputError
        Reasons ``gone-result``, ``half-written`` and ``newer-version``.
    """
    folder = found.folder(desk.store)
    with explained(desk.store, folder):
        desk.store.size_bytes(f"{folder}/{MANIFEST}")
        return _separation(desk.store, folder, _attempt(found))


def diagnosis_of(desk: Desk, found: Stored) -> Diagnosis:
    """The diagnosis that a job made; errors as of `separation_of`."""
    folder = found.folder(desk.store)
    with explained(desk.store, folder):
        desk.store.size_bytes(f"{folder}/{DIAGNOSIS}")
        return _diagnosis(desk.store, folder, _attempt(found))


def with_sound(desk: Desk, found: Stored) -> Path:
    """A directory with everything of a separation; errors as of `separation_of`."""
    folder = found.folder(desk.store)
    with explained(desk.store, folder):
        return _directory(desk.store, folder, _attempt(found))


def _directory(store: Store, folder: str, attempt: Attempt, names: tuple[str, ...] = ()) -> Path:
    """A directory of this machine with some files of a result; with all of them if none is named.

    In a store that is a directory they are read where they lie; of one elsewhere, links lead to copies.
    """
    if isinstance(store, DirectoryStore):
        return store.local(f"{folder}/{MANIFEST}").parent
    return _linked(store, folder, attempt, names, int(time.time() / LINKED_S))


@lru_cache(maxsize=512)
def _linked(store: Store, folder: str, attempt: Attempt, names: tuple[str, ...], _when: int) -> Path:
    """Copies are asked for again now and then, since those that nobody asks for are removed."""
    digest = hashlib.sha256(repr((store.url, folder, attempt)).encode()).hexdigest()[:32]
    place = _links() / digest
    for name in names or tuple(store.files(folder)):
        copy, link = store.local(f"{folder}/{name}"), place / name
        link.parent.mkdir(parents=True, exist_ok=True)
        new = link.with_name(f".{link.name}.{threading.get_ident()}")
        new.symlink_to(copy)
        new.replace(link)  # others may be reading
    return place


@cache
def _links() -> Path:
    """Folder of this process for links, gone with it."""
    place = Path(mkdtemp(prefix="speaksep-links-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return place


@contextmanager
def explained(store: Store, folder: str) -> Iterator[None]:
    """What cannot be read, in the words of a page."""
    try:
        yield
    except SpeakSepError as error:
        if error.reason in ("not-stored", "no-manifest"):
            if store.files(folder):
                raise _half_written() from error
            raise gone(folder) from error
        if error.reason in ("bad-manifest", "store-damaged", "file-not-found"):
            raise _half_written() from error
        raise
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise _half_written() from error


def gone(what: str) -> InputError:
    """The error for a result that is not there, or is another's, or was never any."""
    return InputError(
        f"what {what.rpartition('/')[2][:40]!r} made is not kept any more",
        reason="gone-result",
        hint="ask whoever shared it",
    )


def _half_written() -> InputError:
    return InputError(
        "this result is damaged, or was not written to its end",
        reason="half-written",
        hint="whoever made it can separate the recording again",
    )


def _attempt(found: Stored) -> Attempt:
    assert found.made is not None  # it has a folder
    return found.made.id, found.made.attempt


@lru_cache(maxsize=256)
def _separation(store: Store, folder: str, attempt: Attempt) -> Separation:
    schema = json.loads(store.local(f"{folder}/{MANIFEST}").read_bytes())["schema_version"]
    if isinstance(schema, int) and schema > SCHEMA_VERSION:
        raise InputError(
            f"a later version of SpeakSep made this result (schema {schema}, this one reads {SCHEMA_VERSION})",
            reason="newer-version",
            hint="look at it with that version, or ask whoever runs this one to bring it up to date",
        )
    peaks = [f"{INTERNAL}/{PEAKS}/{name}" for name in store.files(f"{folder}/{INTERNAL}/{PEAKS}")]
    return Separation.open(_directory(store, folder, attempt, (MANIFEST, TURNS, *peaks)))


@lru_cache(maxsize=256)
def _diagnosis(store: Store, folder: str, _attempt: Attempt) -> Diagnosis:
    told: dict[str, Any] = json.loads(store.local(f"{folder}/{DIAGNOSIS}").read_bytes())
    return Diagnosis.from_dict(told)
