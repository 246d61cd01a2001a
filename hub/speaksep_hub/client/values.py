"""What the service answers: dictionaries as in its OpenAPI document, with their names here for editors and mypy."""

from __future__ import annotations

from typing import Any, TypedDict


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
    created_at: str
    expires_at: str | None


class Job(TypedDict):
    """Something that was asked for, and where it stands."""

    id: str
    kind: str
    notebook: str
    recording: str | None
    result: str | None
    name: str | None
    parameters: dict[str, Any]
    batch: str | None
    state: str
    fraction: float
    stage: str
    message: str
    attempt: int
    created_at: str
    started_at: str | None
    finished_at: str | None
    device: str | None
    error: dict[str, str] | None


class Event(TypedDict):
    """Something that happened to a job."""

    seq: int
    job_id: str
    attempt: int
    at: str
    state: str
    fraction: float
    stage: str
    message: str


class Batch(TypedDict):
    """Jobs that were asked for together."""

    id: str
    name: str | None
    notebook: str
    created_at: str
    counts: dict[str, int]
    finished: bool


class Share(TypedDict):
    """Something that you let others see."""

    id: str
    kind: str
    title: str
    what: dict[str, Any]
    users: list[str]
    groups: list[str]
    download: bool
    state: str
    link: bool
    url: str | None
    created_at: str
    expires_at: str | None
    revoked_at: str | None


JsonObject = dict[str, Any]
"""A diagnosis, a plan, a manifest: their fields are described in the docs (diagnosis.md, edits.md)."""

Named = Recording | Job | Batch | Share
"""Whatever has an id."""


def id_of(thing: Named | str) -> str:
    """The id of something, or an id itself."""
    return thing if isinstance(thing, str) else thing["id"]
