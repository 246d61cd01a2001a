"""What a backup says of itself."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

FORMAT: Literal[1] = 1
ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")
ROOMS = ("blobs", "results", "voices", "audit", "settings", "homes")
"""Recordings by their hash, results by their key in the store, and files of folders by their path there."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Summary(_Value):
    """A backup at a glance; holds nothing that is secret or about somebody.

    Attributes
    ----------
    id
        When it was begun, and some chance.
    made_at
        The moment of the platform that it holds: when its databases were read. ISO 8601.
    took_s
        Seconds to make it.
    speaksep, jupyterhub
        Versions that made it.
    sealed
        Whether a key is needed.
    rows
        Of each table, by database.
    files, bytes
        What it holds, databases included.
    new_files, new_bytes
        What of it was in no earlier backup, as it lies there.
    lost
        Files that the databases name and that were gone, or damaged.
    listing
        SHA-256 of the list of its files.
    """

    format: Literal[1] = FORMAT
    id: str
    made_at: datetime
    took_s: float
    speaksep: str
    jupyterhub: str
    sealed: bool
    rows: dict[str, dict[str, int]]
    files: int
    bytes: int
    new_files: int
    new_bytes: int
    lost: int
    listing: str


class Listing(_Value):
    """Every file of a backup.

    Attributes
    ----------
    places
        Where things were: store, voices and folder of the hub, as addresses begin.
    databases
        Hash and size of each database's copy.
    rooms
        Hash and size of every file, by room and path.
    stamps
        Which state of a job's results this is, by their key.
    lost
        Files that the databases name and that were gone, or damaged.
    """

    places: dict[str, str]
    databases: dict[str, tuple[str, int]] = Field(default_factory=dict)
    rooms: dict[str, dict[str, tuple[str, int]]] = Field(default_factory=dict)
    stamps: dict[str, str] = Field(default_factory=dict)
    lost: tuple[str, ...] = ()

    def all(self) -> dict[str, int]:
        """Size of everything in it, by hash."""
        found = dict(self.databases.values())
        for room in self.rooms.values():
            found.update(room.values())
        return found


def new_id() -> str:
    """A name for a backup that begins now; in order of time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
