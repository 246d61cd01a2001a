"""Which books there are: one's own, which is written to, and shared ones, which are only read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

ENVIRONMENT = "SPEAKSEP_BOOK"
"""Environment variable with the path of one's own book."""
SHARED = "SPEAKSEP_SHARED_BOOKS"
"""Environment variable with the paths of shared books, colons between them."""

Book = str | os.PathLike[str]
Books = Book | Sequence[Book] | None
"""One book, several (the first is one's own), or those that the environment names."""


def book_paths(books: Books = None) -> tuple[Path, ...]:
    """The books to look into; where two know a name, the earlier one counts.

    Parameters
    ----------
    books
        As named; if ``None``, one's own (``SPEAKSEP_BOOK``, or ``voices.json`` in the user's data directory), then
        those of ``SPEAKSEP_SHARED_BOOKS``.
    """
    if isinstance(books, str | os.PathLike):
        return (Path(books),)
    if books:
        return tuple(Path(book) for book in books)
    return (_own(), *(Path(book) for book in os.environ.get(SHARED, "").split(os.pathsep) if book))


def book_path(books: Books = None) -> Path:
    """The book that is written to: the first of `book_paths`."""
    return book_paths(books)[0]


def _own() -> Path:
    if named := os.environ.get(ENVIRONMENT):
        return Path(named)
    from platformdirs import user_data_path

    return user_data_path("speaksep") / "voices.json"
