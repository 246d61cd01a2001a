"""From what somebody asks for to a row of the job table: ids become places, whose they are is looked at."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from speaksep_hub.protection.quotas import check_job_quota
from speaksep_hub.service.errors import Conflict
from speaksep_hub.service.work.books import book_of
from speaksep_hub.service.work.offers import wanted_recordings
from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs import notebooks
from speaksep_kernel.jobs.job import Job, JobRequest
from speaksep_kernel.jobs.notebooks import BatchNotebook
from speaksep_kernel.jobs.parameters import validated
from speaksep_kernel.store import keys

if TYPE_CHECKING:
    from speaksep_hub.service.platform import Platform

KINDS = {"separate": "separation", "diagnose": "diagnosis"}
"""What jobs of a notebook are for; of all others: "job"."""
LONGEST_KEY = 200
"""Characters of an ``Idempotency-Key``."""


@dataclass(frozen=True)
class Order:
    """What somebody asks for.

    Attributes
    ----------
    kind
        What it is for: "job", "diagnosis", "separation", "edit", "identification", "conversion" or "enrolment".
    notebook
        Name of the notebook.
    parameters
        Its parameters; ids of recordings where it takes paths. What the service itself fills in may be among them.
    key
        A second order of the same person with this key is the first one. None: always new.
    batch
        What it belongs to.
    about
        What is to be found again with the job.
    device
        "auto", "cpu" or "gpu".
    """

    kind: str
    notebook: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    key: str | None = None
    batch: str | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    device: str = "auto"


def place_orders(platform: Platform, owner: str, orders: Sequence[Order]) -> list[Job]:
    """Queue jobs, all or none; whoever sends the same keys again gets the same jobs.

    Raises
    ------
    InputError
        A parameter that does not fit; reason ``key-conflict``.
    NotFound
        A recording that is not theirs.
    CapacityError
        More jobs at a time than one person may have.
    """
    return queue(platform, owner, [request_of(platform, owner, order) for order in orders])


def queue(platform: Platform, owner: str, requests: Sequence[JobRequest]) -> list[Job]:
    """Queue what was made by `request_of`, all or none.

    Raises
    ------
    Conflict
        Reason ``key-conflict``.
    CapacityError
        More jobs at a time than one person may have.
    """
    check_job_quota(platform.jobs, owner, new=len(requests), limit=platform.settings.protection.jobs_per_user)
    try:
        return platform.jobs.submit_many(requests)
    except InputError as error:
        if error.reason != "key-conflict":
            raise
        raise Conflict(
            "this Idempotency-Key was sent before, with something else",
            reason="key-conflict",
            hint="give every request a key of its own, or send the same again",
        ) from error


def kind_of(notebook: BatchNotebook) -> str:
    """What a job of a notebook that people name is for."""
    return KINDS.get(notebook.name, "job")


def check_free(notebook: BatchNotebook, parameters: Mapping[str, Any]) -> None:
    """Refuse parameters that are not for people to give: where to write, whose voices, what a recording is called.

    Raises
    ------
    InputError
        Reason ``unknown-parameter``.
    """
    theirs = [name for name in notebook.parameters if name not in notebook.given and name != notebook.output]
    wrong = [name for name in parameters if name not in theirs]
    if wrong:
        raise InputError(
            f"notebook {notebook.name!r} has no parameter {wrong[0]!r} here",
            reason="unknown-parameter",
            hint=f"its parameters: {', '.join(theirs) or 'none'}",
        )


def request_of(platform: Platform, owner: str, order: Order) -> JobRequest:
    """The row of the job table that an order becomes.

    Raises
    ------
    InputError
        A parameter that does not fit.
    NotFound
        A recording that is not theirs.
    """
    notebook, service = notebooks.get(order.notebook), platform.settings.service
    values = dict(order.parameters)
    # What others made of the same recording is not used again: how fast a job is would tell that they have it.
    about = {"kind": order.kind, "circle": owner, "parameters": dict(order.parameters), **order.about}
    for name in wanted_recordings(notebook):
        if name not in values or order.kind in INTERNAL:
            continue
        recording = platform.catalogue.get(owner, _id(notebook, name, values[name]))
        values[name] = platform.store.address(platform.store.name(recording.sha256, recording.name))
        about.setdefault("recording", recording.id)
        about.setdefault("name", recording.name)
    for name, what in notebook.given.items():
        if what == "voice-book" and (values.get("known") or order.kind in INTERNAL):
            values[name] = str(book_of(platform, owner))
    return JobRequest(
        notebook=notebook.name,
        parameters=validated(notebook, values),
        output=platform.store.address(keys.result(owner, _output_name(owner, order.key))),
        owner=owner,
        batch=order.batch,
        key=order.key,
        device=order.device,
        time_limit_s=service.time_limit_s,
        memory_limit_bytes=None if service.memory_limit_bytes is None else int(service.memory_limit_bytes),
        about=about,
    )


INTERNAL = frozenset({"edit", "identification", "conversion", "enrolment"})
"""Orders whose inputs are places already: the service itself has looked whose they are."""


def _id(notebook: BatchNotebook, name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InputError(
            f"parameter {name!r} of notebook {notebook.name!r} is {str(value)[:60]!r}, not the id of a recording",
            reason="bad-parameter",
            hint="GET /api/v1/recordings lists yours",
        )
    return value


def _output_name(owner: str, key: str | None) -> str:
    """The same for the same key: it is compared when a key comes again."""
    return secrets.token_hex(16) if key is None else hashlib.sha256(f"{owner}\0{key}".encode()).hexdigest()[:32]
