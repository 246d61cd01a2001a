"""What the service answers: dictionaries as in its OpenAPI document, with their names here for editors and mypy."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class Recording(TypedDict):
    """A recording of yours."""

    id: str
    name: str
    sha256: str
    bytes: int
    seconds: float
    rate_hz: int
    channels: int
    format: str
    created: str


class Job(TypedDict):
    """Something that was asked for, and where it stands."""

    id: str
    notebook: str
    parameters: dict[str, Any]
    state: str
    attempt: int
    fraction: float
    stage: str
    message: str
    error: dict[str, Any] | None
    batch: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None


class Event(TypedDict):
    """Something that happened to a job."""

    seq: int
    job_id: str
    attempt: int
    at: str
    owner: str
    state: str
    fraction: float
    stage: str
    message: str


class Batch(TypedDict):
    """Jobs that were asked for together."""

    id: str
    notebook: str
    name: NotRequired[str | None]
    counts: dict[str, int]
    created_at: str


JsonObject = dict[str, Any]
"""A diagnosis, a plan, a manifest: their fields are described in the docs (diagnosis.md, edits.md)."""

Named = Recording | Job | Batch
"""Whatever has an id."""

FINISHED = frozenset({"succeeded", "failed", "cancelled"})
"""States in which nothing more happens to a job unless somebody asks."""


def id_of(thing: Named | str) -> str:
    """The id of something, or an id itself."""
    return thing if isinstance(thing, str) else thing["id"]
