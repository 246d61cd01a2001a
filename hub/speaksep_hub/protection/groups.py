"""Which rate a request of the service counts against."""

from __future__ import annotations

import re
from dataclasses import dataclass

BASE = "/api/v1"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Group:
    """Requests that share a rate.

    Attributes
    ----------
    name
        That of the setting in ``[protection]``.
    covers
        For the documentation.
    methods
        Of the requests; empty is all.
    paths
        Regular expression of what follows ``/api/v1``.
    """

    name: str
    covers: str
    methods: frozenset[str]
    paths: re.Pattern[str]


_CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
GROUPS = (
    Group("stream", "`GET …/events`, WebSockets", frozenset(), re.compile(r"/(.*/)?events(/ws)?")),
    Group("token", "`POST /token`, `POST` and `DELETE /tokens`", _CHANGES, re.compile(r"/tokens?(/.*)?")),
    Group(
        "upload",
        "`POST /recordings`, changes of `/uploads`",
        _CHANGES,
        re.compile(r"/recordings|/uploads(/.*)?"),
    ),
    Group(
        "job",
        "`POST` of jobs, batches, diagnoses, separations, edits, identification, voices",
        frozenset({"POST"}),
        re.compile(
            r"/jobs|/jobs/[^/]+/retry|/batches|/recordings/[^/]+/(diagnosis|separations)"
            r"|/results/[^/]+/(edits(/undo)?|identify)|/voices"
        ),
    ),
    Group("write", "every other change", _CHANGES, re.compile(r".*", re.DOTALL)),
    Group("read", "everything else", frozenset(), re.compile(r".*", re.DOTALL)),
)
"""The first that fits counts."""


def group_of(method: str, path: str) -> str:
    """Name of the group of a request.

    Parameters
    ----------
    method
        ``"GET"`` for WebSockets.
    path
        With or without what comes before ``/api/v1``.

    Examples
    --------
    >>> group_of("POST", "/services/speaksep/api/v1/recordings")
    'upload'
    >>> group_of("GET", "/api/v1/jobs/1f2e/events")
    'stream'
    """
    inner = path.partition(BASE)[2].rstrip("/")
    return next(
        group.name
        for group in GROUPS
        if (not group.methods or method in group.methods) and group.paths.fullmatch(inner)
    )
