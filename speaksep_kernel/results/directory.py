"""All or nothing: results are written beside their place and moved there when complete."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from speaksep_kernel.errors import InputError, StoreError

MANIFEST = "manifest.json"
INTERNAL = ".speaksep"

_unfinished: set[Path] = set()


def check_target(directory: Path) -> None:
    """Refuse a place that is a file, or a directory with something in it that is not an earlier result.

    Raises
    ------
    InputError
        Reasons ``output-is-a-file`` and ``output-not-empty``.
    """
    if directory.is_symlink() or directory.exists():
        if not directory.is_dir():
            raise InputError(
                f"output {str(directory)!r} is a file",
                reason="output-is-a-file",
                hint="give the name of a directory, new or from an earlier separation",
            )
        try:
            occupied = any(directory.iterdir())
        except OSError as error:
            raise _failed(directory, error) from error
        if occupied and not ((directory / MANIFEST).is_file() and (directory / INTERNAL).is_dir()):
            raise InputError(
                f"output directory {str(directory)!r} holds other files",
                reason="output-not-empty",
                hint="give a new directory, or empty this one",
            )


@contextmanager
def staged(directory: Path) -> Iterator[Path]:
    """A fresh directory that becomes ``directory`` when the block ends well and vanishes when it does not.

    Raises
    ------
    StoreError
        The disk is full, or may not be written to.
    """
    check_target(directory)
    directory = directory.resolve()
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        # Beside the target: a rename is atomic only within one file system.
        stage = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", suffix=".part", dir=directory.parent))
    except OSError as error:
        raise _failed(directory, error) from error
    _unfinished.add(stage)
    try:
        yield stage
        stage.chmod(0o777 & ~_umask())
        for path in sorted(stage.rglob("*")):
            _sync(path)
        _replace(stage, directory)
    except OSError as error:
        raise _failed(directory, error) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        _unfinished.discard(stage)


@contextmanager
def staged_files(directory: Path, names: Sequence[str], *, overwrite: bool) -> Iterator[Path]:
    """A scratch directory whose files, of these names, move into ``directory`` when the block ends well.

    Raises
    ------
    InputError
        Reasons ``output-is-a-file`` and, unless ``overwrite``, ``output-exists``.
    StoreError
        The disk is full, or may not be written to.
    """
    if directory.exists() and not directory.is_dir():
        raise InputError(
            f"output {str(directory)!r} is a file", reason="output-is-a-file", hint="give the name of a directory"
        )
    taken = [name for name in names if (directory / name).exists()]
    if taken and not overwrite:
        raise InputError(
            f"{str(directory / taken[0])!r} exists already",
            reason="output-exists",
            hint="it may hold corrections: choose another directory, or ask for it to be overwritten",
        )
    made = not directory.exists()
    stage: Path | None = None
    try:
        directory.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=".export.", suffix=".part", dir=directory))
        _unfinished.add(stage)
        yield stage
        for name in names:
            _sync(stage / name)
        for name in names:
            (stage / name).replace(directory / name)
    except BaseException as error:
        if stage is not None:
            shutil.rmtree(stage, ignore_errors=True)
        if made:
            with suppress(OSError):
                directory.rmdir()
        if isinstance(error, OSError):
            raise _failed(directory, error) from error
        raise
    finally:
        if stage is not None:
            shutil.rmtree(stage, ignore_errors=True)
            _unfinished.discard(stage)


def discard_unfinished() -> None:
    """Delete everything staged by this process, before it is ended without unwinding."""
    for stage in tuple(_unfinished):
        shutil.rmtree(stage, ignore_errors=True)


def _replace(stage: Path, directory: Path) -> None:
    if not directory.exists():
        stage.rename(directory)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", suffix=".old", dir=directory.parent))
    try:
        directory.rename(old / "result")
        try:
            stage.rename(directory)
        except BaseException:
            (old / "result").rename(directory)
            raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _failed(directory: Path, error: OSError) -> StoreError:
    full = error.errno == errno.ENOSPC
    return StoreError(
        f"cannot write results to {str(directory)!r}: {error.strerror or error}",
        reason="disk-full" if full else "store-failed",
        hint="free some space or choose another directory" if full else "check the path and its permissions",
    )
