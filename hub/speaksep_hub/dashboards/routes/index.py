"""The first page: what others share with somebody, what is their own, and how the platform does."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from speaksep_hub.dashboards.shell import Markup, document, element, home_of
from speaksep_hub.dashboards.visitor import ADMIN, OWN, VIEW, Visitor, visitor_of
from speaksep_hub.service.place import beside
from speaksep_hub.service.platform import Platform, ThePlatform
from speaksep_kernel.catalogue.share import Share
from speaksep_kernel.catalogue.subjects import SEPARATES
from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs.job import Job
from speaksep_kernel.jobs.overview import GROUP
from speaksep_kernel.jobs.states import State

router = APIRouter(include_in_schema=False)

SHOWS = {SEPARATES: "recording", "diagnose": "diagnosis"}
"""Notebooks whose results have pages, and what people call those."""
SHOWN = 50
"""Results, and batches, that are listed; the collection has all."""
_NUMBERS = {None: "", 0: "nobody speaks", 1: "1 speaker"}
_JOB = re.compile(r"[0-9a-f]{16}")


@router.get("/")
async def index(request: Request, platform: ThePlatform) -> Response:
    """The page."""
    visitor = await visitor_of(request)
    text = await run_in_threadpool(_index, request, platform, visitor)
    return HTMLResponse(text, headers={"Cache-Control": "no-store"})


@router.get("/compare")
async def compare(
    request: Request, a: Annotated[str, Query(max_length=100)] = "", b: Annotated[str, Query(max_length=100)] = ""
) -> Response:
    """Go to the comparison of two results; what the form of the first page asks for."""
    await visitor_of(request)
    for job in (a, b):
        if not _JOB.fullmatch(job):
            raise InputError(f"{job!r} is no result", reason="bad-share", hint="choose two results")
    return RedirectResponse(f"{home_of(request)}mine/compare/{a}..{b}/", 303)


def _index(request: Request, platform: Platform, visitor: Visitor) -> str:
    parts = []
    shared = platform.catalogue.shares.visible(visitor.name, visitor.reader.groups) if visitor.may(VIEW) else []
    if shared or (visitor.may(VIEW) and platform.place.hub is not None):
        rows = [_row(f"share/{share.id}/", share.title or share.kind, share.kind, _about(share)) for share in shared]
        parts.append(_section("Shared with me", rows, "Nobody has shared anything with you yet."))
    if visitor.may(OWN):
        parts.append(_mine(platform, visitor.name))
    if visitor.may(ADMIN):
        row = _row("operations/", "Operations", "platform", "queue, GPUs, speed, cache, errors")
        parts.append(_section("The platform", [row], ""))
    return document(
        request, "Dashboards", element("main", element("h1", "Dashboards"), *parts, class_="list"), name=visitor.name
    )


def _mine(platform: Platform, name: str) -> Markup:
    jobs = platform.jobs.jobs(owner=name, newest_first=True, limit=4 * SHOWN)
    results = [job for job in jobs if job.notebook in SHOWS and GROUP not in (job.batch or "")][:SHOWN]
    rows = [_row("mine/collection/all/", "All my recordings", "collection", "")] if results else []
    for batch in platform.jobs.batches(name, limit=SHOWN):
        counts = ", ".join(f"{count} {state}" for state, count in batch.counts.items() if count)
        which = quote(batch.id, safe="")
        rows.append(_row(f"mine/batch/{which}/", f"Batch {batch.id}", "batch", f"{_day(batch.created_at)} · {counts}"))
    rows += [_row(f"mine/recording/{job.id}/", _called(job), SHOWS[job.notebook], _how(job)) for job in results]
    jobs_page = Markup("")
    if platform.place.hub is not None:
        jobs_page = element("p", element("a", "Send recordings, share results: my jobs", href=beside("speaksep")))
    done = [job for job in results if job.notebook == SEPARATES and job.state is State.SUCCEEDED]
    return _section("Mine", rows, "You have separated nothing yet.", _comparing(done), jobs_page)


def _comparing(jobs: Sequence[Job]) -> Markup:
    if len(jobs) < 2:
        return Markup("")

    def choice(name: str, label: str, first: int) -> Markup:
        options = [
            element("option", f"{_called(job)} · {_how(job)}", value=job.id, selected=number == first)
            for number, job in enumerate(jobs)
        ]
        return element("label", f"{label} ", element("select", *options, name=name))

    return element(
        "form",
        choice("a", "Compare", 1),
        choice("b", "with", 0),
        element("button", "Compare"),
        action="compare",
        method="get",
    )


def _section(title: str, rows: Sequence[Markup], empty: str, *more: Markup) -> Markup:
    inside = element("ul", *rows, class_="rows") if rows else element("p", empty, class_="quiet")
    return element("section", element("h2", title), inside, *more)


def _row(address: str, words: str, kind: str, about: str) -> Markup:
    link = element("a", words, href=address)
    return element("li", link, element("span", kind, class_="kind"), element("span", about, class_="quiet"))


def _about(share: Share) -> str:
    until = f" · until {_day(share.expires_at)}" if share.expires_at is not None else ""
    return f"by {share.owner} · since {_day(share.created_at)}{until}"


def _called(job: Job) -> str:
    about: Any = job.about or {}
    return str(about.get("name") or PurePath(str(job.parameters.get("source", ""))).name or job.id)


def _how(job: Job) -> str:
    """What tells a result from others of the same recording."""
    measures: Any = (job.result.get("measures") if isinstance(job.result, dict) else None) or {}
    speakers, cleaned = measures.get("speakers"), job.parameters.get("clean")
    words = [
        _day(job.created_at),
        "" if job.state is State.SUCCEEDED else str(job.state),
        _NUMBERS.get(speakers, f"{speakers} speakers"),
        str(job.parameters.get("quality") or ""),
        "cleaned" if cleaned not in (None, False, "", "no") else "",
    ]
    return " · ".join(filter(None, words))


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"
