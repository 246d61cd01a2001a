"""A file of JSON lines that any number of processes append to, in which every line seals the one before it.

A line is an object whose last member is ``hash``, the SHA-256 of the line's bytes without that member; ``prev`` is the
hash of the line before, ``seq`` counts from 1. Taking a line out, changing or adding one breaks the chain. The last
``seq`` and ``hash`` are kept beside it, so lines that are missing at the end are noticed, too. Whoever may write to the
folder could make it all anew: that shows against a hash noted elsewhere.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from speaksep_hub.audit.events import ID_PREFIX
from speaksep_kernel.errors import StoreError

CURRENT = "audit.jsonl"
HEAD = "audit.head"
CLOSED = re.compile(r"audit-(\d{12})\.jsonl")
"""Closed files are named after the last ``seq`` in them."""

LONGEST_BYTES = 1024**2
"""Of a line."""

PATIENCE_S = 5.0
_SEALED = re.compile(rb',"hash":"([0-9a-f]{64})"\}\n?\Z')


@dataclass(frozen=True)
class Seal:
    """Which entry is the last: its number and its hash (64 hexadecimal digits)."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


NOTHING = Seal(0, "0" * 64)
"""Before the first entry."""


class Chain:
    """The files in a folder.

    Parameters
    ----------
    folder
        Made with mode 0700 if it is not there.
    file_bytes, keep_files, sync
        As in :class:`~speaksep_hub.audit.settings.AuditSettings`.
    """

    def __init__(self, folder: Path, *, file_bytes: int, keep_files: int, sync: bool) -> None:
        self.folder = folder
        self._file_bytes, self._keep_files, self._sync = file_bytes, keep_files, sync
        self._one_thread = threading.Lock()
        with explained(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def append(self, fields: Mapping[str, Any]) -> Seal:
        """Write an entry, wholly or not at all.

        Raises
        ------
        StoreError
            Reason ``audit-failed``: no space, no permission, no such folder.
        """
        with self._one_thread, explained(self.folder), locked(self.folder) as head:
            seal = read_head(head)
            file = self._open()
            try:
                size, last, torn_bytes = _mend(file)
                if last is not None and (seal is None or (last[0].seq, last[1]) == (seal.seq + 1, seal.hash)):
                    seal = last[0]  # whoever wrote it died before it could note it
                seal = seal or NOTHING
                if torn_bytes:
                    seal, size = self._write(file, head, size, seal, _own("audit-repaired", bytes=torn_bytes))
                closed = self.folder / f"audit-{seal.seq:012d}.jsonl"
                if size and size + len(json.dumps(dict(fields))) > self._file_bytes and not closed.exists():
                    (self.folder / CURRENT).rename(closed)
                    full, file, size = file, self._open(), 0
                    os.close(full)
                    for note in self._prune():
                        seal, size = self._write(file, head, size, seal, note)
                return self._write(file, head, size, seal, fields)[0]
            finally:
                os.close(file)

    def _open(self) -> int:
        return os.open(
            self.folder / CURRENT, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )

    def _write(self, file: int, head: int, size: int, seal: Seal, fields: Mapping[str, Any]) -> tuple[Seal, int]:
        body = json.dumps({"seq": seal.seq + 1, "prev": seal.hash, **fields}, separators=(",", ":")).encode("ascii")
        new = Seal(seal.seq + 1, hashlib.sha256(body).hexdigest())
        line = body[:-1] + b',"hash":"%s"}\n' % new.hash.encode()
        try:
            if os.write(file, line) != len(line):
                raise OSError("the disk is full")
            if self._sync:
                os.fdatasync(file)
        except OSError:
            os.ftruncate(file, size)
            raise
        # After the entry: a head that is one behind is understood; one ahead means that something was taken away.
        os.pwrite(head, f"{new}\n".encode(), 0)
        return new, size + len(line)

    def _prune(self) -> Iterator[dict[str, Any]]:
        for path in closed_files(self.folder)[: -self._keep_files]:
            with path.open("rb") as file:
                last = _mend_nothing(file.fileno())
            path.unlink()
            if last is not None:
                yield _own("audit-pruned", file=path.name, until=last.seq, until_hash=last.hash)


@contextmanager
def locked(folder: Path) -> Iterator[int]:
    """The file of the head, open for whoever has the lock, which one process at a time has."""
    head = os.open(folder / HEAD, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        _lock(head)
        yield head
    finally:
        os.close(head)  # this frees it


def _lock(head: int) -> None:
    """Take the lock; a process that has it and does not go on must not hold up all others for ever."""
    end_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            fcntl.flock(head, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > end_s:
                raise TimeoutError(f"another process has kept it for {PATIENCE_S:.0f} s") from None
            time.sleep(0.002)


def read_head(head: int) -> Seal | None:
    """The last entry as it was noted; None if nothing was noted."""
    number, _, digest = os.pread(head, 128, 0).decode("ascii", "replace").partition("\n")[0].partition(":")
    return Seal(int(number), digest) if number.isdecimal() and len(digest) == 64 else None


def closed_files(folder: Path) -> list[Path]:
    """Closed files, the oldest first."""
    return sorted(path for path in folder.iterdir() if CLOSED.fullmatch(path.name))


def seal_of(line: bytes) -> Seal | None:
    """Number and hash of a line, None if the line does not have the hash that it says."""
    found = _SEALED.search(line)
    if found is None or hashlib.sha256(line[: found.start()] + b"}").hexdigest().encode() != found[1]:
        return None
    number = json.loads(line).get("seq")
    return Seal(number, found[1].decode()) if isinstance(number, int) else None


def _last_line(file: int, size: int) -> tuple[bytes, int]:
    """What follows the last line end but one, and how many bytes follow the last one."""
    begin = max(0, size - LONGEST_BYTES)
    text = os.pread(file, size - begin, begin)
    whole, end, torn = text.rpartition(b"\n")
    return (whole.rpartition(b"\n")[2] + end, len(torn)) if end else (b"", len(torn))


def _mend(file: int) -> tuple[int, tuple[Seal, str] | None, int]:
    """Cut off half a line at the end; the size, the last entry with its ``prev``, and the bytes that were cut off."""
    size = os.fstat(file).st_size
    line, torn_bytes = _last_line(file, size)
    if torn_bytes:
        os.ftruncate(file, size - torn_bytes)
    seal = seal_of(line)
    last = None if seal is None else (seal, str(json.loads(line).get("prev")))
    return size - torn_bytes, last, torn_bytes


def _mend_nothing(file: int) -> Seal | None:
    return seal_of(_last_line(file, os.fstat(file).st_size)[0])


def _own(name: str, **fields: Any) -> dict[str, Any]:
    return {"__timestamp__": datetime.now(UTC).isoformat(), "__schema__": ID_PREFIX + name, **fields}


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """What the operating system refuses, as an error of ours."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"the audit trail in {str(folder)!r} cannot be used: {error.strerror or error}",
            reason="audit-failed",
            hint="free some space, or check the folder and its permissions",
        ) from error
