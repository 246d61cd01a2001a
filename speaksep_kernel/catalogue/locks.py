"""Taking turns: with others that change what one owner keeps, or that store or remove the same bytes."""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection

from speaksep_kernel.jobs.transactions import lock_until_commit


def lock_owner(connection: Connection, owner: str) -> None:
    """Take turns with all others that change how much somebody keeps."""
    lock_until_commit(connection, _number(f"owner {owner}"))


def lock_bytes(connection: Connection, sha256: str) -> None:
    """Take turns with all others that store or remove these bytes."""
    lock_until_commit(connection, _number(f"bytes {sha256}"))


def _number(words: str) -> int:
    """A key for PostgreSQL's advisory locks."""
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:8], "big", signed=True)
