"""Reading the trail, and checking that nothing in it was changed, taken out or put in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from speaksep_hub.audit.chain import CURRENT, NOTHING, Seal, closed_files, explained, locked, read_head, seal_of
from speaksep_kernel.errors import InputError

MOST_PROBLEMS = 20
"""So many are told; one cut makes one."""


@dataclass(frozen=True)
class Problem:
    """A place where the chain is broken.

    Attributes
    ----------
    file, line
        Where, counted from 1; line 0 is the file as a whole.
    what
        In words.
    """

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}{f', line {self.line}' if self.line else ''}: {self.what}"


@dataclass(frozen=True)
class Report:
    """What :func:`verify` found.

    Attributes
    ----------
    files, entries
        How many were read.
    first_seq
        Number of the first entry there is; more than 1 where old files were removed.
    head
        The last entry: note it elsewhere, and ask for it later.
    problems
        Empty if nothing is wrong.
    """

    files: int
    entries: int
    first_seq: int
    head: Seal
    problems: tuple[Problem, ...]


def verify(folder: Path, noted: Seal | None = None) -> Report:
    """Check every line, while others may be writing.

    Parameters
    ----------
    folder
        Of the trail.
    noted
        An entry that was the last one once: it must still be there. A hash may be shortened to eight digits or more.

    Raises
    ------
    InputError
        Reason ``no-audit-trail``.
    """
    walk = _Walk(noted)
    head, files = snapshot(folder)
    for path, file, size in files:
        with file:
            walk.file(path.name, file, size)
    walk.end(head)
    return Report(len(files), walk.entries, walk.first_seq, walk.seal, tuple(walk.problems[:MOST_PROBLEMS]))


def entries(folder: Path) -> Iterator[dict[str, Any]]:
    """All entries, oldest first; lines that are no JSON are left out.

    Raises
    ------
    InputError
        Reason ``no-audit-trail``.
    """
    for _, file, size in snapshot(folder)[1]:
        with file:
            for line in _lines(file, size):
                entry = _parsed(line)
                if entry is not None:
                    yield entry


def snapshot(folder: Path) -> tuple[Seal | None, list[tuple[Path, BinaryIO, int]]]:
    """The head and all files as of one moment: what is written later is not looked at."""
    if not (folder / CURRENT).exists() and not (folder.is_dir() and closed_files(folder)):
        raise InputError(
            f"there is no audit trail in {str(folder)!r}",
            reason="no-audit-trail",
            hint="give the folder with --folder; speaksep hub config --show tells which one is in force",
        )
    with explained(folder), locked(folder) as lock:
        paths = [*closed_files(folder), *([folder / CURRENT] if (folder / CURRENT).exists() else [])]
        return read_head(lock), [(path, path.open("rb"), path.stat().st_size) for path in paths]


def _lines(file: BinaryIO, size: int) -> Iterator[bytes]:
    while (left := size - file.tell()) > 0:
        yield file.readline(left)


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


class _Walk:
    """From the first line to the last."""

    def __init__(self, noted: Seal | None) -> None:
        self.entries = 0
        self.first_seq = 0
        self.seal = NOTHING
        self.problems: list[Problem] = []
        self._noted, self._met = noted, False
        self._begin: tuple[str, Seal] | None = None
        self._pruned: set[Seal] = set()
        self._where = ""

    def file(self, name: str, file: BinaryIO, size: int) -> None:
        self._where = name
        for number, line in enumerate(_lines(file, size), 1):
            self._line(name, number, line)

    def end(self, head: Seal | None) -> None:
        if self._begin is not None and self._begin[1] not in self._pruned:
            where, before = self._begin
            self._tell(where, 1, f"entries 1 to {before.seq} are missing, and nothing says that they were removed")
        if head is None:
            self._tell(
                self._where, 0, "the number of the last entry is not noted in audit.head, which was removed or emptied"
            )
        elif head.seq > self.seal.seq:
            self._tell(
                self._where, 0, f"the last {head.seq - self.seal.seq} entries are missing: it ended with {head.seq}"
            )
        elif head.seq == self.seal.seq and head.hash != self.seal.hash:
            self._tell(self._where, 0, f"the last entry, {head.seq}, is not the one that was written")
        if self._noted is not None and not self._met:
            self._tell(self._where, 0, f"entry {self._noted} was the last one once, and is not there")

    def _line(self, name: str, number: int, line: bytes) -> None:
        seal, entry = seal_of(line), _parsed(line)
        if seal is None or entry is None:
            self._tell(name, number, "changed or damaged: it does not have the hash that it says")
            # What follows is still compared with what this line says it is.
            self.seal = Seal(_number(entry, self.seal.seq + 1), str((entry or {}).get("hash")))
            return
        before = Seal(seal.seq - 1, str(entry.get("prev")))
        if self.entries == 0:
            self.first_seq = seal.seq
            if before != NOTHING:
                self._begin = (name, before)
        elif seal.seq != self.seal.seq + 1:
            self._tell(name, number, f"entry {seal.seq} follows entry {self.seal.seq}")
        elif before.hash != self.seal.hash and _is_hash(self.seal.hash):
            self._tell(
                name, number, f"entry {seal.seq} was written after another entry {seal.seq - 1} than the one before it"
            )
        if str(entry.get("__schema__", "")).endswith(":audit-pruned"):
            self._pruned.add(Seal(_number(entry, -1, "until"), str(entry.get("until_hash"))))
        if self._noted is not None and seal.seq == self._noted.seq and seal.hash.startswith(self._noted.hash):
            self._met = True
        self.entries += 1
        self.seal = seal

    def _tell(self, file: str, line: int, what: str) -> None:
        self.problems.append(Problem(file, line, what))


def _number(entry: dict[str, Any] | None, other: int, name: str = "seq") -> int:
    value = (entry or {}).get(name)
    return value if isinstance(value, int) else other


def _is_hash(text: str) -> bool:
    return len(text) == 64
