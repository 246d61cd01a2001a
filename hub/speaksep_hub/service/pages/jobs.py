"""The page with my jobs: send recordings, have them separated, watch, listen. All it does goes through the API."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request, Security
from fastapi.concurrency import run_in_threadpool
from starlette.responses import FileResponse, HTMLResponse

from speaksep_hub.service.errors import NotFound
from speaksep_hub.service.identity import Caller, visits
from speaksep_hub.service.platform import ThePlatform
from speaksep_hub.service.work.audited import told

router = APIRouter(include_in_schema=False)

_FOLDER = Path(__file__).with_name("files")
_FILES = (
    "api.js",
    "element.js",
    "jobs.css",
    "jobs.js",
    "live.js",
    "picked.js",
    "recordings.js",
    "rows.js",
    "share.js",
    "shares.js",
    "tracks.js",
)


@router.get("/")
async def my_jobs(
    request: Request, platform: ThePlatform, caller: Annotated[Caller, Security(visits, scopes=["jobs:read"])]
) -> HTMLResponse:
    """The page."""
    await run_in_threadpool(told, platform, request, caller, "view", page="jobs")
    text = await run_in_threadpool((_FOLDER / "jobs.html").read_text, encoding="utf-8")
    return HTMLResponse(text, headers={"Cache-Control": "no-store"})


@router.get("/page/{name}")
async def page_file(name: str) -> FileResponse:
    """A file of the page."""
    if name not in _FILES:
        raise NotFound(f"there is no file {name[:100]!r}", reason="not-found", hint="open the page itself")
    return FileResponse(_FOLDER / name, headers={"Cache-Control": "no-cache"})
