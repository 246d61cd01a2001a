"""Keeps what the parts of a platform write: a file each, lines of one shape, never too large."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from speaksep_hub.logs.lines import line_of

LARGEST_BYTES = 10_000_000
"""Of a file; then it is called ``.old.log``, and the one before goes."""
PIPE_BYTES = 1 << 20
"""What parts may write while nobody reads; then they wait."""
LONGEST_BYTES = 65_536
"""Of a line; a longer one is cut in two."""
_AT_ONCE = 1 << 18


@dataclass
class _Page:
    part: str
    place: Path
    reads: int
    writes: int
    begun: bytes = b""


@dataclass
class Logbook:
    """Reads from the parts whenever it is asked to; it has no thread, since whoever starts processes must have none.

    Parameters
    ----------
    say
        Gets one line when a log cannot be kept.
    """

    say: Callable[[str], None]
    _pages: dict[str, _Page] = field(default_factory=dict, init=False)
    _full: bool = field(default=False, init=False)

    def page(self, part: str, place: Path) -> int:
        """Where a part, and whatever it starts, shall write; the same again for one that is started again."""
        if part not in self._pages:
            reads, writes = os.pipe2(os.O_CLOEXEC)
            os.set_blocking(reads, False)
            with suppress(OSError):  # the system has its own limit
                fcntl.fcntl(writes, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
            self._pages[part] = _Page(part, place, reads, writes)
            with suppress(OSError):
                place.touch(mode=0o600)
        return self._pages[part].writes

    def read(self) -> None:
        """Keep what has been written since."""
        for page in self._pages.values():
            with suppress(BlockingIOError):
                while written := os.read(page.reads, _AT_ONCE):
                    self._keep(page, written)
                    if len(written) < _AT_ONCE:
                        break

    def close(self) -> None:
        """Keep the last words; nobody writes any more."""
        self.read()
        for page in self._pages.values():
            self._keep(page, b"\n" if page.begun else b"")
            os.close(page.reads)
            os.close(page.writes)
        self._pages.clear()

    def _keep(self, page: _Page, written: bytes) -> None:
        *lines, page.begun = (page.begun + written).split(b"\n")
        if len(page.begun) > LONGEST_BYTES:
            lines, page.begun = [*lines, page.begun], b""
        text = b"".join(line_of(line, page.part) + b"\n" for line in lines if line.strip())
        if not text:
            return
        try:
            with suppress(FileNotFoundError):
                if page.place.stat().st_size > LARGEST_BYTES:
                    page.place.replace(page.place.with_suffix(".old.log"))
            with os.fdopen(os.open(page.place, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as file:
                file.write(text)
        except OSError as error:  # a full disk must not end the platform
            if not self._full:
                self.say(f"logs cannot be kept: {error.strerror}")
            self._full = True
        else:
            self._full = False
