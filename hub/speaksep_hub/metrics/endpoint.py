"""``/metrics`` of the job service and of the dashboards, for Prometheus and for administrators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.security import SecurityScopes

from speaksep_hub.metrics.access import key, opens
from speaksep_hub.metrics.names import exported
from speaksep_hub.metrics.platform import look_at_platform
from speaksep_hub.metrics.registry import CONTENT_TYPE, Metrics
from speaksep_hub.metrics.requests import CountRequests
from speaksep_hub.service.identity.needs import needs
from speaksep_hub.service.pages.health import ready
from speaksep_hub.service.platform import Platform, ThePlatform

SCOPE = "metrics:read"
REASONS = ("quota-bytes", "quota-recordings", "disk-full", "store-full")
"""Counted from 0 on: of what appears with its first count, Prometheus does not see that it grew."""

router = APIRouter(include_in_schema=False)


def measure(app: FastAPI, platform: Platform, *, jobs: bool) -> None:
    """Have an application count what it does, and tell it at ``/metrics``; the last thing that is done to it.

    Parameters
    ----------
    app
        Of the job service or the dashboards.
    platform
        What it works with.
    jobs
        Whether it also tells how the queue, the store and the certificates stand: one part of a platform does.
    """
    metrics = Metrics("web", "service") if jobs else Metrics("web")
    if jobs:
        metrics.look([metric.name for metric in exported("service")], lambda: look_at_platform(platform))
        for reason in REASONS:
            metrics.add("speaksep_refusals_total", 0, reason)

    def heard(event: str, fields: Mapping[str, Any]) -> None:
        metrics.add("speaksep_events_total", 1, event)
        if event == "upload":
            metrics.add("speaksep_uploads_total", 1, str(bool(fields["known"])).lower())
            metrics.add("speaksep_upload_bytes_total", fields["bytes"])

    platform.audit.listener = heard
    app.state.metrics = metrics
    app.include_router(router)
    app.add_middleware(CountRequests, metrics=metrics)


@router.get("/metrics")
async def metrics(request: Request, platform: ThePlatform) -> Response:
    """What this process counted, and how things stand now."""
    if not opens(request.headers.get("authorization", ""), await run_in_threadpool(key, platform.settings)):
        await needs(SecurityScopes([SCOPE]), request, None, None)
    found: Metrics = request.app.state.metrics
    checks = await ready(request, platform, Response())
    for name, said in checks.checks.items():
        found.set("speaksep_ready", said == "ok", name)
    found.set("speaksep_audit_missed_entries", platform.audit.missed)
    if platform.settings.protection.storage is not None:
        found.set("speaksep_redis_up", await platform.limiter.reachable())
    return Response(await run_in_threadpool(found.text), media_type=CONTENT_TYPE)
