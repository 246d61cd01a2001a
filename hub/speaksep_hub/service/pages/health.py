"""Whether the process lives, and whether it can do its work: for proxies and whoever starts it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Literal

import anyio
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from speaksep_hub.service.platform import Platform, ThePlatform
from speaksep_kernel.errors import SpeakSepError

router = APIRouter(tags=["health"])

PATIENCE_S = 3.0
"""How long a part may take to answer before it counts as away."""
REMEMBERED_S = 1.0
"""Nobody needs a token to ask: so it is not looked more often, however many ask."""


class Health(BaseModel):
    """The process answers."""

    ok: bool = True


class Readiness(BaseModel):
    """Whether requests can be served."""

    ok: bool
    audit_missed: int = Field(description="Entries of the audit trail that could not be written lately.")
    checks: dict[str, str] = Field(description="Per part: `ok`, or why not.", examples=[{"jobs": "ok", "store": "ok"}])


@router.get("/health")
async def health() -> Health:
    """Whether the process lives; nothing else is asked."""
    return Health()


@router.get("/ready", responses={503: {"model": Readiness}})
async def ready(
    request: Request, platform: ThePlatform, response: Response, only: Literal["process"] | None = None
) -> Readiness:
    """Whether all that requests need can be reached; 503 if not. With `?only=process`: whether it is not ending."""
    state = request.app.state
    looked_at, checks = getattr(state, "readiness", (0.0, {}))
    if only:
        checks = {only: await _process(platform)}
    elif time.monotonic() - looked_at >= REMEMBERED_S:
        checks = dict.fromkeys(_PARTS, "does not answer")
        async with anyio.create_task_group() as tasks:
            for name, look in _PARTS.items():
                tasks.start_soon(_look, name, look, platform, checks)
        state.readiness = time.monotonic(), checks
    ok = all(found == "ok" for found in checks.values())
    response.status_code = 200 if ok else 503
    return Readiness(ok=ok, checks=checks, audit_missed=platform.audit.missed)


async def _look(
    name: str, look: Callable[[Platform], Awaitable[str]], platform: Platform, checks: dict[str, str]
) -> None:
    with anyio.move_on_after(PATIENCE_S):
        try:
            checks[name] = await look(platform)
        except SpeakSepError as error:
            checks[name] = error.reason


async def _identity(platform: Platform) -> str:
    return "ok" if await platform.identity.directory.reachable() else "does not answer"


async def _jobs(platform: Platform) -> str:
    await anyio.to_thread.run_sync(platform.jobs.claimable, abandon_on_cancel=True)
    return "ok"


async def _store(platform: Platform) -> str:
    await anyio.to_thread.run_sync(platform.store.check, abandon_on_cancel=True)
    return "ok"


async def _process(platform: Platform) -> str:
    return "is ending" if platform.draining or platform.leaving.is_set() else "ok"


_PARTS = {"identity": _identity, "jobs": _jobs, "store": _store, "process": _process}
