"""One secret in a file, replaced by another."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from speaksep_kernel.errors import StoreError


def switch(path: Path, secret: str) -> None:
    """Have a file hold another secret: at every moment it holds one of both, and nobody else may read it.

    Raises
    ------
    StoreError
        Reason ``store-failed``; the file is as it was.
    """
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secret + "\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise StoreError(
            f"cannot write the token into {str(path)!r}: {error.strerror}",
            reason="store-failed",
            hint="the old one still works",
        ) from error
