"""A voice book for every person: nobody's voices are compared with anybody else's book."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speaksep_hub.service.platform import Platform


def book_of(platform: Platform, owner: str) -> Path:
    """The file with somebody's voices; workers must see the same folder.

    The file's name is a hash: names of users may hold anything.
    """
    return platform.voices / f"{hashlib.sha256(owner.encode()).hexdigest()[:32]}.json"
