"""What the audit log is told by the work routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import Request

if TYPE_CHECKING:
    from speaksep_hub.service.identity import Caller
    from speaksep_hub.service.platform import Platform
    from speaksep_kernel.jobs.job import Job


def told(platform: Platform, request: Request, caller: Caller, event: str, **fields: Any) -> None:
    """Write one event down."""
    address = request.client.host if request.client else ""
    platform.audit.record(event, actor=caller.name, request_id=request.state.request_id, address=address, **fields)


async def atold(request: Request, actor: str, event: str, **fields: Any) -> None:
    """Write one event down, from a coroutine, of somebody who may not be known yet."""
    address = request.client.host if request.client else ""
    audit = request.app.state.platform.audit
    await audit.arecord(event, actor=actor, request_id=request.state.request_id, address=address, **fields)


def submitted(platform: Platform, request: Request, caller: Caller, job: Job) -> None:
    """Somebody asked for a job."""
    recording = (job.about or {}).get("recording", "")
    told(platform, request, caller, "job-submitted", job=job.id, notebook=job.notebook, recording=recording)
