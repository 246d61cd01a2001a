"""The application: its rooms put together, out of the same parts as the job service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from speaksep_dashboards.desk import Desk
from speaksep_hub.dashboards import failures
from speaksep_hub.dashboards.exploring import explorers_of
from speaksep_hub.dashboards.kept import KeptPages
from speaksep_hub.dashboards.looking import PLACES
from speaksep_hub.dashboards.routes import data, files, index, links, live, pages, static
from speaksep_hub.dashboards.static import StaticFiles, warm_up
from speaksep_hub.metrics.endpoint import measure
from speaksep_hub.protection.bodies import BodyGuard
from speaksep_hub.protection.headers import SecureHeaders, service_headers
from speaksep_hub.service.answers import explain_failures
from speaksep_hub.service.below import Below
from speaksep_hub.service.identity.sign_in import offer_sign_in
from speaksep_hub.service.pages import health, sign_in
from speaksep_hub.service.place import Place
from speaksep_hub.service.platform import Platform, open_platform
from speaksep_hub.service.trace import Trace
from speaksep_hub.settings import Settings


def create_app(settings: Settings, place: Place, *, platform: Platform | None = None) -> FastAPI:
    """The front as an ASGI application.

    Parameters
    ----------
    settings
        Of the platform.
    place
        Where it is.
    platform
        What it works with; opened as the settings say, if left out. It is closed when the application's life ends.

    Returns
    -------
    An application with a ``state.platform``, as the job service has it, ``state.kept`` and ``state.static``. Any number
    of processes may serve the same platform.

    Raises
    ------
    SpeakSepError
        Something that the settings name cannot be opened.
    """
    opened = platform or open_platform(settings, place, part="dashboards")

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        warming = asyncio.create_task(asyncio.to_thread(warm_up, app.state.static))
        try:
            yield
        finally:
            warming.cancel()
            await opened.close()

    app = FastAPI(
        title="SpeakSep dashboards",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=life,
    )
    app.state.platform = opened
    app.state.kept = KeptPages(Desk(opened.jobs, opened.catalogue, opened.store))
    app.state.static = StaticFiles()
    app.state.explorers = explorers_of(opened)
    app.state.style = opened.place.prefix + app.state.static.address("shell.css")  # of the sign-in
    for router in (index.router, links.router, static.router, health.router, sign_in.router):
        app.include_router(router)
    for address in PLACES:
        for router in (pages.router, data.router, live.router, files.router):
            app.include_router(router, prefix=address)
    explain_failures(app, failures.page)
    offer_sign_in(app)
    # The last is the outermost.
    app.add_middleware(Below, prefix=opened.place.prefix)
    app.add_middleware(BodyGuard, settings=settings.protection, upload_bytes=int(settings.protection.body_bytes))
    app.add_middleware(Trace)
    app.add_middleware(SecureHeaders, headers=service_headers(https=settings.hub.https))
    measure(app, opened, jobs=False)
    return app
