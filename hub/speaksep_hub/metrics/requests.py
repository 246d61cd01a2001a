"""Counts requests and how long they take."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from speaksep_hub.metrics.registry import Metrics

NOWHERE = "(none)"
"""Route of a request that no route is for: what people type must not become a label."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class CountRequests:
    """Outermost layer of an ASGI application.

    Parameters
    ----------
    app
        What is inside.
    metrics
        Where to count.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        status, streams = 0, scope["type"] == "websocket"

        async def seen(message: Message) -> None:
            nonlocal status, streams
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                status = message["status"]
                kind = next((value for name, value in message.get("headers", ()) if name == b"content-type"), b"")
                streams = kind.startswith(b"text/event-stream")
            elif message["type"] == "websocket.accept":
                status = 101
            await send(message)

        begun_s = time.perf_counter()
        self._metrics.add("speaksep_http_requests_open")
        try:
            await self._app(scope, receive, seen)
        finally:
            method = scope.get("method", "WS")
            labels = (method if method in METHODS or method == "WS" else "other", _route(scope))
            self._metrics.add("speaksep_http_requests_open", -1)
            self._metrics.add("speaksep_http_requests_total", 1, *labels, str(status or 499))  # 499: nobody waited
            if not streams:
                self._metrics.observe("speaksep_http_request_seconds", time.perf_counter() - begun_s, *labels)


def _route(scope: Scope) -> str:
    """Its template; FastAPI tells it without or, in earlier versions, with what its router is below."""
    return str(getattr(scope.get("route"), "path", NOWHERE)).removeprefix("/api/v1")
