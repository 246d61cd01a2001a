"""What is known of the work under way, for every line that is logged meanwhile: which request, which job, whose."""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

HEADER = "X-Request-Id"
"""Name of a request, in both directions: a proxy's or a client's own is kept."""
NAMES = ("request_id", "job_id", "user")
"""All that is carried; a line has those that are known."""
VARIABLE = "SPEAKSEP_LOG_CARRIED"
"""Environment variable: part and what is carried, as JSON, for a process that does a part of the work."""

_GOOD = re.compile(r"[A-Za-z0-9._-]{1,64}")  # anything else could forge lines of a log or headers
_NOTHING: Mapping[str, str] = {}
_of_process: dict[str, str] = {}
_carried: ContextVar[Mapping[str, str]] = ContextVar("carried", default=_NOTHING)


def carried() -> Mapping[str, str]:
    """What is carried here: any of `NAMES`."""
    return {**_of_process, **_carried.get()}


def carry(**values: str) -> None:
    """Carry values from now on, in this task or thread and those that it begins; an empty one says nothing.

    >>> carry(job_id="0123", user="")
    >>> dict(carried())
    {'job_id': '0123'}
    >>> forget()
    """
    _carried.set({**_carried.get(), **{name: value for name, value in values.items() if value}})


def forget() -> None:
    """Carry nothing any more: a task that is used again does somebody else's work."""
    _carried.set(_NOTHING)


def keep(**values: str) -> None:
    """Carry values in all of this process, for as long as it lives: a process that is one person's."""
    _of_process.update({name: value for name, value in values.items() if value})


@contextmanager
def carrying(**values: str) -> Iterator[None]:
    """Carry values while the block runs, and nothing of before."""
    before = _carried.set({name: value for name, value in values.items() if value})
    try:
        yield
    finally:
        _carried.reset(before)


def request_name(given: str | bytes | None) -> str:
    """The id of a request: the one that it brought, if that is fit to be one, else a new one.

    Parameters
    ----------
    given
        Value of `HEADER`; None where there is none.

    >>> request_name(b"from-the-proxy.1")
    'from-the-proxy.1'
    >>> len(request_name("two\\nlines"))
    32
    """
    words = given.decode("latin-1") if isinstance(given, bytes) else given or ""
    return words if _GOOD.fullmatch(words) else uuid.uuid4().hex


def as_variable(part: str) -> str:
    """Value of `VARIABLE` for a process that goes on with this work as a part of that name."""
    return json.dumps({"part": part, **carried()})


def taken_over() -> str | None:
    """Carry on in all of this process what the environment says; the name of the part, if it says any."""
    try:
        told = json.loads(os.environ.get(VARIABLE, ""))
        part = str(told.pop("part"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    keep(**{name: str(told[name]) for name in NAMES if name in told})
    return part
