"""What happens to jobs, as it happens: server-sent events, and the same over WebSockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response, Security, WebSocket, WebSocketDisconnect
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from speaksep_hub.service.identity import Caller, needs
from speaksep_hub.service.platform import ThePlatform
from speaksep_hub.service.work.answers import own_job
from speaksep_hub.service.work.streams import BEAT, END, Message, messages

router = APIRouter(tags=["events"])

Reader = Annotated[Caller, Security(needs, scopes=["jobs:read"])]
After = Annotated[int | None, Query(ge=0, le=2**62, description="Only what happened after the event of this `seq`.")]
LastEvent = Annotated[
    int | None, Header(alias="Last-Event-ID", ge=0, le=2**62, description="What browsers send when they come back.")
]
Feed = AsyncGenerator[Message, None]

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # the second is for nginx, which would hold it back
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "`id:` the event's number, `event: job`, `data:` what happened as JSON; comments between.",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": "id: 7\nevent: job\ndata: {…}\n\n"}},
    }
}


@router.get("/jobs/{id}/events", response_class=StreamingResponse, responses=_STREAM)
async def job_events(
    id: str, platform: ThePlatform, caller: Reader, after: After = None, last: LastEvent = None
) -> Response:
    """What happens to a job, from its beginning, until it is finished; then `event: end`."""
    job = await run_in_threadpool(own_job, platform, caller.name, id)
    return await _streamed(messages(platform, caller, job=job.id, after=_first(last, after) or 0))


@router.get("/events", response_class=StreamingResponse, responses=_STREAM)
async def events(platform: ThePlatform, caller: Reader, after: After = None, last: LastEvent = None) -> Response:
    """What happens to any of your jobs, from now on or from a number."""
    return await _streamed(messages(platform, caller, job=None, after=_first(last, after)))


@router.websocket("/jobs/{id}/events/ws")
async def job_events_socket(
    socket: WebSocket, id: str, platform: ThePlatform, caller: Reader, after: After = None
) -> None:
    """As the stream of the same address; each message is an event as JSON, and it closes at the end."""
    job = await run_in_threadpool(own_job, platform, caller.name, id)
    await _sent(socket, messages(platform, caller, job=job.id, after=after or 0))


@router.websocket("/events/ws")
async def events_socket(socket: WebSocket, platform: ThePlatform, caller: Reader, after: After = None) -> None:
    """As the stream of the same address."""
    await _sent(socket, messages(platform, caller, job=None, after=after))


def _first(last: int | None, after: int | None) -> int | None:
    """A browser that comes back knows better than the address that it was given at first."""
    return after if last is None else last


async def _streamed(feed: Feed) -> Response:
    await anext(feed)  # what cannot begin is refused as any request
    return StreamingResponse(_lines(feed), media_type="text/event-stream", headers=_HEADERS)


async def _lines(feed: Feed) -> AsyncIterator[str]:
    yield "retry: 2000\n\n"
    async with aclosing(feed):
        async for message in feed:
            if message is BEAT:
                yield ": still here\n\n"
            elif message is END:
                yield "event: end\ndata: {}\n\n"
            else:
                yield f"id: {message.seq}\nevent: job\ndata: {message.text}\n\n"


async def _sent(socket: WebSocket, feed: Feed) -> None:
    async with aclosing(feed):
        await anext(feed)
        await socket.accept()
        gone = asyncio.create_task(_until_gone(socket))
        sending = asyncio.create_task(_send(socket, feed))
        try:
            await asyncio.wait((gone, sending), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (gone, sending):
                task.cancel()
            await asyncio.gather(gone, sending, return_exceptions=True)


async def _send(socket: WebSocket, feed: Feed) -> None:
    with suppress(WebSocketDisconnect):
        async for message in feed:
            if message is not BEAT and message is not END:
                await socket.send_text(message.text)
        await socket.close()


async def _until_gone(socket: WebSocket) -> None:
    """Whatever the other end says is passed over; that it has gone is noticed at once."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        continue
