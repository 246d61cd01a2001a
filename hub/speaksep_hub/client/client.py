"""The client: one room per kind of thing, as in the service's OpenAPI document."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self, cast

import httpx

from speaksep_hub.client.batches import Batches
from speaksep_hub.client.connection import Connection
from speaksep_hub.client.jobs import Jobs
from speaksep_hub.client.notebooks import Notebooks
from speaksep_hub.client.notices import Notices
from speaksep_hub.client.recordings import Recordings
from speaksep_hub.client.results import Results
from speaksep_hub.client.shares import Shares
from speaksep_hub.client.tokens import Tokens
from speaksep_hub.client.values import JsonObject
from speaksep_hub.client.voices import Voices


class Client:
    """The service as somebody.

    It may be used by several threads at once. What fails on the way is sent again for ``patience_s``; nothing is
    created twice by that.

    Parameters
    ----------
    url
        Address of the service, e.g. ``https://hub.example.org/services/speaksep``; by default ``SPEAKSEP_URL``.
    token
        Who asks; by default ``SPEAKSEP_TOKEN``.
    patience_s
        How long a service that is away, or busy, is waited for.
    timeout_s
        How long one answer may take to begin, and to go on.
    transport
        Another way to send requests, for tests.

    Attributes
    ----------
    recordings, jobs, batches, results, shares, voices, notebooks, notices, tokens
        What can be done with each.

    Raises
    ------
    ServiceError
        No address or no token; later, by any method: what the service refused, in its own words.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        patience_s: float = 60.0,
        timeout_s: float = 60.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        connection = Connection(url, token, patience_s=patience_s, timeout_s=timeout_s, transport=transport)
        self._connection = connection
        self.jobs = Jobs(connection)
        self.recordings = Recordings(connection, self.jobs)
        self.batches = Batches(connection)
        self.results = Results(connection, self.jobs)
        self.shares = Shares(connection)
        self.voices = Voices(connection)
        self.notebooks = Notebooks(connection)
        self.notices = Notices(connection)
        self.tokens = Tokens(connection)

    def me(self) -> JsonObject:
        """Who you are to the service, and what you may do."""
        return cast(dict[str, Any], self._connection.call("GET", "/me").json())

    def plugins(self) -> list[JsonObject]:
        """Separators, cleaners, formats and more that are installed there."""
        return list(self._connection.pages("/plugins"))

    def close(self) -> None:
        """End all connections."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
