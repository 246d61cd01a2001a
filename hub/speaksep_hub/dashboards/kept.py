"""Pages that were opened, kept for whoever asks next: what was read of a result is read once, not for each question."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from speaksep_dashboards.desk import Desk
from speaksep_dashboards.opening import open_page
from speaksep_dashboards.page import Page, Reader
from speaksep_kernel.catalogue.share import Share

MOST_PAGES = 200
KEPT_S = 300.0
"""How long a page is kept after it was opened."""


@dataclass(frozen=True)
class Told:
    """The data of a page at some moment.

    Attributes
    ----------
    stamp
        Hexadecimal digits that change with the page's version.
    text
        The data as JSON.
    zipped
        The same bytes, compressed.
    """

    stamp: str
    text: bytes
    zipped: bytes


@dataclass
class KeptPage:
    """A page, and what it told last."""

    page: Page
    since_s: float
    _told: Told | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _reports: dict[str, tuple[str, str | bytes]] = field(default_factory=dict)
    _reporting: threading.Lock = field(default_factory=threading.Lock)

    def stamp(self) -> str:
        """Of the page as it is now."""
        return hashlib.sha256(self.page.version().encode()).hexdigest()[:20]

    def told(self, more: Callable[[dict[str, Any]], dict[str, Any]] = lambda data: data) -> Told:
        """The data as it is now; made once for each version.

        Parameters
        ----------
        more
            Adds what only the front knows.
        """
        with self._lock:
            stamp = self.stamp()  # looked at first: what changes meanwhile is told next time
            if self._told is None or self._told.stamp != stamp:
                text = json.dumps(more(self.page.data()), ensure_ascii=False, separators=(",", ":")).encode()
                self._told = Told(stamp, text, gzip.compress(text, 5))
            return self._told

    def report(self, name: str, make: Callable[[Page], str | bytes]) -> str | bytes:
        """A report of the page as it is now: that takes seconds, so it is made once for each version.

        Parameters
        ----------
        name
            Which report.
        make
            Makes it.
        """
        with self._reporting:
            stamp = self.stamp()
            if self._reports.get(name, ("",))[0] != stamp:
                self._reports[name] = stamp, make(self.page)
            return self._reports[name][1]


class KeptPages:
    """Pages by what they show and to whom.

    Parameters
    ----------
    desk
        Where things are.
    monotonic
        Seconds that only rise; for tests.
    """

    def __init__(self, desk: Desk, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.desk = desk
        self._monotonic = monotonic
        self._pages: OrderedDict[str, KeptPage] = OrderedDict()
        self._opening: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def page(self, share: Share, reader: Reader) -> KeptPage:
        """The page of a share for a reader, opened if need be; whether they may is asked before.

        Raises
        ------
        InputError
            As :func:`~speaksep_dashboards.opening.open_page`.
        """
        key = repr((share.id, share.owner, share.kind, share.title, sorted(share.what.items()), share.download, reader))
        with self._lock:
            alone = self._opening.setdefault(key, threading.Lock())
        try:
            with alone:  # many who come at once wait for one
                found = self._fresh(key)
                if found is None:
                    found = KeptPage(open_page(share, reader, self.desk), self._monotonic())
                    self._keep(key, found)
                return found
        finally:
            with self._lock:
                self._opening.pop(key, None)

    def _fresh(self, key: str) -> KeptPage | None:
        with self._lock:
            found = self._pages.get(key)
            if found is None or self._monotonic() - found.since_s > KEPT_S:
                return None
            self._pages.move_to_end(key)
            return found

    def _keep(self, key: str, page: KeptPage) -> None:
        with self._lock:
            self._pages[key] = page
            if len(self._pages) > MOST_PAGES:
                self._pages.popitem(last=False)
