"""Refusals of the service, and the HTTP status of every error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from speaksep_kernel.errors import CapacityError, InputError, JobError, PluginError, SpeakSepError, StoreError


class Refusal(InputError):
    """A request that is not carried out, with the status that says so."""

    status: ClassVar[int] = 400
    headers: ClassVar[Mapping[str, str]] = {}


class NotSignedIn(Refusal):
    """Nobody knows who asks."""

    status = 401
    headers: ClassVar[Mapping[str, str]] = {"WWW-Authenticate": 'Bearer realm="speaksep"'}


class NotAllowed(Refusal):
    """It is known who asks, and that person may not."""

    status = 403


class NotFound(Refusal):
    """There is no such thing, or it is somebody else's: that is not told apart."""

    status = 404


class Conflict(Refusal):
    """It contradicts what is already there."""

    status = 409


class Away(StoreError):
    """Something that is needed does not answer: the hub, the store, the database. It may be back at once."""


RETRY_S = 2
"""Seconds after which somebody who was told to come back should."""

_BY_REASON = {
    "ambiguous-job": 404,
    **dict.fromkeys(
        (
            "unknown-address",
            "unknown-batch",
            "unknown-comment",
            "unknown-diagnosis",
            "unknown-file",
            "unknown-job",
            "unknown-link",
            "unknown-notebook",
            "unknown-recording",
            "unknown-result",
            "unknown-share",
            "unknown-token",
            "unknown-track",
            "unknown-upload",
            "unknown-voice",
        ),
        404,
    ),
    **dict.fromkeys(("expired-link", "expired-share", "revoked-link", "revoked-share"), 410),
    **dict.fromkeys(("key-conflict", "too-many-links", "too-many-notices", "too-many-remarks", "too-many-shares"), 409),
    "file-not-found": 404,
    "gone-result": 404,
    "not-allowed": 403,
    "not-stored": 404,
    "store-busy": 503,
    "store-conflict": 503,
    "disk-full": 507,
    "store-full": 507,
    "store-unreachable": 503,
    "too-many-pages": 503,
    "unknown-view": 404,
    "wrong-state": 409,
}
_BY_KIND: tuple[tuple[type[SpeakSepError], int], ...] = (
    (Away, 503),
    (CapacityError, 413),
    (InputError, 400),
    (JobError, 409),
    (StoreError, 500),
    (PluginError, 500),
)


def status_of(error: SpeakSepError) -> int:
    """HTTP status of an error.

    Its own, if it has one; else by its reason, else by its kind.
    """
    own = getattr(error, "status", None)
    if own is not None:
        return int(own)
    found = _BY_REASON.get(error.reason)
    return found or next((status for kind, status in _BY_KIND if isinstance(error, kind)), 500)


def headers_of(error: SpeakSepError) -> dict[str, str]:
    """Headers of the answer that tells an error: how to sign in, when to come back."""
    headers = dict(getattr(error, "headers", {}))
    if status_of(error) == 503:
        headers.setdefault("Retry-After", str(RETRY_S))
    return headers
