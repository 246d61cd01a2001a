"""One file, wholly old or wholly new, whatever happens while it is written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from speaksep_kernel.errors import StoreError


def write_atomically(path: Path, data: bytes, *, mode: int) -> None:
    """Replace the contents of a file; a crash or a full disk leaves the old ones.

    Parameters
    ----------
    path
        The file; its directory exists.
    data
        What it holds from now on.
    mode
        Its permissions, e.g. ``0o600``.

    Raises
    ------
    StoreError
        Reason ``store-failed``.
    """
    new: Path | None = None
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        new = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.chmod(mode)
        new.replace(path)
    except OSError as error:
        raise StoreError(
            f"cannot write {str(path)!r}: {error.strerror or error}",
            reason="store-failed",
            hint="free some space, or check the path and its permissions",
        ) from error
    finally:
        if new is not None:
            new.unlink(missing_ok=True)
