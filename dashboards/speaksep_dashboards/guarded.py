"""A page that stays open for as long as its reader may have it, and no longer."""

from __future__ import annotations

import threading
import time
from typing import Any

from speaksep_dashboards.address import Address, find
from speaksep_dashboards.desk import Desk
from speaksep_dashboards.opening import open_page
from speaksep_dashboards.page import Answer, Page, Reader

CHECK_S = 2.0
"""What was found out about a share is believed for so long: a revoked one works for this time."""


class GuardedPage:
    """The page at an address, for a kernel or a session that lives longer than a request.

    Before anything is told, the share is looked up again, unless that was just done.

    Parameters
    ----------
    address
        What is to be shown.
    reader
        To whom.
    desk
        Where things are.

    Raises
    ------
    InputError
        As `find` and `open_page`; each method raises it, too, once the share was revoked or is over.
    """

    def __init__(self, address: Address, reader: Reader, desk: Desk) -> None:
        self.address, self._reader, self._desk = address, reader, desk
        self._lock = threading.Lock()
        self._share = find(address, reader, desk)
        self._found_at = time.monotonic()
        self._page: Page = open_page(self._share, reader, desk)
        self.kind, self.reads, self.writes = self._page.kind, self._page.reads, self._page.writes

    @property
    def title(self) -> str:
        """What it is called."""
        return self._page.title

    def version(self) -> str:
        """As of the page."""
        return self._allowed().version()

    def data(self) -> dict[str, Any]:
        """As of the page."""
        return self._allowed().data()

    def answer(self, question: dict[str, Any]) -> Answer:
        """As of the page."""
        return self._allowed().answer(question)

    def files(self) -> dict[str, str]:
        """As of the page."""
        return self._allowed().files()

    def _allowed(self) -> Page:
        with self._lock:
            now = time.monotonic()
            if now - self._found_at > CHECK_S:
                share = find(self.address, self._reader, self._desk)
                if share != self._share:  # what may be downloaded, or its title, has changed
                    self._share, self._page = share, open_page(share, self._reader, self._desk)
                self._found_at = now
            return self._page
