"""Whether a backup could be restored: every byte of it is read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from speaksep_hub.backup.database import head_of, lines_of, rows_of
from speaksep_hub.backup.values import Listing, Summary
from speaksep_hub.backup.vault import Vault
from speaksep_kernel.errors import StoreError
from speaksep_kernel.store import keys

MOST_PROBLEMS = 20
"""So many are told."""


@dataclass(frozen=True)
class Report:
    """What `verify` found: files and bytes that were read, and what is wrong."""

    files: int
    bytes: int
    problems: tuple[str, ...]


def verify(vault: Vault, summary: Summary, *, discard: bool = False) -> Report:
    """Read a backup.

    Parameters
    ----------
    vault, summary
        Which.
    discard
        Whether files that are damaged are removed, so that the next backup takes them from the platform again.

    Raises
    ------
    StoreError
        Reason ``backup-damaged``: its list of files is not the one that was written; or the place does not answer.
    """
    listing = vault.listing(summary)
    problems: list[str] = []
    everything = listing.all()
    for sha256, size_bytes in everything.items():
        try:
            found = sum(map(len, vault.read(sha256)))
        except StoreError as error:
            if error.reason not in ("not-stored", "backup-damaged"):
                raise
            if discard:
                vault.discard(sha256)
            problems.append(f"{_path(listing, sha256)}: {'missing' if error.reason == 'not-stored' else 'damaged'}")
        else:
            if found != size_bytes:
                problems.append(f"{_path(listing, sha256)}: {found} bytes and not {size_bytes}")
    if not problems:
        problems += _named(vault, summary, listing)
    return Report(len(everything), sum(everything.values()), tuple(problems[:MOST_PROBLEMS]))


def _named(vault: Vault, summary: Summary, listing: Listing) -> list[str]:
    """What the databases name and the backup does not hold."""
    problems, held = [], {*listing.rooms["blobs"], *listing.lost}
    for name, (sha256, _) in listing.databases.items():
        lines = lines_of(vault.read(sha256))
        head_of(lines)
        counted: Counter[str] = Counter()
        for table, row in rows_of(lines):
            counted[table] += 1
            if table == "recordings" and not {row["sha256"], keys.blob(row["sha256"])} & held:
                problems.append(f"recording {row['id']} is not in it")
        if (said := {table: rows for table, rows in summary.rows[name].items() if rows}) != dict(counted):
            problems.append(f"database {name}: rows {dict(counted)} and not {said}")
    return problems


def _path(listing: Listing, sha256: str) -> str:
    databases = {f"database {name}": kept for name, kept in listing.databases.items()}
    named = databases | {
        f"{room}/{path}": kept for room, files in listing.rooms.items() for path, kept in files.items()
    }
    return next(path for path, kept in named.items() if kept[0] == sha256)
