"""Where things lie in a store. Keys are made here and nowhere else, so nothing that a user says becomes a path."""

from __future__ import annotations

import hashlib
import re

from speaksep_kernel.errors import InputError
from speaksep_kernel.recording.names import clean_name

_SHA256 = re.compile(r"[0-9a-f]{64}")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
ROOMS = ("blobs", "named", "results", "uploads")
"""The first segment of every key."""
BACKUPS = "backups"
"""First segment where a store holds copies of another one, and what they belong to."""


def blob(sha256: str) -> str:
    """Key of the bytes with this hash.

    Raises
    ------
    InputError
        Reason ``bad-key``: that is no hash.
    """
    if not _SHA256.fullmatch(sha256):
        raise bad(sha256)
    return f"blobs/{sha256[:2]}/{sha256}"


def named(sha256: str, name: str) -> str:
    """Key of the same bytes under a name that people know: what a job reads, so that its results speak of that.

    Examples
    --------
    >>> named("ab" * 32, "../../talk.wav")[-12:]
    'bab/talk.wav'
    """
    return f"named/{blob(sha256).rpartition('/')[2]}/{clean_name(name)}"


def owned(owner: str) -> str:
    """Key of all results of somebody: a few letters for people who look around, and what no other owner has."""
    seen = re.sub(r"[^A-Za-z0-9]", "", owner)[:24] or "user"
    return f"results/{seen}-{hashlib.sha256(owner.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


def result(owner: str, name: str) -> str:
    """Key of a job's results.

    Parameters
    ----------
    name
        Letters, digits, ``-`` and ``_``: made by us.
    """
    return f"{owned(owner)}/{word(name)}"


def parts(upload: str) -> str:
    """Key of all pieces of an upload that is under way."""
    return f"uploads/{word(upload)}"


def part(upload: str, start: int, token: str) -> str:
    """Key of a piece of it."""
    return f"{parts(upload)}/{start:020d}-{word(token)}"


def word(name: str) -> str:
    """One segment of a key that we made.

    Raises
    ------
    InputError
        Reason ``bad-key``.
    """
    if not _WORD.fullmatch(name):
        raise bad(name)
    return name


def checked(key: str) -> str:
    """A key, if it is one: below a room of the store, and without a way out of it.

    Raises
    ------
    InputError
        Reason ``bad-key``.
    """
    segments = key.split("/")
    if (
        len(segments) < 2
        or segments[0] not in (*ROOMS, BACKUPS)
        or "\0" in key
        or any(s in ("", ".", "..") for s in segments)
    ):
        raise bad(key)
    return key


def bad(key: str) -> InputError:
    """The error for a key that is none."""
    return InputError(
        f"{key[:100]!r} is no key of the store", reason="bad-key", hint="keys come from speaksep_kernel.store.keys"
    )
