"""The pages themselves: the frame with the data in it, so that a first look takes one request."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from speaksep_hub.dashboards.exploring import doors
from speaksep_hub.dashboards.looking import Looked, Looking, note_opened
from speaksep_hub.dashboards.sending import send_text
from speaksep_hub.dashboards.shell import Markup, config_block, data_block, document, element, home_of, static_of
from speaksep_hub.protection.headers import content_security_policy

router = APIRouter(include_in_schema=False)

# Bokeh makes style elements of its own for what it draws.
_STYLED = content_security_policy("service", {"style-src": "'self' 'unsafe-inline'"})


@router.get("/")
async def page(request: Request, looked: Looking) -> Response:
    """A page."""
    await note_opened(request, looked)
    text = await run_in_threadpool(_page, request, looked)
    stamp = hashlib.sha256(text.encode()).hexdigest()[:32]
    policy = {"Content-Security-Policy": _STYLED} if _assets(looked) else {}
    return await run_in_threadpool(send_text, request, text.encode(), stamp, "text/html; charset=utf-8", policy)


def _page(request: Request, looked: Looked) -> str:
    told = looked.kept.told(looked.complete)
    home, static, kind = home_of(request), static_of(request), looked.page.kind
    files, assets = home + static.address(), _assets(looked)
    config = {
        "static": files,
        "module": f"{files}{kind}.js",
        "assets": {name: files + name for name in assets},
        "stamp": told.stamp,
        "writes": sorted(looked.page.writes),
        "signIn": f"{home}sign-in",
    }
    preload = [
        element("link", rel="stylesheet", href=f"{files}{kind}.css"),
        element("link", rel="modulepreload", href=f"{files}kernelless.js"),
        element("link", rel="modulepreload", href=f"{files}{kind}.js"),
        *(element("link", rel="preload", as_="script", href=files + name) for name in assets),
        element("script", type="module", src=f"{files}shell.js"),
    ]
    title = looked.page.title
    main = element(
        "main",
        _bar(request, looked),
        element("p", id="connection", role="status"),
        element("div", id="view", aria_busy="true"),
        element("noscript", element("p", "This page is drawn by a script: allow scripts of this site to see it.")),
        config_block("config", config),
        data_block("data", told.text),
    )
    return document(request, title, main, head="".join(preload), name=looked.visitor.name)


def _assets(looked: Looked) -> tuple[str, ...]:
    """Files of others that a page draws with: Bokeh's."""
    found: tuple[str, ...] = tuple(getattr(looked.page, "assets", ()))
    return found


def _bar(request: Request, looked: Looked) -> Markup:
    share = looked.share
    about = []
    if share.id and share.owner != looked.visitor.name:
        about.append(f"shared by {share.owner}")
    if share.expires_at is not None:
        about.append(f"until {datetime.fromtimestamp(share.expires_at, UTC):%Y-%m-%d %H:%M} UTC")
    back = [element("a", "← Back", href="../../")] if looked.inside else []
    reports = [element("a", "Report", href="report.html"), element("a", "Figures (PDF)", href="report.pdf")]
    links = [
        *back,
        *(reports if looked.reports else []),
        *(element("a", words, href=address) for words, address in doors(request, looked)),
    ]
    return element(
        "div",
        element("p", " · ".join(about), class_="quiet"),
        element("nav", *links, aria_label="This page") if links else Markup(""),
        class_="bar-of-page",
    )
