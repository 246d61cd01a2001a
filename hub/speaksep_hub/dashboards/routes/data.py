"""What a page shows, and answers to what it asks: by GET what changes nothing, by POST votes and comments."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from speaksep_dashboards.page import Answer
from speaksep_hub.dashboards.looking import Looking, note_opened
from speaksep_hub.dashboards.sending import send_text
from speaksep_hub.service.work.audited import atold
from speaksep_kernel.errors import InputError

router = APIRouter(include_in_schema=False)

_KEPT = "private, max-age=3600"
_TOLD: dict[str, tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "vote": ("vote", lambda question: {"item": str(question.get("item", ""))}),
    "show": ("vote", lambda _: {"item": "*"}),  # the end of a reader's voting
    "comment": ("comment", lambda _: {}),
    "uncomment": ("comment", lambda question: {"comment": question.get("comment"), "removed": True}),
}
"""What the audit trail is told of changes."""
_LONGEST = 8000  # characters of a question by GET; proxies cut longer addresses


@router.get("/data")
async def data(request: Request, looked: Looking) -> Response:
    """All that the page shows first, as it is now."""
    if "authorization" in request.headers:  # a program: no page was opened before
        await note_opened(request, looked)
    told = await run_in_threadpool(looked.kept.told, looked.complete)
    return send_text(request, told.text, told.stamp, "application/json", zipped=told.zipped)


@router.get("/ask")
async def ask(
    looked: Looking, q: Annotated[str, Query(max_length=_LONGEST)], v: Annotated[str, Query(max_length=40)] = ""
) -> Response:
    """Answer a question that changes nothing; the same one has the same answer while the page has the same version."""
    try:
        question = json.loads(q)
    except (ValueError, RecursionError):
        question = None
    if not isinstance(question, dict):
        raise _bad("it is no JSON object")
    if str(question.get("ask")) in looked.page.writes:
        raise InputError(f"{question['ask']!r} changes something", reason="ask-by-post", hint="send it by POST")
    stamp = await run_in_threadpool(looked.kept.stamp)
    answer = await run_in_threadpool(looked.page.answer, question)
    return _packed(answer, {"Cache-Control": _KEPT if v == stamp else "no-store", "Vary": "Cookie"})


@router.post("/ask")
async def change(request: Request, looked: Looking, question: Annotated[dict[str, Any], Body()]) -> Response:
    """Do what a question asks for: vote, comment; sent again with the same ``key`` it is done once."""
    asked = str(question.get("ask"))
    if asked not in looked.page.writes:
        raise _bad(f"{asked[:40]!r} changes nothing here")
    answer = await run_in_threadpool(looked.page.answer, question)
    told = _TOLD.get(asked)
    if told is not None:
        fields = {"share": looked.share.id or looked.name, **told[1](question)}
        await atold(request, looked.visitor.name, told[0], **fields)
    return _packed(answer, {"Cache-Control": "no-store"})


def _packed(answer: Answer, headers: dict[str, str]) -> Response:
    """Four bytes that say how long the JSON is (big-endian), the JSON with the lengths of the buffers, the buffers."""
    told = json.dumps(answer.content | {"lengths": [len(each) for each in answer.buffers]}, ensure_ascii=False).encode()
    body = b"".join((struct.pack(">I", len(told)), told, *answer.buffers))
    return Response(body, media_type="application/octet-stream", headers=headers)


def _bad(why: str) -> InputError:
    return InputError(f"that is no question: {why}", reason="bad-question", hint="load the page again")
