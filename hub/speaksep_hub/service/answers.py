"""Every failure in one JSON shape, whoever it comes from; for people in a browser it is a page."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from html import escape
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.websockets import WebSocket

from speaksep_hub.service.errors import headers_of, status_of
from speaksep_hub.service.work.places import plain, shown_path
from speaksep_kernel.errors import InputError, SpeakSepError

_LOG = logging.getLogger("speaksep.service")
_REFUSED = frozenset({401, 403, 413, 429})
_LONGEST = 300  # characters of a wrong value that are shown


class Failure(BaseModel):
    """What every refused or failed request answers."""

    ok: bool = Field(False, description="Always false.")
    error: str = Field(description="What was wrong, with the value.", examples=["no recording 'r1'"])
    reason: str = Field(description="The same as one word that a program can test.", examples=["unknown-recording"])
    hint: str = Field(description="What to do about it.", examples=["GET /api/v1/recordings lists yours"])


def failure(error: SpeakSepError) -> JSONResponse:
    """The answer that tells an error."""
    return JSONResponse(error.to_dict(), status_of(error), headers_of(error))


def unexpected(connection: HTTPConnection, request_id: str) -> Response:
    """The answer to a fault of ours: nothing of its cause, but what the log calls it."""
    hint = f"a fault of ours; the service's log says more about request {request_id}"
    error = SpeakSepError("the service failed at this request", reason="internal", hint=hint)
    return _page_of(connection, error, 500) if _for_people(connection) else failure(error)


Page = Callable[[HTTPConnection, str, str], str]
"""Makes a page of an error and its hint, which are plain words."""


def explain_failures(app: FastAPI, page: Page | None = None) -> None:
    """Have an application tell all errors in the one shape.

    Parameters
    ----------
    app
        The application.
    page
        How people in a browser see them; that of the job service, if left out.
    """
    app.state.page_of_failure = page or _page
    app.add_exception_handler(SpeakSepError, _ours)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(RequestValidationError, _invalid)


async def _ours(connection: HTTPConnection, error: Exception) -> Response:
    assert isinstance(error, SpeakSepError)
    if status_of(error) >= 500:
        _LOG.error("request %s: %s", getattr(connection.state, "request_id", "-"), error)
    if counting := getattr(connection.app.state, "metrics", None):
        counting.add("speaksep_refusals_total", 1, error.reason)
    if status_of(error) in _REFUSED:
        await _record(connection, error)
    platform = connection.app.state.platform
    error.error, error.hint = plain(platform, error.error), plain(platform, error.hint)
    return await _told(connection, error, status_of(error), headers_of(error))


async def _record(connection: HTTPConnection, error: SpeakSepError) -> None:
    caller = getattr(connection.state, "caller", None)
    await connection.app.state.platform.audit.arecord(
        "refusal",
        actor=caller.name if caller else "",
        request_id=getattr(connection.state, "request_id", ""),
        address=connection.client.host if connection.client else "",
        status=status_of(error),
        method=connection.scope.get("method", "WS"),
        path=shown_path(connection.url.path)[:_LONGEST],
        reason=error.reason,
    )


async def _framework(connection: HTTPConnection, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    words = HTTPStatus(error.status_code).phrase.lower()
    hints = {404: "the addresses of the service are in its /docs", 405: "it takes another method: see /docs"}
    path = shown_path(connection.url.path)[:_LONGEST]
    told = SpeakSepError(
        f"{connection.scope.get('method', 'GET')} {path}: {error.detail or words}",
        reason=words.replace(" ", "-"),
        hint=hints.get(error.status_code, "see /docs"),
    )
    return await _told(connection, told, error.status_code, error.headers)


async def _invalid(connection: HTTPConnection, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    told = InputError("; ".join(_sentence(each) for each in error.errors()[:5]), reason="bad-request", hint="see /docs")
    return await _told(connection, told, 422)


def _sentence(fault: dict[str, Any]) -> str:
    where = " ".join(str(each) for each in fault["loc"])
    value = "" if fault["type"] == "missing" else f" is {str(fault.get('input'))[:_LONGEST]!r}"
    return f"{where}{value}: {fault['msg']}"


async def _told(
    connection: HTTPConnection, error: SpeakSepError, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    if _for_people(connection):
        return _page_of(connection, error, status, headers)
    response = JSONResponse(error.to_dict(), status, headers)
    if isinstance(connection, WebSocket):
        await connection.send_denial_response(response)
    return response


def _page_of(
    connection: HTTPConnection, error: SpeakSepError, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    words = (word[:1].upper() + word[1:] for word in (error.error, error.hint))
    return HTMLResponse(connection.app.state.page_of_failure(connection, *words), status, headers)


def _page(connection: HTTPConnection, error: str, hint: str) -> str:
    home = f"{connection.scope.get('root_path', '')}/"
    return _PAGE.format(escape(error), escape(hint), home=escape(home))


def _for_people(connection: HTTPConnection) -> bool:
    wants_page = connection.scope["type"] == "http" and "text/html" in connection.headers.get("accept", "")
    return wants_page and "/api/" not in connection.scope["path"]


_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Not this way · SpeakSep</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="{home}page/jobs.css">
</head>
<body>
<header><h1>SpeakSep</h1><nav><a href="{home}">My jobs</a> <a href="{home}sign-out">Sign out</a></nav></header>
<main><p class="bad" role="alert">{0}</p><p>{1}</p></main>
</body>
</html>
"""
