"""Requests of a Tornado server: each has a name, which its answer tells, and a line in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import HTTPError, OutputTransform, RequestHandler

from speaksep_hub.service.work.places import shown_path
from speaksep_kernel.logs.begin import level
from speaksep_kernel.logs.carried import HEADER, carry, forget, request_name
from speaksep_kernel.logs.cleaned import seen_path

_LOG = logging.getLogger("speaksep.requests")
_STARTING = 424
"""What a hub answers for a server that does not run: it is asked again and again while one starts."""
_QUIET = (200, 204, 206, 304)


class NameRequests(OutputTransform):
    """Gives a request its name before anything is done for it, and tells it in the answer.

    Parameters
    ----------
    request
        Whose headers may bring a name.
    """

    def __init__(self, request: HTTPServerRequest) -> None:
        given = request.headers.get(HEADER)
        self._name = request_name(given)
        request.speaksep_named = self._name == given  # type: ignore[attr-defined]
        forget()  # one connection brings many requests, which may be different people's
        carry(request_id=self._name)

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """The beginning of an answer."""
        headers[HEADER] = self._name
        return status_code, headers, chunk


def request_log(counted: Callable[[Any], object] | None = None, *, often: bool = False) -> Callable[[Any], None]:
    """A ``log_function`` for the settings of a Tornado application.

    Parameters
    ----------
    counted
        Counts requests, where the server's own function would.
    often
        Whether successes are logged only of requests that brought a name: JupyterLab asks every few seconds.
    """

    def log(handler: RequestHandler) -> None:
        request, status = handler.request, handler.get_status()
        named = getattr(request, "speaksep_named", False)
        quiet = status == 304 or request.path.endswith(("/health", "/metrics")) or (often and status in _QUIET)
        how = (
            logging.ERROR
            if status >= 500
            else logging.WARNING
            if status >= 400 and status != _STARTING
            else logging.INFO
        )
        told = {
            "method": request.method,
            "path": shown_path(seen_path(request.path)),
            "status": status,
            "ms": round(1000 * request.request_time(), 1),
            "user": _user(handler),
        }
        _LOG.log(logging.DEBUG if quiet and not named and how == logging.INFO else how, "request", extra=told)
        if counted is not None:
            counted(handler)

    return log


def logging_config(part: str) -> dict[str, Any]:
    """For ``c.Application.logging_config`` of an application of Jupyter: its lines have the shape of all."""
    return {
        "formatters": {"speaksep": {"()": "speaksep_kernel.logs.begin.line_formatter", "part": part}},
        "handlers": {"console": {"formatter": "speaksep", "level": level()}},
    }


def _user(handler: Any) -> str:
    try:
        user = handler.current_user
    except (HTTPError, RuntimeError):  # refused before it was known who asks
        return ""
    if isinstance(user, dict):
        return str(user.get("name", ""))
    return str(getattr(user, "username", "") or getattr(user, "name", "") or "")
