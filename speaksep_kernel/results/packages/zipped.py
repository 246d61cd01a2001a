"""Zip archives of the same bytes for the same files: no time of day, and nothing compressed that already is."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo


class Archive:
    """A zip archive being written."""

    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive

    def add(self, name: str, content: Path | str) -> None:
        """Put in a file, or a text."""
        entry = ZipInfo(name)  # dated 1980, as every zip that has no date
        entry.external_attr = 0o644 << 16
        if isinstance(content, str):
            self._archive.writestr(entry, content)
            return
        with content.open("rb") as source, self._archive.open(entry, "w", force_zip64=True) as target:
            shutil.copyfileobj(source, target, 1 << 20)


@contextmanager
def archive(path: Path) -> Iterator[Archive]:
    """A new archive, complete when the block ends."""
    with ZipFile(path, "w", ZIP_STORED) as file:
        yield Archive(file)
