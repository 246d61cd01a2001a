"""The folder of one attempt, and how it becomes the job's directory: all at once, or not at all."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from speaksep_kernel.errors import InputError, StoreError

PROVENANCE = "job.json"
"""Beside the executed notebook: what was run, with what, by whom, and what came out."""


class Attempt:
    """A folder beside the job's directory, since a rename is atomic only within one file system.

    Parameters
    ----------
    directory
        Of the job: new, empty, or published by a job before, which is replaced.
    job, attempt
        Whose it is.

    Attributes
    ----------
    place
        The folder that is filled.
    address
        Where its contents will be found.

    Raises
    ------
    InputError
        Reasons ``output-is-a-file`` and ``output-not-empty``.
    StoreError
        The disk is full, or may not be written to.
    """

    def __init__(self, directory: Path, job: str, attempt: int) -> None:
        check_directory(directory)
        self.directory = directory
        self.address = str(directory)
        self._mark = f".attempt-{re.sub(r'[^A-Za-z0-9]', '-', job)}-"
        self._number = attempt
        self._published = False
        with in_words(directory):
            directory.parent.mkdir(parents=True, exist_ok=True)
            self._remove_earlier()
            self.place = Path(tempfile.mkdtemp(prefix=f"{self._mark}{attempt}-", suffix=".part", dir=directory.parent))

    def _remove_earlier(self) -> None:
        """What attempts left whose worker was killed."""
        for path in self.directory.parent.glob(f"{self._mark}*.part"):
            number = path.name.removeprefix(self._mark).split("-")[0]
            if number.isdigit() and int(number) < self._number:
                shutil.rmtree(path, ignore_errors=True)

    def publish(self) -> None:
        """Rename it to the job's directory. Once that is done, doing it again is harmless.

        Raises
        ------
        StoreError
            It could not; what was there before still is.
        """
        if self._published:
            return
        with in_words(self.directory):
            try:
                self.place.rename(self.directory)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                self._replace()
        self._published = True

    def _replace(self) -> None:
        old = Path(tempfile.mkdtemp(prefix=f"{self._mark}0-", suffix=".part", dir=self.directory.parent))
        self.directory.rename(old / "before")
        try:
            self.place.rename(self.directory)
        except BaseException:
            (old / "before").rename(self.directory)
            raise
        finally:
            shutil.rmtree(old, ignore_errors=True)

    def seal(self) -> None:
        """Everything to the disk, with the permissions that new files have."""
        with in_words(self.directory):
            self.place.chmod(0o777 & ~_umask())
            for path in [*self.place.rglob("*"), self.place]:
                descriptor = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)

    def keep_report(self, name: str, state: str) -> str | None:
        """Move a partial notebook beside the job's directory, ``talk.failed.ipynb``; its path, if there is one."""
        kept = _report_beside(self.directory, state)
        try:
            (self.place / name).replace(kept)
        except OSError:
            return None
        return str(kept)

    def close(self) -> None:
        """Remove what was not published; after a success also what earlier attempts told of their failure."""
        if not self._published:
            shutil.rmtree(self.place, ignore_errors=True)
            return
        for state in ("failed", "cancelled"):
            with suppress(OSError):
                _report_beside(self.directory, state).unlink()


def check_directory(directory: Path) -> None:
    """Refuse a place that is a file, or a directory with something in it that no job published.

    Raises
    ------
    InputError
        Reasons ``output-is-a-file`` and ``output-not-empty``.
    """
    if directory.is_symlink() or (directory.exists() and not directory.is_dir()):
        raise InputError(
            f"output {str(directory)!r} is no directory", reason="output-is-a-file", hint="name a new directory"
        )
    if directory.is_dir() and not (directory / PROVENANCE).is_file() and any(directory.iterdir()):
        raise InputError(
            f"output directory {str(directory)!r} holds other files",
            reason="output-not-empty",
            hint="give a new directory, or empty this one",
        )


def provenance(directory: Path) -> dict[str, Any]:
    """What a job said of the directory it published; empty if none did."""
    try:
        told = json.loads((directory / PROVENANCE).read_bytes())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


@contextmanager
def in_words(directory: Path) -> Iterator[None]:
    """Turn what the system says about a disk into a `StoreError` that says which directory it is about."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        raise StoreError(
            f"cannot write results to {str(directory)!r}: {error.strerror or error}",
            reason="disk-full" if full else "output-failed",
            hint="free some space" if full else "check the path and its permissions",
        ) from error


def _report_beside(directory: Path, state: str) -> Path:
    return directory.with_name(f"{directory.name}.{state}.ipynb")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
