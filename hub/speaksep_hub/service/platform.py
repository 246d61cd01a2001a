"""What all requests share: the settings, the job table, the recordings, the limits, who is who."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from speaksep_hub.audit.log import AuditLog
from speaksep_hub.protection.limiter import Limiter
from speaksep_hub.service.identity.identity import Identity, open_identity
from speaksep_hub.service.place import Place
from speaksep_hub.service.work.tail import EventTail
from speaksep_hub.settings import Settings
from speaksep_kernel.catalogue.catalogue import Catalogue
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.store.store import Store

PATIENCE_S = 5.0
"""How long a request waits for a database that others write to."""


@dataclass(kw_only=True)
class Platform:
    """What the routes work with; ``request.app.state.platform``.

    Attributes
    ----------
    settings
        All settings, as read from file and environment.
    place
        Where this process is.
    jobs
        The job table. Jobs of somebody have the caller's name as their owner.
    catalogue, store
        Who has which recordings, and the recordings and results themselves.
    audit
        The trail of who did what.
    limiter
        How much anybody may still ask for.
    identity
        Who sent a request.
    draining
        Whether the process will end in a moment, and asks the proxy for no further requests.
    leaving
        Set when the process was told to end: streams end then.
    tail
        What happens to jobs, for all streams of this process.
    """

    settings: Settings
    place: Place
    jobs: JobTable
    catalogue: Catalogue
    store: Store
    audit: AuditLog
    limiter: Limiter
    identity: Identity
    draining: bool = False
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    tail: EventTail = field(init=False)

    def __post_init__(self) -> None:
        self.tail = EventTail(self.jobs, self.leaving)

    @property
    def voices(self) -> Path:
        """Folder of everybody's voice books."""
        return self.settings.service.voices or self.settings.hub.kept("voices")

    async def close(self) -> None:
        """Let go of everything."""
        await self.identity.close()
        await self.limiter.close()
        self.catalogue.close()
        self.jobs.close()


def open_platform(settings: Settings, place: Place, *, part: str = "speaksep") -> Platform:
    """Open everything that the settings name.

    Parameters
    ----------
    settings, place
        As of :class:`Platform`.
    part
        What the audit trail calls this part of the platform.

    Raises
    ------
    SpeakSepError
        Something cannot be opened; it says what.
    """
    database = jobs_place(settings)
    return Platform(
        settings=settings,
        place=place,
        jobs=JobTable.open(database, patience_s=PATIENCE_S),
        catalogue=Catalogue.open(database, patience_s=PATIENCE_S),
        store=Store.open(
            settings.store.url or os.environ.get("SPEAKSEP_STORE") or settings.hub.kept("store"),
            presigned=settings.store.presigned,
        ),
        audit=AuditLog.of(settings, part),
        limiter=Limiter.open(settings.protection),
        identity=open_identity(settings, place),
    )


def jobs_place(settings: Settings) -> str:
    """Path or URL of the job table: of the settings, of ``SPEAKSEP_JOBS``, or in the folder of the hub."""
    given = settings.service.jobs
    if given is not None:
        return given.get_secret_value()
    return os.environ.get("SPEAKSEP_JOBS") or str(settings.hub.kept("jobs.sqlite3"))


def platform_of(connection: HTTPConnection) -> Platform:
    """The platform of the application that a request or a WebSocket is for."""
    return cast(Platform, connection.app.state.platform)


ThePlatform = Annotated[Platform, Depends(platform_of)]
"""Type of a route's parameter that takes the platform."""
