"""Names of files as others say them: what of them may be the name of a file here."""

from __future__ import annotations

import unicodedata

from speaksep_kernel.errors import InputError

MOST_NAME_BYTES = 200


def clean_name(name: str) -> str:
    """A file's name without a way to anywhere, without invisible characters, and not hidden.

    Raises
    ------
    InputError
        Reason ``bad-name``: nothing is left, or it is too long.

    Examples
    --------
    >>> clean_name("../.talk.wav")
    'talk.wav'
    """
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    seen = "".join(c for c in last if unicodedata.category(c)[0] != "C").strip().lstrip(".")
    if not seen or len(seen.encode()) > MOST_NAME_BYTES:
        raise InputError(f"a file named {name[:80]!r}", reason="bad-name", hint="give it a shorter or plainer name")
    return seen
