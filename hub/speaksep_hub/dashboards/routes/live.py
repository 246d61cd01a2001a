"""Tells open pages that what they show has changed, as server-sent events: ``event: version``, ``event: gone``."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from speaksep_hub.dashboards.looking import Looked, Looking, still_allowed
from speaksep_hub.service.platform import platform_of
from speaksep_kernel.errors import InputError, SpeakSepError

router = APIRouter(include_in_schema=False)

LOOK_S = 2.0
"""How often it is looked whether something changed; jobs of the owner that move are noticed at once."""
LEAST_S = 0.5
"""A page is not told more often than that."""
STILL_S = 4.0
"""How often it is looked whether somebody may still see it."""
BEAT_S = 15.0
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # the second is for nginx, which would hold it back


@router.get("/live")
async def live(request: Request, looked: Looking) -> Response:
    """From now on."""
    feed = _told(request, looked)
    await anext(feed)  # too many streams are refused as any request
    return StreamingResponse(feed, media_type="text/event-stream", headers=_HEADERS)


async def _told(request: Request, looked: Looked) -> AsyncIterator[str]:
    platform = platform_of(request)
    with platform.limiter.stream(looked.visitor.limited_as):
        watcher = await platform.tail.join(looked.share.owner)
        try:
            yield ""
            yield "retry: 1000\n\n"
            told, still_at, beat_at = "", time.monotonic(), time.monotonic()
            while not platform.leaving.is_set():
                began = time.monotonic()
                if began - still_at >= STILL_S:
                    still_at = began
                    if not await still_allowed(request, looked):
                        yield "event: gone\ndata: {}\n\n"
                        return
                stamp = await run_in_threadpool(_stamp, looked)
                if stamp is not None and stamp != told:
                    told, beat_at = stamp, began
                    yield f"event: version\ndata: {stamp}\n\n"
                elif began - beat_at >= BEAT_S:
                    beat_at = began
                    yield ": still here\n\n"
                if not await watcher.moved(LOOK_S, least_s=LEAST_S):
                    return
        finally:
            platform.tail.leave(watcher)


def _stamp(looked: Looked) -> str | None:
    try:
        return looked.kept.stamp()
    except InputError:
        return "gone"  # the page asks for the data, and is told why
    except SpeakSepError:
        return None  # the database is away for a moment
