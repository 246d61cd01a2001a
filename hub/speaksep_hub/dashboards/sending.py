"""Texts on their way out: compressed where that is understood, and not sent at all where they are known."""

from __future__ import annotations

import gzip

from starlette.requests import Request
from starlette.responses import Response

_SMALL_BYTES = 1000


def send_text(
    request: Request,
    text: bytes,
    stamp: str,
    media_type: str,
    headers: dict[str, str] | None = None,
    *,
    zipped: bytes | None = None,
) -> Response:
    """A text that browsers keep, and ask about each time before they use it again.

    Parameters
    ----------
    request
        Its ``If-None-Match`` and ``Accept-Encoding`` count.
    text
        What is sent.
    stamp
        Changes with it.
    media_type
        What it is.
    headers
        Further ones.
    zipped
        The same, compressed, where that is there already.
    """
    told = {"Cache-Control": "private, no-cache", "ETag": f'"{stamp}"', "Vary": "Accept-Encoding, Cookie"}
    told |= headers or {}
    if f'"{stamp}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=told)
    if len(text) > _SMALL_BYTES and "gzip" in request.headers.get("accept-encoding", ""):
        text, told = zipped or gzip.compress(text, 1), told | {"Content-Encoding": "gzip"}
    return Response(text, media_type=media_type, headers=told)
