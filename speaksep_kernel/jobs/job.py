"""The values of the job table: a request, the job it becomes, what happened to it."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs.states import FINISHED, State

DEVICES = ("auto", "cpu", "gpu")
LONGEST_WORD = 255
"""Characters of an owner, a notebook's name, a batch or a key."""

LARGEST_BYTES = 1_000_000
"""Bytes of the parameters or the result of a job, as JSON."""


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """What somebody wants done.

    Attributes
    ----------
    notebook
        Name of a registered batch notebook.
    parameters
        Its parameters, JSON-able.
    output
        Folder that gets the results; empty where the notebook needs none.
    owner
        Who asks; by default the user of this process.
    batch
        Name shared by jobs that belong together, or None.
    key
        Idempotency key: a second request of the same owner with this key is the first one's job. None: always new.
    priority
        Higher runs first; among equals the oldest.
    device
        ``"auto"``, ``"cpu"`` or ``"gpu"``.
    time_limit_s, memory_limit_bytes
        Most seconds of one attempt, most memory of its kernel with all its processes; None: no limit.
    max_attempts
        How often it may fail by itself before it has failed for good.
    max_losses
        How often its worker may vanish. Counted apart, since a neighbour may be to blame.
    about
        What whoever asks wants to find with the job again, JSON-able; the notebook never sees it.

    Raises
    ------
    InputError
        Reason ``bad-job``: a value of the wrong type or out of range, which is named.
    """

    notebook: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    output: str = ""
    owner: str = field(default_factory=lambda: user_name())
    batch: str | None = None
    key: str | None = None
    priority: int = 0
    device: str = "auto"
    time_limit_s: float | None = None
    memory_limit_bytes: int | None = None
    max_attempts: int = 3
    max_losses: int = 10
    about: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        for name in ("notebook", "owner", "batch", "key"):
            _check_word(name, getattr(self, name), optional=name in ("batch", "key"))
        if not isinstance(self.parameters, Mapping) or not all(isinstance(name, str) for name in self.parameters):
            raise _bad("parameters", self.parameters, "give a mapping of names to values")
        # As they will come back from the table: a tuple is a list from now on.
        object.__setattr__(self, "parameters", json.loads(as_json("parameters", dict(self.parameters))))
        if self.about is not None:
            object.__setattr__(self, "about", json.loads(as_json("about", dict(self.about))))
        if not isinstance(self.output, str):
            raise _bad("output", self.output, "give a folder as text")
        if self.device not in DEVICES:
            raise _bad("device", self.device, f"one of: {', '.join(DEVICES)}")
        _check_number("priority", self.priority, low=-(2**31), high=2**31 - 1)
        _check_number("max_attempts", self.max_attempts, low=1, high=1000)
        _check_number("max_losses", self.max_losses, low=1, high=1_000_000)
        if self.time_limit_s is not None:
            _check_number("time_limit_s", self.time_limit_s, low=0.001, high=1e9, kinds=(int, float))
        if self.memory_limit_bytes is not None:
            _check_number("memory_limit_bytes", self.memory_limit_bytes, low=1, high=2**63 - 1)


@dataclass(frozen=True, kw_only=True)
class Job:
    """A row of the table. Times are seconds since 1970 (UTC).

    Attributes
    ----------
    id
        Sixteen hexadecimal digits, never used again.
    notebook, parameters, output, owner, batch, key, priority, device, time_limit_s, memory_limit_bytes, max_attempts, \
max_losses, about
        As in :class:`JobRequest`.
    state
        Where it stands.
    attempt
        How often it was claimed: the fencing token of its worker.
    failures, losses
        How often it failed by itself, how often its worker vanished; both start again with a retry by hand.
    worker
        Who has it or had it last.
    fraction, stage, message
        Progress of this attempt, 0 … 1, and in words.
    result
        What it came to, JSON-able; None before it succeeded.
    error
        ``{"error", "reason", "hint"}`` of the last failure.
    report
        Path of the executed notebook, also of a partial one.
    created_at, started_at, finished_at
        ``started_at`` is that of the last attempt.
    not_before
        A retry waits until then.
    """

    id: str
    notebook: str
    parameters: Mapping[str, Any]
    output: str
    owner: str
    batch: str | None
    key: str | None
    priority: int
    device: str
    time_limit_s: float | None
    memory_limit_bytes: int | None
    max_attempts: int
    max_losses: int
    about: Mapping[str, Any] | None
    state: State
    attempt: int
    failures: int
    losses: int
    worker: str | None
    fraction: float
    stage: str
    message: str
    result: Any
    error: Mapping[str, Any] | None
    report: str | None
    created_at: float
    started_at: float | None
    finished_at: float | None
    not_before: float | None

    @property
    def finished(self) -> bool:
        """Whether nothing more happens to it unless somebody asks."""
        return self.state in FINISHED

    def to_dict(self) -> dict[str, Any]:
        """All fields, JSON-able, times as ISO 8601 in UTC."""
        return asdict(self) | {name: _iso(getattr(self, name)) for name in _TIMES}


_TIMES = ("created_at", "started_at", "finished_at", "not_before")
JOB_FIELDS = tuple(each.name for each in fields(Job))


@dataclass(frozen=True)
class Event:
    """Something that happened to a job.

    Attributes
    ----------
    seq
        Rises over the whole table in the order in which events became visible: ask for those after the last one seen.
    job_id, attempt
        Which job, which attempt.
    at
        When, in seconds since 1970 (UTC).
    state, fraction, stage, message
        How it stood from then on.
    owner
        Whose job it is.
    """

    seq: int
    job_id: str
    attempt: int
    at: float
    state: State
    fraction: float
    stage: str
    message: str
    owner: str

    def to_dict(self) -> dict[str, Any]:
        """All fields, JSON-able, the time as ISO 8601 in UTC."""
        return asdict(self) | {"at": _iso(self.at)}


@dataclass(frozen=True)
class Standing:
    """What a worker hears when it gives a sign of life.

    Attributes
    ----------
    mine
        Whether the job is still this attempt's; if not, nothing of it may be published.
    cancel
        Whether somebody wants it stopped.
    """

    mine: bool
    cancel: bool


LOST = Standing(mine=False, cancel=False)


def user_name() -> str:
    """Who runs this process; a number where the machine has no name for it, as in some containers."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"uid-{os.getuid()}"


def as_json(name: str, value: Any) -> str:
    """A value as JSON in ASCII, which every database keeps unchanged (file names may hold any bytes).

    Raises
    ------
    InputError
        Reason ``bad-job``: it is not JSON-able, or too large.
    """
    try:
        words = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise _bad(name, value, f"only what JSON can hold: {error}") from None
    if len(words) > LARGEST_BYTES:
        raise _bad(name, value, f"at most {LARGEST_BYTES} bytes as JSON, this has {len(words)}; put it into a file")
    return words


def _check_word(name: str, value: object, *, optional: bool) -> None:
    if value is None and optional:
        return
    if not isinstance(value, str) or not value or len(value) > LONGEST_WORD or not value.isprintable():
        raise _bad(name, value, f"give 1 to {LONGEST_WORD} printable characters")


def _check_number(name: str, value: Any, *, low: float, high: float, kinds: tuple[type, ...] = (int,)) -> None:
    if type(value) not in kinds or not low <= value <= high:  # True is not a number here
        raise _bad(name, value, f"give a number from {low} to {high}")


def _bad(name: str, value: object, hint: str) -> InputError:
    shown = repr(value)
    return InputError(f"{name} of a job is {shown[:100]}{'…' * (len(shown) > 100)}", reason="bad-job", hint=hint)


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
