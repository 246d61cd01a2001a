"""An application below a path: a proxy in front of it leaves the path as it is."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class Below:
    """Layer of an ASGI application that takes what comes before its own addresses for that.

    Parameters
    ----------
    app
        What is inside.
    prefix
        Path before all of its addresses, with or without a slash at its end.
    """

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app, self._root = app, prefix.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "lifespan":
            scope["root_path"] = self._root
        await self._app(scope, receive, send)
