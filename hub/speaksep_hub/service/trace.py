"""Requests get a name, a line in the log, and an answer whatever happens."""

from __future__ import annotations

import logging
import time

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from speaksep_hub.service.answers import unexpected
from speaksep_hub.service.work.places import shown_path
from speaksep_kernel.logs.carried import HEADER, carrying, request_name
from speaksep_kernel.logs.cleaned import seen_path

_LOG = logging.getLogger("speaksep.service")
_OFTEN = ("/health", "/ready", "/metrics")  # asked every few seconds, for as long as the service lives
_NAME = HEADER.lower().encode()


class Trace:
    """Outermost layer of the service.

    Parameters
    ----------
    app
        What is inside.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        request_id = request_name(next((value for name, value in scope["headers"] if name == _NAME), None))
        with carrying(request_id=request_id):
            await self._serve(scope, receive, send, request_id)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        scope.setdefault("state", {})["request_id"] = request_id
        began_s, status = time.perf_counter(), 0

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (_NAME, request_id.encode())]
            elif message["type"] == "websocket.accept":
                status = 101
            await send(message)

        try:
            await self._app(scope, receive, named)
        except Exception:
            _LOG.exception("request %s failed", request_id)
            if status == 0 and scope["type"] == "http":
                await unexpected(HTTPConnection(scope), request_id)(scope, receive, named)
            elif status == 0:
                await send({"type": "websocket.close", "code": 1011})
            else:
                raise  # the server cuts the connection, so that half an answer is not taken for a whole one
        finally:
            caller = scope["state"].get("caller")
            told = {
                "method": scope.get("method", "WS"),
                "path": shown_path(seen_path(scope["path"])),  # the query may hold what is nobody's business
                "status": status,
                "ms": round(1000 * (time.perf_counter() - began_s), 1),
                "user": caller.name if caller else "",
            }
            _LOG.log(logging.DEBUG if scope["path"].endswith(_OFTEN) else logging.INFO, "request", extra=told)
