"""Notices: where and of what you are told when your jobs end."""

from __future__ import annotations

from typing import Any, cast

from speaksep_hub.client.connection import Connection
from speaksep_hub.client.values import JsonObject


class Notices:
    """Your notices."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self) -> JsonObject:
        """What you want to be told, and what you were told last."""
        return cast(JsonObject, self._connection.call("GET", "/notices").json())

    def wish(self, *addresses: str, **wishes: Any) -> JsonObject:
        """Say what you want to be told from now on.

        Parameters
        ----------
        addresses
            Where: ``name@example.org``, ``service://…``, or the id of one that is known; none: nowhere.
        wishes
            ``jobs`` and ``batches`` (``all``, ``failed``, ``none``), ``least_s``, ``names``, and ``quiet`` with
            ``begins``, ``ends`` and ``zone``.
        """
        body = {"addresses": list(addresses), **wishes}
        return cast(JsonObject, self._connection.call("PUT", "/notices", body=body).json())

    def forget(self) -> None:
        """Have all of it removed; you are told nothing any more."""
        self._connection.call("DELETE", "/notices")

    def test(self) -> None:
        """Have something sent to all your addresses; `get` tells whether it arrived."""
        self._connection.call("POST", "/notices/test")
