"""What may be taken away from a page: files, executed notebooks as documents, reports."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from speaksep_hub.dashboards.looking import Looked, Looking
from speaksep_hub.service.errors import NotAllowed, NotFound
from speaksep_hub.service.platform import platform_of
from speaksep_hub.service.work.audited import atold
from speaksep_hub.service.work.sending import send_file

router = APIRouter(include_in_schema=False)

# Whatever stands in it, nothing of it runs, is sent anywhere or is loaded from anywhere.
_INERT = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"


@router.get("/files/{name:path}")
async def file(name: str, request: Request, looked: Looking) -> Response:
    """A file of the result, by range if you like."""
    found: dict[str, str] = await run_in_threadpool(looked.page.files)
    if name not in found:
        raise NotFound(
            f"there is no file {name[:100]!r} to be saved here",
            reason="unknown-file",
            hint="whoever shared the page decides what may be saved",
        )
    await atold(request, looked.visitor.name, "download", what="file", id=looked.name, file=name)
    shown = name.rpartition("/")[2]
    return await run_in_threadpool(send_file, platform_of(request), request, found[name], name=shown)


@router.get("/documents/{name:path}")
async def document(name: str, looked: Looking) -> Response:
    """Something to be read that others wrote, such as the notebook of a job that failed."""
    made: Any = getattr(looked.page, "document", None)
    text = None if made is None else await run_in_threadpool(made, name)
    if text is None:
        raise NotFound(f"there is no document {name[:100]!r}", reason="unknown-file", hint="go back to the page")
    headers = {"Content-Security-Policy": _INERT, "Cache-Control": "private, no-cache"}
    return Response(text, media_type="text/html; charset=utf-8", headers=headers)


@router.get("/report.html")
async def report(request: Request, looked: Looking) -> Response:
    """The page as one file that needs nothing else."""
    from speaksep_dashboards.reports.pages import html_of

    _check(looked)
    await atold(request, looked.visitor.name, "download", what="report", id=looked.name, format="html")
    text = await run_in_threadpool(looked.kept.report, "html", html_of)
    return _saved(text, looked, "html", "text/html; charset=utf-8")


@router.get("/report.pdf")
async def figures(request: Request, looked: Looking) -> Response:
    """The figures of the page."""
    from speaksep_dashboards.reports.pages import pdf_of

    _check(looked)
    await atold(request, looked.visitor.name, "download", what="report", id=looked.name, format="pdf")
    return _saved(await run_in_threadpool(looked.kept.report, "pdf", pdf_of), looked, "pdf", "application/pdf")


def _check(looked: Looked) -> None:
    if not looked.share.download:
        raise NotAllowed(
            "nothing may be saved of this page",
            reason="no-download",
            hint=f"ask {looked.share.owner or 'its owner'}, who decides that",
        )
    if not looked.reports:
        raise NotFound("there is no report of this page", reason="not-found", hint="go back to it")


def _saved(text: str | bytes, looked: Looked, suffix: str, media_type: str) -> Response:
    name = f"speaksep-{looked.page.kind}.{suffix}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-cache"}
    return Response(text, media_type=media_type, headers=headers)
