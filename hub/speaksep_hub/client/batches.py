"""Batches: the same notebook on many recordings."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from speaksep_hub.client.connection import Connection
from speaksep_hub.client.values import Batch, id_of


class Batches:
    """Jobs that were asked for together."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(
        self, notebook: str, rows: Sequence[Mapping[str, Any]], *, name: str | None = None, key: str | None = None
    ) -> Batch:
        """Ask for a job per row, all or none.

        Parameters
        ----------
        notebook
            Name of a registered notebook.
        rows
            Its parameters for each job; ids where it wants recordings.
        name
            What you call it.
        key
            Idempotency key.
        """
        body = {"notebook": notebook, "rows": [dict(row) for row in rows], "name": name}
        return cast(Batch, self._connection.call("POST", "/batches", body=body, key=key).json())

    def all(self) -> Iterator[Batch]:
        """Your batches, newest first, page after page."""
        return self._connection.pages("/batches")

    def get(self, batch: Batch | str) -> Batch:
        """Where it stands."""
        return cast(Batch, self._connection.call("GET", "/batches/{id}", {"id": id_of(batch)}).json())

    def cancel(self, batch: Batch | str) -> Batch:
        """Stop whatever of it is not finished."""
        return cast(Batch, self._connection.call("POST", "/batches/{id}/cancel", {"id": id_of(batch)}).json())

    def retry(self, batch: Batch | str) -> Batch:
        """Run whatever of it failed or was cancelled again."""
        return cast(Batch, self._connection.call("POST", "/batches/{id}/retry", {"id": id_of(batch)}).json())

    def wait(self, batch: Batch | str, *, every_s: float = 1.0) -> Batch:
        """It, once all its jobs are finished, however; it is looked at every so often."""
        while True:
            now = self.get(batch)
            if now["finished"]:
                return now
            time.sleep(every_s)

    def table(self, batch: Batch | str) -> str:
        """One line per job, as CSV: state, seconds, why it failed, speakers found, its parameters."""
        return self._connection.call("GET", "/batches/{id}/results.csv", {"id": id_of(batch)}).text
