"""Tokens: narrower ones for other programs, short-lived ones for programs that the hub cannot reach."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from speaksep_hub.client.connection import Connection
from speaksep_hub.client.values import JsonObject


class Tokens:
    """Your tokens."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> Iterator[JsonObject]:
        """Yours; never what they read, only what they are for and until when."""
        return self._connection.pages("/tokens")

    def make(self, note: str, scopes: Sequence[str], *, expires_s: int) -> JsonObject:
        """A token that may do less than you; what it reads is told this once.

        Parameters
        ----------
        note
            What it is for.
        scopes
            What it may do, e.g. ``jobs:read``.
        expires_s
            For how many seconds.
        """
        body = {"note": note, "scopes": list(scopes), "expires_in": expires_s}
        return cast(JsonObject, self._connection.call("POST", "/tokens", body=body).json())

    def revoke(self, token_id: str) -> None:
        """End a token, at once."""
        self._connection.call("DELETE", "/tokens/{id}", {"id": token_id})

    def end_exchanged(self) -> None:
        """End the signed token that this client uses, before its time."""
        self._connection.call("DELETE", "/token")

    def exchange(self) -> str:
        """A signed token (JWT) of some minutes, which others can check with the service's public keys."""
        return str(self._connection.call("POST", "/token").json()["access_token"])
