"""One process of the platform, as its supervisor sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Part:
    """What to run, and how to tell that it works.

    Parameters
    ----------
    name
        What people call it: "hub", "proxy", …
    command
        Program and arguments.
    environment
        All of its environment.
    folder
        Where it works.
    log
        File that gets what it writes.
    url
        It is ready when this address answers; empty: when it has run for a second.
    last
        The others need it: it is told to end after them.
    nice
        How much it gives way to other processes.
    after
        Part that must have been ready once before this one is started.
    awaited
        Whether the platform works only when this does: people who come at once may need it.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    folder: str
    log: str
    url: str = ""
    last: bool = False
    nice: int = 0
    after: str = ""
    awaited: bool = True

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def of(cls, values: dict[str, Any]) -> Part:
        """From what `to_dict` gave."""
        return cls(**{**values, "command": tuple(values["command"])})
