"""Registered batch notebooks: what can be a job, and with which parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from speaksep_hub.client.connection import Connection
from speaksep_hub.client.values import JsonObject


class Notebooks:
    """What the service can run."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> Iterator[JsonObject]:
        """Every notebook with its title and summary."""
        return self._connection.pages("/notebooks")

    def get(self, name: str) -> JsonObject:
        """One, with its parameters as JSON schema."""
        return cast(JsonObject, self._connection.call("GET", "/notebooks/{name}", {"name": name}).json())
