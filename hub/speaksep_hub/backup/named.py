"""What the databases name: which recordings and which results must be in a backup."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from speaksep_hub.backup.database import Row
from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs.states import FINISHED, State
from speaksep_kernel.store.store import Store

_FINISHED = frozenset(state.value for state in FINISHED)


@dataclass
class Named:
    """Told of each row while the databases are copied.

    Attributes
    ----------
    store
        Where recordings and results are.
    blobs
        Hashes of recordings.
    results
        What a job published, by its key: which state of it, and whether there must be something.
    """

    store: Store
    blobs: set[str] = field(default_factory=set)
    results: dict[str, tuple[str, bool]] = field(default_factory=dict)

    def see(self, table: str, row: Row) -> None:
        """Look at a row."""
        if table == "recordings":
            self.blobs.add(row["sha256"])
        elif table == "jobs" and row["state"] in _FINISHED:
            try:
                key = self.store.key_of(json.loads(row["output"]))
            except InputError:
                return  # somebody's own batch, in a folder of theirs
            stamp = f"{row['attempt']} {row['state']} {row['finished_at']}"
            self.results[key] = (stamp, row["state"] == State.SUCCEEDED.value)
