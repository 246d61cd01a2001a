"""Scripts and styles; they are the same for everybody, and nobody needs to sign in for them."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from speaksep_hub.dashboards.shell import static_of

router = APIRouter(include_in_schema=False)

_FOR_EVER = "public, max-age=31536000, immutable"


@router.get("/static/{stamp}/{name}")
async def static(stamp: str, name: str, request: Request) -> Response:
    """One of them."""
    static = static_of(request)
    media_type = static.media_type(name)
    zipped = "gzip" in request.headers.get("accept-encoding", "")
    texts = await run_in_threadpool(lambda: static.zipped if zipped else static.texts)
    # A page of before the last update asks for what is no more: it gets what is there, and keeps it for no time.
    headers = {"Cache-Control": _FOR_EVER if stamp == static.stamp else "no-store", "Vary": "Accept-Encoding"}
    return Response(
        texts[name], media_type=media_type, headers=headers | ({"Content-Encoding": "gzip"} if zipped else {})
    )
