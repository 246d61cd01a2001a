"""Where a recording comes from: every kind of source becomes one local file that can be read again and again."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from speaksep_kernel.errors import CapacityError, InputError, StoreError
from speaksep_kernel.recording.limits import Limits

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class LocalFile:
    """A regular file on this machine.

    Attributes
    ----------
    path
        Where it is.
    size_bytes, modified_ns
        As they were when the recording was opened; a change in between is an error, not a wrong result.
    spool
        Keeps a temporary copy alive as long as somebody reads it; ``None`` for the user's own file.
    """

    path: Path
    size_bytes: int
    modified_ns: int
    spool: Any = field(default=None, repr=False, compare=False)

    def check_unchanged(self, name: str) -> None:
        """Raise `InputError` if the file is not what it was when opened."""
        try:
            now = self.path.stat()
        except OSError as error:
            raise unreadable(name, error) from error
        if (now.st_size, now.st_mtime_ns) != (self.size_bytes, self.modified_ns):
            raise InputError(
                f"{name}: the file changed while it was being read",
                reason="file-changed",
                hint="wait until it is written completely, then try again",
            )

    def sha256(self, name: str) -> str:
        """Hash of the bytes, read in chunks."""
        try:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise unreadable(name, error) from error


def unreadable(name: str, error: OSError) -> InputError:
    """The `InputError` for a file the system does not let us read."""
    # fsspec's file systems raise the right class without a number.
    classes = {FileNotFoundError: errno.ENOENT, PermissionError: errno.EACCES, IsADirectoryError: errno.EISDIR}
    number = error.errno or classes.get(type(error), 0)
    reason, what, hint = {
        errno.ENOENT: ("file-not-found", "no such file", "check the path"),
        errno.ENOTDIR: ("file-not-found", "no such file", "check the path"),
        errno.EISDIR: ("is-a-directory", "is a directory", "give one audio file"),
        errno.EACCES: ("no-permission", "no permission to read it", "change its permissions or copy it"),
        errno.EPERM: ("no-permission", "no permission to read it", "change its permissions or copy it"),
        errno.ENAMETOOLONG: ("file-not-found", "the path is too long to be a file", "check the path"),
    }.get(number, ("unreadable", f"cannot be read ({error.strerror or error})", "check the path"))
    return InputError(f"{name}: {what}", reason=reason, hint=hint)


def open_path(path: Path, name: str, limits: Limits) -> LocalFile:
    """Check that ``path`` is a readable, non-empty regular file within the limits."""
    try:
        # O_NONBLOCK: opening a named pipe would otherwise wait for its writer for ever.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise unreadable(name, error) from error
    except ValueError as error:
        raise InputError(f"{name!r}: not a path ({error})", reason="file-not-found", hint="check the path") from error
    try:
        about = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if stat.S_ISDIR(about.st_mode):
        raise unreadable(name, IsADirectoryError(errno.EISDIR, "is a directory"))
    if not stat.S_ISREG(about.st_mode):
        raise InputError(f"{name}: is not a regular file", reason="not-a-file", hint="copy the audio into a file first")
    if about.st_size == 0:
        raise InputError(f"{name}: the file is empty", reason="empty-file", hint="record or copy it again")
    limits.check_bytes(about.st_size, name)
    return LocalFile(path, about.st_size, about.st_mtime_ns)


def spool_bytes(chunks: Iterator[bytes], name: str, limits: Limits) -> LocalFile:
    """Copy chunks of bytes into a temporary file that lives as long as the returned value."""
    try:
        descriptor, path = tempfile.mkstemp(prefix="speaksep-", suffix=".audio")
    except OSError as error:
        raise StoreError(
            f"no temporary file in {tempfile.gettempdir()} ({error.strerror})",
            reason="no-space",
            hint="free some space or set TMPDIR",
        ) from error
    token = _SpoolToken()
    remove = weakref.finalize(token, _remove, path)
    size_bytes = 0
    try:
        with open(descriptor, "wb") as file:
            for chunk in chunks:
                size_bytes += len(chunk)
                limits.check_bytes(size_bytes, name)
                file.write(chunk)
        local = open_path(Path(path), name, limits)
    except OSError as error:
        remove()
        raise StoreError(
            f"cannot copy {name} to {path} ({error.strerror})",
            reason="no-space",
            hint="free some space or set TMPDIR",
        ) from error
    except BaseException:
        remove()
        raise
    return LocalFile(local.path, local.size_bytes, local.modified_ns, spool=token)


class _SpoolToken:
    """Nothing but an identity for `weakref.finalize`."""


def _remove(path: str) -> None:
    Path(path).unlink(missing_ok=True)


def file_chunks(file: IO[bytes], name: str) -> Iterator[bytes]:
    """Chunks of a binary file object, from where it stands."""
    while True:
        try:
            chunk = file.read(CHUNK_BYTES)
        except OSError as error:
            raise unreadable(name, error) from error
        if not isinstance(chunk, bytes | bytearray | memoryview):
            raise InputError(
                f"{name}: reading gives {type(chunk).__name__}, not bytes",
                reason="not-binary",
                hint='open the file in binary mode ("rb")',
            )
        if not chunk:
            return
        yield bytes(chunk)


def url_chunks(url: str, name: str) -> Iterator[bytes]:
    """Chunks of whatever fsspec can open."""
    import fsspec

    try:
        with fsspec.open(url, "rb") as file:
            yield from file_chunks(file, name)
    except (InputError, CapacityError):
        raise
    except OSError as error:
        raise unreadable(name, error) from error
    except Exception as error:  # fsspec's back ends raise whatever their client library raises
        raise InputError(
            f"{name}: cannot be opened ({type(error).__name__}: {error})",
            reason="unreadable",
            hint="check the address and that fsspec's package for it is installed",
        ) from error
