"""Every failure as one JSON shape: ours, those of the framework, and those that nobody expected."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket

from speaksep_hub.service.errors import headers_of, status_of
from speaksep_hub.service.work.places import plain
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


def unexpected(request_id: str) -> JSONResponse:
    """The answer to a fault of ours: nothing of its cause, but what the log calls it."""
    hint = f"a fault of ours; the service's log says more about request {request_id}"
    return failure(SpeakSepError("the service failed at this request", reason="internal", hint=hint))


def explain_failures(app: FastAPI) -> None:
    """Have an application tell all errors in the one shape."""
    app.add_exception_handler(SpeakSepError, _ours)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(RequestValidationError, _invalid)


async def _ours(connection: HTTPConnection, error: Exception) -> Response:
    assert isinstance(error, SpeakSepError)
    if status_of(error) >= 500:
        _LOG.error("request %s: %s", getattr(connection.state, "request_id", "-"), error)
    if status_of(error) in _REFUSED:
        await _record(connection, error)
    platform = connection.app.state.platform
    error.error, error.hint = plain(platform, error.error), plain(platform, error.hint)
    return await _told(connection, failure(error))


async def _record(connection: HTTPConnection, error: SpeakSepError) -> None:
    caller = getattr(connection.state, "caller", None)
    await connection.app.state.platform.audit.arecord(
        "refusal",
        actor=caller.name if caller else "",
        request_id=getattr(connection.state, "request_id", ""),
        address=connection.client.host if connection.client else "",
        status=status_of(error),
        method=connection.scope.get("method", "WS"),
        path=connection.url.path[:_LONGEST],
        reason=error.reason,
    )


async def _framework(connection: HTTPConnection, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    words = HTTPStatus(error.status_code).phrase.lower()
    hints = {404: "the addresses of the service are in its /docs", 405: "it takes another method: see /docs"}
    told = SpeakSepError(
        f"{connection.scope.get('method', 'GET')} {connection.url.path[:_LONGEST]}: {error.detail or words}",
        reason=words.replace(" ", "-"),
        hint=hints.get(error.status_code, "see /docs"),
    )
    return await _told(connection, JSONResponse(told.to_dict(), error.status_code, error.headers))


async def _invalid(connection: HTTPConnection, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    told = InputError("; ".join(_sentence(each) for each in error.errors()[:5]), reason="bad-request", hint="see /docs")
    return await _told(connection, JSONResponse(told.to_dict(), 422))


def _sentence(fault: dict[str, Any]) -> str:
    where = " ".join(str(each) for each in fault["loc"])
    value = "" if fault["type"] == "missing" else f" is {str(fault.get('input'))[:_LONGEST]!r}"
    return f"{where}{value}: {fault['msg']}"


async def _told(connection: HTTPConnection, response: Response) -> Response:
    if isinstance(connection, WebSocket):
        await connection.send_denial_response(response)
    return response
