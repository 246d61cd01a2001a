"""A voice book on the disk: read as a whole, replaced as a whole, by one process at a time."""

from __future__ import annotations

import fcntl
import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from speaksep_kernel.atomic import write_atomically
from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.voices.book.places import Book, Books, book_path, book_paths
from speaksep_kernel.voices.book.sealing import Sealed, keys, seal, unseal
from speaksep_kernel.voices.book.values import Contents, Forgotten, Value, Voice
from speaksep_kernel.voices.encoders import CamPlusPlus

OWNER_ONLY = 0o600
"""Voices are biometric data."""


@dataclass
class OpenBook:
    """A book while it is changed.

    Attributes
    ----------
    path
        Where it is.
    voices
        By name.
    forgotten
        That there were others.
    """

    path: Path
    voices: dict[str, Voice]
    forgotten: list[Forgotten]


def read_book(book: Book | None = None) -> tuple[Voice, ...]:
    """The voices of one book, by name; none if there is no such file yet.

    Raises
    ------
    InputError
        Reason ``bad-book``: not a voice book; ``other-encoder``: its vectors come from another encoder, or another
        version of it, and cannot be compared; ``key-needed``, ``wrong-key``, ``bad-key``: see `unseal` and `keys`.
    StoreError
        It cannot be read.
    """
    return tuple(sorted(contents(book_path(book)).voices, key=lambda voice: voice.name))


def enrolled_voices(books: Books = None) -> tuple[Voice, ...]:
    """The voices of all books, by name, where there must be somebody; of a name in two books, the earlier one's.

    Raises
    ------
    InputError
        Reason ``empty-book``; ``no-book``: a shared book is not there; or as `read_book`.
    """
    paths = book_paths(books)
    found: dict[str, Voice] = {}
    for place in paths:
        found = {voice.name: voice for voice in shared_book(place, paths)} | found
    if not found:
        raise InputError(
            f"nobody is enrolled in {', '.join(repr(str(path)) for path in paths)}",
            reason="empty-book",
            hint="speaksep voices enroll NAME FILE --consent",
        )
    return tuple(sorted(found.values(), key=lambda voice: voice.name))


def shared_book(path: Path, paths: tuple[Path, ...]) -> tuple[Voice, ...]:
    """`read_book`, where any but the first of ``paths`` must be there.

    Somebody would else be a stranger only because a disk is not mounted.
    """
    if path != paths[0] and not path.exists():
        raise InputError(
            f"there is no shared voice book {str(path)!r}",
            reason="no-book",
            hint="check SPEAKSEP_SHARED_BOOKS or --book; mount the disk",
        )
    return read_book(path)


@contextmanager
def changing(book: Books = None) -> Iterator[OpenBook]:
    """A book to be changed; written when the block ends well, by one process at a time.

    Raises
    ------
    InputError, StoreError
        As `read_book`; reason ``read-only-book``; or it cannot be written.
    """
    # Through links, so that a shared book stays one file.
    path = book_path(book).resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, OWNER_ONLY)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # What a killed process was writing; nobody else writes now.
        for part in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
            part.unlink()
        mode = path.stat().st_mode & 0o777 if path.exists() else OWNER_ONLY
        if not (mode & 0o222 and os.access(path if path.exists() else path.parent, os.W_OK)):
            raise StoreError(
                f"the voice book {str(path)!r} may only be read",
                reason="read-only-book",
                hint="name your own with --book PATH, or ask who keeps it",
            )
        old = contents(path)
        opened = OpenBook(path, {voice.name: voice for voice in old.voices}, list(old.forgotten))
        yield opened
        new = Contents(voices=tuple(opened.voices.values()), forgotten=tuple(opened.forgotten))
        write_book(path, new, mode=mode)
    finally:
        os.close(lock)


def write_book(path: Path, new: Contents, *, mode: int = OWNER_ONLY) -> None:
    """Replace a book, sealed if there is a key, and wipe the old file.

    Raises
    ------
    InputError
        Reason ``bad-key``.
    StoreError
        It cannot be written; the old one is as it was.
    """
    data = new.model_dump_json().encode()
    known = keys()
    old = os.open(path, os.O_RDWR) if path.exists() else None
    try:
        write_atomically(path, (seal(data, known[0]) if known else data) + b"\n", mode=mode)
        # Its blocks would stay on the disk until used again. A snapshot by hard links keeps what it has.
        if old is not None and os.fstat(old).st_nlink == 0:
            os.pwrite(old, bytes(os.fstat(old).st_size), 0)
            os.fsync(old)
    finally:
        if old is not None:
            os.close(old)


def contents(path: Path) -> Contents:
    """All that a book holds; see `read_book` for what is raised."""
    try:
        data = _bytes(path)
    except FileNotFoundError:
        return Contents()
    except OSError as error:
        raise StoreError(
            f"cannot read the voice book {str(path)!r}: {error.strerror}",
            reason="store-failed",
            hint="check the path and its permissions",
        ) from error
    try:
        if b'"sealed"' in data[:20]:
            data = unseal(Sealed.model_validate_json(data), path)
        # The encoder first: vectors of another one may well have another length.
        _same_encoder(path, _Encoder.model_validate_json(data))
        return Contents.model_validate_json(data)
    except ValidationError as error:
        fault = error.errors(include_input=False)[0]
        place = ".".join(map(str, fault["loc"]))
        raise InputError(
            f"{str(path)!r} is not a voice book: {place} {fault['msg']}".replace(":  ", ": "),
            reason="bad-book",
            hint="give a file that speaksep voices enroll wrote",
        ) from None


def _bytes(path: Path) -> bytes:
    while True:
        with path.open("rb") as file:
            data = file.read()
            # Replaced while it was read, it may be half wiped.
            if os.fstat(file.fileno()).st_nlink:
                return data


def _unwritable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"cannot write the voice book {str(path)!r}: {error.strerror}",
        reason="store-failed",
        hint="check the path and its permissions",
    )


class _Encoder(Value):
    encoder: str
    encoder_version: str


def _same_encoder(path: Path, found: _Encoder) -> None:
    info = CamPlusPlus.info
    if (found.encoder, found.encoder_version) != (info.name, info.version):
        raise InputError(
            f"the voices in {str(path)!r} were made by {found.encoder} {found.encoder_version}, "
            f"not by {info.name} {info.version}",
            reason="other-encoder",
            hint="enrol the voices again into a new book (--book PATH)",
        )
