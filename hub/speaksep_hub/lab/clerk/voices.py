"""The voice book, of the service or of this machine: names, never what is known of a voice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from speaksep_hub.lab.clerk import service
from speaksep_kernel.errors import SpeakSepError


def voices(_root: Path) -> dict[str, Any]:
    """Who is known by voice: ``{"name", "seconds", "enrolled", "where"}`` each."""
    if service.address():
        try:
            known = [{**voice, "where": "service"} for voice in service.client().voices.all()]
            return {"voices": [_told(voice) for voice in known]}
        except SpeakSepError:
            pass  # the list of jobs says so
    from speaksep_kernel.voices.book import book_paths, read_book

    own, *shared = book_paths()
    books = [(own, "local"), *((book, "shared") for book in shared if book.exists())]
    found = [
        {
            "name": voice.name,
            "seconds": sum(sample.seconds for sample in voice.samples),
            "enrolled": voice.enrolled,
            "where": where,
        }
        for book, where in books
        for voice in read_book(book)
    ]
    return {"voices": found}


def forget(_root: Path, *, where: str, name: str) -> dict[str, Any]:
    """Know somebody no longer.

    Raises
    ------
    InputError
        Reason ``unknown-voice``, or ``shared-voice``.
    """
    if where == "service":
        service.client().voices.forget(name)
        return {}
    from speaksep_kernel.voices.book import forget as forgotten

    receipt = forgotten(name)
    return {"day": receipt.day, "receipt": receipt.receipt}


def _told(voice: dict[str, Any]) -> dict[str, Any]:
    return {name: voice.get(name) for name in ("name", "seconds", "enrolled", "where")}
