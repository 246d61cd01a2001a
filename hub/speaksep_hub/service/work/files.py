"""The files of a finished job that its owner may have."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from speaksep_hub.service.errors import NotFound
from speaksep_hub.service.work.answers import own_job
from speaksep_hub.service.work.results import finished_place, result_of
from speaksep_kernel.catalogue.subjects import SEPARATES
from speaksep_kernel.jobs.attempt import PROVENANCE

if TYPE_CHECKING:
    from speaksep_hub.service.platform import Platform


@dataclass(frozen=True)
class Folder:
    """Where the files are.

    Attributes
    ----------
    key
        Of the folder in the store.
    report
        Name of the executed notebook, which has a route of its own.
    """

    key: str
    report: str


def folder_of(platform: Platform, owner: str, job_id: str, revision: int | None = None) -> Folder:
    """The files of a job: of a separation the result's newest revision, of any other what its notebook wrote.

    Raises
    ------
    NotFound, Conflict
        As `result_of`.
    """
    job = own_job(platform, owner, job_id)
    report = PurePosixPath(job.report or "").name
    if job.notebook == SEPARATES:
        return Folder(result_of(platform, owner, job_id, revision).folder, report)
    return Folder(finished_place(platform, job), report)


def listed(platform: Platform, folder: Folder) -> dict[str, int]:
    """Sizes in bytes of the files, by name."""
    found = platform.store.files(folder.key)
    return {name: size for name, size in found.items() if may_be_had(folder, name)}


def key_of(folder: Folder, name: str) -> str:
    """Key of a file.

    Raises
    ------
    NotFound
        Reason ``unknown-file``: a name that is none of those listed can be.
    """
    if not may_be_had(folder, name):
        raise NotFound(f"no file {name[:100]!r} in this result", reason="unknown-file", hint="GET …/files lists them")
    return f"{folder.key}/{name}"


def may_be_had(folder: Folder, name: str) -> bool:
    """Whether a file is the owner's business: not what says where things lie, not what rendering keeps for itself."""
    return all(map(_is_plain, name.split("/"))) and name not in (PROVENANCE, folder.report)


def _is_plain(part: str) -> bool:
    """Whether something can be the name of a file, and of one that is not hidden."""
    printable = part.isprintable() and "\\" not in part and not part.startswith(".")
    return printable and 0 < len(part.encode()) <= _LONGEST_BYTES


_LONGEST_BYTES = 255  # of most file systems
