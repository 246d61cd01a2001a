"""Links that lead to a page: followed once, remembered by the browser, asked about again with every request."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from speaksep_hub.dashboards.link import remember_link
from speaksep_hub.dashboards.looking import refused
from speaksep_hub.dashboards.shell import home_of
from speaksep_hub.dashboards.visitor import links_for_anyone, visitor_of
from speaksep_hub.protection.requests import limit_guesses, note_wrong_guess
from speaksep_hub.service.platform import ThePlatform
from speaksep_kernel.errors import InputError

router = APIRouter(include_in_schema=False)


@router.get("/link/{token}")
async def follow(token: str, request: Request, platform: ThePlatform) -> Response:
    """Go where a link leads."""
    visitor = await visitor_of(request, anyone=links_for_anyone(request))
    await limit_guesses(request)
    try:
        share = await run_in_threadpool(platform.catalogue.shares.follow, token)
    except InputError as error:
        if error.reason == "unknown-link":
            await note_wrong_guess(request)
        await refused(request, visitor, "", error)
        raise
    response = RedirectResponse(f"{home_of(request)}share/{share.id}/", 303, {"Cache-Control": "no-store"})
    remember_link(request, response, share=share.id, token=token)
    return response
