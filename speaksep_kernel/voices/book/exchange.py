"""Voices from one book into another; what travels is a book itself, with consent and notes."""

from __future__ import annotations

from collections.abc import Sequence

from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.voices.book.file import changing, enrolled_voices, read_book, write_book
from speaksep_kernel.voices.book.places import Book, Books, book_path
from speaksep_kernel.voices.book.values import Contents, Voice, joined


def export_voices(file: Book, names: Sequence[str] = (), book: Books = None) -> tuple[Voice, ...]:
    """Write voices to a new book, sealed if there is a key.

    Parameters
    ----------
    file
        Where to; nothing is there yet.
    names
        Whose; everybody's if empty.
    book
        Where from; see `book_paths`.

    Raises
    ------
    InputError
        Reasons ``file-exists``, ``unknown-voice``, and those of `enrolled_voices`.
    StoreError
        It cannot be written.
    """
    path = book_path(file)
    if path.exists():
        raise InputError(f"{str(path)!r} exists", reason="file-exists", hint="give another file, or remove it")
    if not path.parent.is_dir():
        raise StoreError(
            f"{str(path.parent)!r} is not a directory", reason="store-failed", hint="make it, or give another file"
        )
    chosen = _chosen(enrolled_voices(book), names, "the book")
    write_book(path, Contents(voices=chosen))
    return chosen


def import_voices(file: Book, names: Sequence[str] = (), book: Books = None) -> tuple[Voice, ...]:
    """Add the voices of another book; all or none.

    Samples of a name that is known already join it if they sound alike; those it has are not added twice.

    Parameters
    ----------
    file
        The other book.
    names
        Whose; everybody's if empty.
    book
        Where to; see `book_path`.

    Returns
    -------
    The voices as they are now known.

    Raises
    ------
    InputError
        Reasons ``empty-book``, ``unknown-voice``; ``samples-differ``: two people of one name; and those of `read_book`.
    StoreError
        The book cannot be written.
    """
    path = book_path(file)
    fresh = read_book(path)
    if not fresh:
        raise InputError(
            f"no voices in {str(path)!r}", reason="empty-book", hint="give a file that speaksep voices export wrote"
        )
    fresh = _chosen(fresh, names, repr(str(path)))
    with changing(book) as opened:
        for voice in fresh:
            known = opened.voices.get(voice.name, voice)
            opened.voices[voice.name] = joined(known, [(str(path), sample) for sample in voice.samples])
        return tuple(opened.voices[voice.name] for voice in fresh)


def _chosen(voices: Sequence[Voice], names: Sequence[str], place: str) -> tuple[Voice, ...]:
    known = {voice.name: voice for voice in voices}
    if missing := [name for name in names if name not in known]:
        raise InputError(
            f"no voice {missing[0]!r} in {place}", reason="unknown-voice", hint=f"there are: {', '.join(known)}"
        )
    return tuple(known[name] for name in dict.fromkeys(names)) if names else tuple(voices)
