"""Signed tokens and browser sessions that were ended before their time: an empty file for each."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from speaksep_kernel.errors import StoreError

_ID = re.compile(r"[0-9a-f]{32}")


class Revoked:
    """What is worth nothing any more, known to all processes that share the folder.

    Parameters
    ----------
    folder
        Made when it is needed.
    clock
        Seconds since 1970; for tests.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock

    def add(self, id_: str, until: float) -> None:
        """End one.

        Parameters
        ----------
        id_
            32 hexadecimal digits.
        until
            Seconds since 1970 from when on it would be worth nothing by itself.

        Raises
        ------
        StoreError
            Reason ``store-failed``.
        """
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self._folder / id_
            path.touch(mode=0o600)
            os.utime(path, (until, until))
            for old in self._folder.iterdir():
                if old.stat().st_mtime < self._clock():
                    old.unlink(missing_ok=True)
        except FileNotFoundError:
            pass  # another process removed one that was over
        except OSError as error:
            raise StoreError(
                f"cannot write into {str(self._folder)!r}: {error.strerror}",
                reason="store-failed",
                hint="the token is not revoked; check the disk",
            ) from error

    def __contains__(self, id_: str) -> bool:
        return _ID.fullmatch(id_) is None or (self._folder / id_).exists()
