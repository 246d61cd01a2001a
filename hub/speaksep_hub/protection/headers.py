"""The security headers of every part of the platform: the one place where they are."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HSTS = "max-age=31536000; includeSubDomains"
_PERMISSIONS = "camera=(), geolocation=(), payment=(), usb=(), microphone=(self), fullscreen=(self), autoplay=(self)"
_UNNAMED = {"Server": "SpeakSep"}
"""Tornado would say its version."""
_POLICIES = {
    # Pages of JupyterHub begin with small scripts and styles of their own in the page.
    "hub": {
        "default-src": "'self'",
        "script-src": "'self' 'unsafe-inline'",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data:",
        "font-src": "'self' data:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "frame-ancestors": "'none'",
    },
    # JupyterLab checks settings with generated code, and loads widgets (ESM) and workers from blobs; notebooks show
    # pictures and sound out of the page. Nothing from elsewhere: what a notebook shows cannot tell others about it.
    "single-user": {
        "default-src": "'self'",
        "script-src": "'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "media-src": "'self' data: blob:",
        "connect-src": "'self' data: blob:",
        "worker-src": "'self' blob:",
        "frame-src": "'self' data: blob:",
        "object-src": "'self' blob:",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'self'",
    },
    # As JupyterLab: Voila and Panel are of the same make.
    "interactive": {
        "default-src": "'self'",
        "script-src": "'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "media-src": "'self' data: blob:",
        "connect-src": "'self' data: blob:",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'self'",
    },
    # Our own pages have no script and no style outside files.
    "service": {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "media-src": "'self'",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    },
}


def content_security_policy(part: str, changes: Mapping[str, str] | None = None) -> str:
    """Where pages of a part of the platform may load things from.

    Parameters
    ----------
    part
        ``"hub"``, ``"single-user"``, ``"interactive"`` or ``"service"``.
    changes
        Directives that a page needs otherwise.

    Examples
    --------
    >>> "script-src 'self';" in content_security_policy("service")
    True
    """
    return "; ".join(f"{name} {sources}" for name, sources in {**_POLICIES[part], **(changes or {})}.items())


def hub_headers(*, https: bool) -> dict[str, str]:
    """Of JupyterHub's pages and API, for ``tornado_settings["headers"]``.

    Parameters
    ----------
    https
        Whether browsers come by TLS; only then they are told never to come without.
    """
    return _headers("hub", https, frames="DENY") | _UNNAMED


def single_user_headers(*, https: bool) -> dict[str, str]:
    """Of the servers of users, for ``ServerApp.tornado_settings["headers"]``; parameter as of :func:`hub_headers`."""
    return _headers("single-user", https, frames="SAMEORIGIN") | _UNNAMED


def interactive_headers(*, https: bool) -> dict[str, str]:
    """Of Voila and Panel, for Tornado's settings; parameter as of :func:`hub_headers`."""
    return _headers("interactive", https, frames="SAMEORIGIN") | _UNNAMED


def service_headers(*, https: bool) -> dict[str, str]:
    """Of the job service; parameter as of :func:`hub_headers`."""
    return _headers("service", https, frames="DENY") | {"Cross-Origin-Resource-Policy": "same-origin"}


def _headers(part: str, https: bool, *, frames: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": content_security_policy(part),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": frames,
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": _PERMISSIONS,
        "Cross-Origin-Opener-Policy": "same-origin",
        **({"Strict-Transport-Security": _HSTS} if https else {}),
    }


class SecureHeaders:
    """Outermost layer of an ASGI application: headers that an answer does not have already, and what is left of a rate.

    Parameters
    ----------
    app
        What is inside.
    headers
        For every answer.
    """

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app, self._headers = app, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the headers."""

        async def secured(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                answer = MutableHeaders(scope=message)
                rate = scope.get("state", {}).get("rate")
                for name, value in {**self._headers, **(rate.headers if rate else {})}.items():
                    answer.setdefault(name, value)
                if answer.get("content-type", "").startswith(("application/json", "text/html")):
                    answer.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, secured if scope["type"] != "lifespan" else send)
