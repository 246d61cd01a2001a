"""Words for people who do not see the machine: where things lie on it is taken out of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speaksep_hub.service.platform import Platform

_ROOMS = r"/(?:named/[0-9a-f]{64}/|results/[^/\s]+/[^/\s'\"]+/?)?"
_INSIDE = r"/(?:[^\s'\"]*/)?"


def plain(platform: Platform, text: str) -> str:
    """Words without the folders of the platform in them: only what files are called."""
    text = re.sub(re.escape(platform.store.url) + _ROOMS, "", text)
    folders = {str(platform.voices), str(platform.settings.hub.folder)}
    return re.sub(f"(?:{'|'.join(map(re.escape, sorted(folders, reverse=True)))}){_INSIDE}", "", text)


def shown_path(path: str) -> str:
    """A path as logs may have it: without what a link reads, which opens what it leads to.

    >>> shown_path("/services/dashboards/link/9dK2")
    '/services/dashboards/link/…'
    """
    before, found, _ = path.partition("/link/")
    return f"{before}{found}…" if found else path
