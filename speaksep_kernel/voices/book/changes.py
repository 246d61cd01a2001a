"""Voices of a book renamed, and forgotten for good."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from speaksep_kernel.errors import InputError
from speaksep_kernel.voices.book.file import OpenBook, changing, contents, shared_book
from speaksep_kernel.voices.book.places import Books, book_path, book_paths
from speaksep_kernel.voices.book.values import Forgotten, Voice, checked_name

RECEIPT_BYTES = 16


@dataclass(frozen=True)
class Receipt:
    """That a voice was forgotten, for whom it belonged to.

    Attributes
    ----------
    name
        Whose voice it was; the book does not hold it any more.
    book
        Path of the book.
    day
        ISO 8601.
    receipt
        Random; with it and the name, `was_forgotten` finds the day in the book.
    also_in
        Shared books that know the name, and still do.
    """

    name: str
    book: str
    day: str
    receipt: str
    also_in: tuple[str, ...] = ()


def rename(name: str, new: str, book: Books = None) -> Voice:
    """Give a voice another name.

    Raises
    ------
    InputError
        Reasons ``unknown-voice``, ``shared-voice``, ``name-taken``, ``bad-name``.
    """
    new = checked_name(new)
    others = _others(name, book)
    with changing(book) as opened:
        voice = _found(name, opened, others)
        if new in opened.voices and new != name:
            raise InputError(
                f"there is a voice {new!r} already", reason="name-taken", hint="forget that one, or take another name"
            )
        del opened.voices[name]
        opened.voices[new] = voice.model_copy(update={"name": new})
        return opened.voices[new]


def forget(name: str, book: Books = None) -> Receipt:
    """Take a voice out of a book, with everything that was made from its samples.

    What is known of the others stays as it is: each voice is made from its own samples alone.

    Raises
    ------
    InputError
        Reasons ``unknown-voice``; ``shared-voice``: only a shared book knows it.
    """
    others = _others(name, book)
    with changing(book) as opened:
        _found(name, opened, others)
        del opened.voices[name]
        receipt = secrets.token_hex(RECEIPT_BYTES)
        entry = Forgotten(day=datetime.now(UTC).date().isoformat(), proof=_proof(name, receipt))
        opened.forgotten.append(entry)
    return Receipt(name, str(opened.path), entry.day, receipt, tuple(map(str, others)))


def was_forgotten(name: str, receipt: str, book: Books = None) -> str:
    """The day on which a voice was forgotten, ISO 8601.

    Raises
    ------
    InputError
        Reason ``bad-receipt``.
    """
    path = book_path(book)
    proof = _proof(name, receipt)
    for entry in contents(path).forgotten:
        if entry.proof == proof:
            return entry.day
    raise InputError(
        f"{str(path)!r} says nothing of a voice {name!r} forgotten with receipt {receipt!r}",
        reason="bad-receipt",
        hint="give the name and the receipt as voices forget printed them",
    )


def _proof(name: str, receipt: str) -> str:
    return sha256(f"{receipt}:{name}".encode()).hexdigest()


def _others(name: str, book: Books) -> tuple[Path, ...]:
    """Shared books that know a name."""
    paths = book_paths(book)
    return tuple(path for path in paths[1:] if name in {voice.name for voice in shared_book(path, paths)})


def _found(name: str, opened: OpenBook, others: tuple[Path, ...]) -> Voice:
    if name in opened.voices:
        return opened.voices[name]
    if others:
        raise InputError(
            f"the voice {name!r} is in the shared book {str(others[0])!r}",
            reason="shared-voice",
            hint="whoever keeps it may change it, with --book and its path",
        )
    raise InputError(
        f"no voice {name!r} in {str(opened.path)!r}",
        reason="unknown-voice",
        hint=f"there are: {', '.join(opened.voices)}" if opened.voices else "the book is empty",
    )
