"""Backups whose time is over, and files that only they held."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from speaksep_hub.backup.values import Summary
from speaksep_hub.backup.vault import Vault


@dataclass(frozen=True)
class Pruned:
    """What was removed: backups, files and their bytes."""

    backups: tuple[Summary, ...]
    files: int
    bytes: int


def prune(vault: Vault, keep_days: float) -> Pruned:
    """Remove backups that are older; the newest stays in any case.

    Raises
    ------
    InputError
        Reason ``backup-under-way``: one is being made, which may need files that nobody else does.
    """
    over = vault.begin("prune.pruning", beside=".making")
    try:
        end = datetime.now(UTC) - timedelta(days=keep_days)
        old = tuple(each for each in vault.summaries()[1:] if each.made_at < end)
        for each in old:
            vault.forget(each.id)
        files, size_bytes = vault.sweep()
    finally:
        over()
    return Pruned(old, files, size_bytes)
