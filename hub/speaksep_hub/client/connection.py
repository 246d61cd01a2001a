"""Requests to the service: signed, sent again where that is safe, refusals as exceptions."""

from __future__ import annotations

import os
import random
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx

from speaksep_hub.client.errors import ServiceError, unreachable
from speaksep_kernel.logs.carried import HEADER, carried

URL, TOKEN = "SPEAKSEP_URL", "SPEAKSEP_TOKEN"
"""Environment variables: the service's address, and who asks."""

PASSING = frozenset({429, 502, 503, 504})
"""Answers after which the same request may succeed: too many requests, or nobody behind the proxy for a moment."""

_SAFE = frozenset({"GET", "HEAD", "DELETE"})
_LONGEST_PAUSE_S = 5.0


class Connection:
    """The service at an address, as somebody.

    Parameters
    ----------
    url
        Address of the service, e.g. ``https://hub.example.org/services/speaksep``; None: of the environment.
    token
        A token of the hub, a JWT, or one of a service's token file; None: of the environment.
    patience_s
        For how long a request that may be repeated is: what creates something carries a key by which the service knows
        it again, so that a repeated request creates nothing twice.
    timeout_s
        How long one answer may take to begin, and to go on.
    transport
        Another way to send requests, for tests.

    Raises
    ------
    ServiceError
        Reasons ``no-address`` and ``no-token``.
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
        self.url = (url or os.environ.get(URL, "")).rstrip("/")
        token = token or os.environ.get(TOKEN, "")
        if not self.url:
            raise ServiceError("no address of a service", reason="no-address", hint=f"give one, or set {URL}")
        if not token:
            raise ServiceError(
                "no token", reason="no-token", hint=f"give one, or set {TOKEN}; the hub's page Token makes one"
            )
        self.patience_s = patience_s
        self._http = httpx.Client(
            base_url=f"{self.url}/api/v1/",
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            timeout=httpx.Timeout(timeout_s, connect=10.0),
            transport=transport,
            event_hooks={"request": [_in_its_name]},
        )

    def close(self) -> None:
        """End all connections."""
        self._http.close()

    def call(
        self,
        method: str,
        path: str,
        parts: Mapping[str, str] | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        key: str | None = None,
        again: bool = True,
    ) -> httpx.Response:
        """One request.

        Parameters
        ----------
        method, path
            As in the OpenAPI document, below ``/api/v1``; names in braces are filled from ``parts``.
        parts
            Ids and names for the path.
        query
            Parameters after the question mark; those that are None are left out.
        body, content
            What is sent, as JSON or as it is.
        headers
            Further headers.
        key
            Idempotency key of what is created; a new one by default.
        again
            False: it is sent once, whatever comes back.

        Raises
        ------
        ServiceError
            The service refused it, or did not answer for as long as it is asked.
        """
        sent = dict(headers or {})
        if method == "POST":
            sent["Idempotency-Key"] = key or uuid.uuid4().hex
        request = self._http.build_request(
            method,
            self.address(path, parts),
            params={name: value for name, value in (query or {}).items() if value is not None},
            json=body,
            content=content,
            headers=sent,
        )
        repeats = again and (method in _SAFE or method == "POST")
        for pause_s in self.pauses() if repeats else iter((None,)):
            try:
                response = self._http.send(request)
            except httpx.TransportError as error:
                if pause_s is None:
                    raise unreachable(self.url, error) from error
                time.sleep(pause_s)
                continue
            if response.status_code not in PASSING or pause_s is None:
                break
            time.sleep(wait_s(response, pause_s))
        if response.is_success:
            return response
        raise ServiceError.of(response)

    @contextmanager
    def stream(
        self,
        path: str,
        parts: Mapping[str, str] | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[httpx.Response]:
        """An answer that is read bit by bit. Redirections are followed: a remote store hands out its files itself.

        Raises
        ------
        ServiceError
            The service refused it.
        httpx.TransportError
            The connection broke: who reads knows where to go on.
        """
        chosen = {name: value for name, value in (query or {}).items() if value is not None}
        address = self.address(path, parts)
        with self._http.stream("GET", address, params=chosen, headers=headers, follow_redirects=True) as response:
            if response.is_error:
                response.read()
                raise ServiceError.of(response)
            yield response

    def pages(self, path: str, parts: Mapping[str, str] | None = None, **query: Any) -> Iterator[Any]:
        """Every item of a list, page after page."""
        cursor = None
        while True:
            page = self.call("GET", path, parts, query={**query, "cursor": cursor}).json()
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return

    def pauses(self) -> Iterator[float | None]:
        """Seconds to wait after each try; None after the last."""
        end_s, pause_s = time.monotonic() + self.patience_s, 0.1
        while time.monotonic() + pause_s < end_s:
            # Those who were cut off together do not come back together.
            yield pause_s * random.uniform(0.5, 1.0)
            pause_s = min(_LONGEST_PAUSE_S, 2 * pause_s)
        yield None

    @staticmethod
    def address(path: str, parts: Mapping[str, str] | None = None) -> str:
        """A path with its names filled in; a name never becomes more than one step of it."""
        quoted = {name: quote(value, safe="") for name, value in (parts or {}).items()}
        return path.format_map(quoted).removeprefix("/")


def _in_its_name(request: httpx.Request) -> None:
    """A job that asks the service does so in the name of the request that asked for the job."""
    if name := carried().get("request_id"):
        request.headers[HEADER] = name


def wait_s(response: httpx.Response, otherwise_s: float) -> float:
    """How long the service wants one to wait."""
    told = response.headers.get("retry-after", "")
    return float(told) if told.isdecimal() else otherwise_s
