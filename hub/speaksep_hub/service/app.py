"""The application: its rooms put together."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from types import ModuleType
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from speaksep_hub.metrics.endpoint import measure
from speaksep_hub.protection.bodies import BodyGuard
from speaksep_hub.protection.headers import SecureHeaders, service_headers
from speaksep_hub.service import pages, routes
from speaksep_hub.service.answers import Failure, explain_failures
from speaksep_hub.service.below import Below
from speaksep_hub.service.identity.sign_in import offer_sign_in
from speaksep_hub.service.intake.tidying import keep_tidy
from speaksep_hub.service.place import Place
from speaksep_hub.service.platform import open_platform
from speaksep_hub.service.trace import Trace
from speaksep_hub.service.work.notices import post_of
from speaksep_hub.service.work.plugged import installed
from speaksep_hub.settings import Settings

API = "/api/v1"
"""Before every address of the API."""

VERSION_HEADER = "SpeakSep-Version"
"""What tells which of several processes answered."""

_REFUSALS = (400, 401, 403, 404, 409, 412, 413, 415, 422, 429, 503, 507)
"""What any operation may answer instead of what it is for."""

_ABOUT = """\
Recordings in which people talk over each other go in; one track per speaker comes out.

Upload a recording, have it diagnosed, look at the plan, have it separated, follow the progress, download the tracks.

- Lists are given in pages: `?limit=&cursor=`, `{"items": [...], "next": cursor or null}`.
- A request that creates something takes an `Idempotency-Key`: sent again with the same key, it creates nothing twice.
- Every failure has one shape: `{"ok": false, "error": …, "reason": …, "hint": …}`.
- Somebody else's things are not found (404).
- Every answer has an `X-Request-Id`, by which the service's log calls the request; yours is kept if you send one.
"""


def create_app(settings: Settings, place: Place | None = None) -> FastAPI:
    """The service as an ASGI application.

    Parameters
    ----------
    settings
        Of the platform.
    place
        Where it is; what the environment says by default.

    Returns
    -------
    An application whose ``state.platform`` is a :class:`~speaksep_hub.service.platform.Platform`; it is closed when the
    application's life ends. Any number of processes may serve the same platform.

    Raises
    ------
    SpeakSepError
        Something that the settings name cannot be opened.
    """
    platform = open_platform(settings, Place.from_environment() if place is None else place)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        kept = [asyncio.create_task(keep_tidy(platform))]
        if settings.notices.enabled:
            kept.append(asyncio.create_task(post_of(platform).keep(platform.leaving)))
        try:
            yield
        finally:
            for task in kept:
                task.cancel()
            await platform.close()

    app = _Service(
        title="SpeakSep",
        summary="Separate recordings in which people talk over each other, as a service.",
        description=_ABOUT,
        version=version("speaksep"),
        docs_url=None,  # see pages/docs.py: nothing may come from another host
        redoc_url=None,
        openapi_url="/openapi.json",
        lifespan=life,
        generate_unique_id_function=_operation,
        responses={status: {"model": Failure} for status in _REFUSALS},
    )
    app.state.platform = platform
    app.state.style = f"{platform.place.prefix}page/jobs.css"  # of the sign-in
    for router in _routers(routes):
        app.include_router(router, prefix=API)
    for router in _routers(pages):
        app.include_router(router)
    explain_failures(app)
    offer_sign_in(app)
    # The last is the outermost.
    app.add_middleware(Below, prefix=platform.place.prefix)
    app.add_middleware(BodyGuard, settings=settings.protection, upload_bytes=int(settings.store.upload_bytes))
    app.add_middleware(Trace)
    app.add_middleware(SecureHeaders, headers=service_headers(https=settings.hub.https) | {VERSION_HEADER: app.version})
    measure(app, platform, jobs=True)
    return app


class _Service(FastAPI):
    """Its document names the plugins that are installed now."""

    _documented: object = None

    def openapi(self) -> dict[str, Any]:
        """The document, made again when plugins came or went."""
        now = [installed(kind) for kind in ("separator", "exporter")]
        if now != self._documented:
            self.openapi_schema, self._documented = None, now
        return super().openapi()


def _routers(room: ModuleType) -> Iterator[APIRouter]:
    """The routers of the modules of a package, by name."""
    for each in sorted(pkgutil.iter_modules(room.__path__), key=lambda found: found.name):
        router = getattr(importlib.import_module(f"{room.__name__}.{each.name}"), "router", None)
        if isinstance(router, APIRouter):
            yield router


def _operation(route: APIRoute) -> str:
    """Name of an operation in the OpenAPI document, which clients are generated from."""
    return "-".join((*map(str, route.tags[:1]), route.name.replace("_", "-")))
