"""Requests get a name, a line in the log, and an answer whatever happens."""

from __future__ import annotations

import logging
import re
import time
import uuid

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from speaksep_hub.service.answers import unexpected
from speaksep_hub.service.work.places import shown_path

HEADER = "X-Request-Id"
"""Name of a request, in both directions: a proxy's or a client's own is kept."""

_LOG = logging.getLogger("speaksep.service")
_GOOD = re.compile(rb"[A-Za-z0-9._-]{1,64}")  # anything else could forge lines of a log or headers
_OFTEN = ("/health", "/ready")  # asked every few seconds, for as long as the service lives
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
        request_id = _name_of(scope)
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
            _LOG.log(
                logging.DEBUG if scope["path"].endswith(_OFTEN) else logging.INFO,
                "%s %s %s %d %.0f ms %s",
                request_id,
                scope.get("method", "WS"),
                ascii(shown_path(scope["path"]))[1:-1],  # without the query, which may hold what is nobody's business
                status,
                1000 * (time.perf_counter() - began_s),
                ascii(caller.name)[1:-1] if caller else "-",
            )


def _name_of(scope: Scope) -> str:
    given = next((value for name, value in scope["headers"] if name == _NAME), b"")
    return given.decode("ascii") if _GOOD.fullmatch(given) else uuid.uuid4().hex
