"""What a store says when it cannot: in words, with a reason a program can test."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from speaksep_kernel.errors import CapacityError, SpeakSepError, StoreError


@contextmanager
def explained(place: str, *, remote: bool = False) -> Iterator[None]:
    """Turn what a disk or a server says into a `StoreError`.

    Parameters
    ----------
    place
        What to name in the message; without a password.
    remote
        Whether a client library is involved, which may raise anything.

    Raises
    ------
    StoreError
        Reason ``not-stored``, ``disk-full``, ``store-failed`` or ``store-unreachable``.
    """
    try:
        yield
    except SpeakSepError:
        raise
    except FileNotFoundError as error:
        raise StoreError(
            f"store {place!r} does not hold it", reason="not-stored", hint="was it removed, or its time over?"
        ) from error
    except OSError as error:
        if remote and not error.errno:
            raise _unreachable(place, error) from error
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        raise StoreError(
            f"store {place!r}: {error.strerror or error}",
            reason="disk-full" if full else "store-failed",
            hint="free some space" if full else "check its address and its permissions",
        ) from error
    except Exception as error:
        if not remote:
            raise
        raise _unreachable(place, error) from error


def _unreachable(place: str, error: Exception) -> StoreError:
    return StoreError(
        f"store {place!r} cannot be reached ({type(error).__name__}: {error})",
        reason="store-unreachable",
        hint="is its server running, and are its address and keys right?",
    )


def too_many_bytes(name: str, limit: int) -> CapacityError:
    """The error for a file that is larger than it may be."""
    return CapacityError(
        f"{name}: more than the limit of {limit} bytes",
        reason="too-many-bytes",
        hint="compress the recording to FLAC or Opus, or cut it",
    )
