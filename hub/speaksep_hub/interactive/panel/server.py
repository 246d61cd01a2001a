"""Panel behind the hub: one application for each view, and no session but of somebody who may see it."""

from __future__ import annotations

import logging
import os
import secrets
import signal
from typing import Any
from urllib.parse import urlsplit

import panel
from bokeh.server.urls import per_app_patterns
from panel.io.application import Application
from panel.io.server import Server
from tornado.web import HTTPError, RequestHandler

from speaksep_dashboards.page import KINDS
from speaksep_hub.audit.log import AuditLog
from speaksep_hub.audit.tornado import audited
from speaksep_hub.interactive.alone import is_alone
from speaksep_hub.interactive.health import Health
from speaksep_hub.interactive.panel.alone import OnePerson
from speaksep_hub.interactive.panel.identity import HubAuthentication
from speaksep_hub.interactive.panel.visits import Session, Visits
from speaksep_hub.interactive.parts import Part
from speaksep_hub.interactive.place import front_url, open_desk
from speaksep_hub.interactive.trail import REFUSED, SETTING
from speaksep_hub.local.folder import Folder
from speaksep_hub.logs.tornado import request_log
from speaksep_hub.protection.headers import interactive_headers
from speaksep_hub.protection.tornado import secured
from speaksep_hub.settings import Settings
from speaksep_kernel.logs.begin import log_to

_Server: Any = Server
_Application: Any = Application
UNUSED_MS = 15_000
"""A session without a connection lives so long: a page that comes back later comes back as a new one."""
LARGEST_MESSAGE_BYTES = 1 << 20
_ROUTES = frozenset({"/?", "/ws"})
"""All that an application has here; Bokeh's script for other sites is for nobody."""


class Alive(RequestHandler):
    """Whether a page's session lives: asked by pages, which come again by themselves when it does not."""

    async def prepare(self) -> None:
        """Know who asks."""
        application: Any = self.application
        self.current_user = await application.auth_provider.person(self)

    def get(self, session_id: str) -> None:
        """204 if it does, and is theirs."""
        application: Any = self.application
        if self.current_user is None:
            raise HTTPError(403)
        visits: Visits = application.settings["visits"]
        if not visits.belongs(session_id, self.current_user["name"]):
            raise HTTPError(404)
        self.set_header("Cache-Control", "no-store")
        self.set_status(204)


class Nothing(RequestHandler):
    """Whatever else there might be."""

    async def prepare(self) -> None:
        """Know who asks, for the audit trail."""
        application: Any = self.application
        await application.auth_provider.person(self)
        raise HTTPError(404)


def make(settings: Settings, folder: Folder) -> Server:
    """The server, which listens, and answers once its loop runs.

    Parameters
    ----------
    settings
        Of the platform.
    folder
        Its folder.

    Raises
    ------
    SpeakSepError
        Something that it needs cannot be opened.
    """
    url = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    base_url = os.environ["JUPYTERHUB_SERVICE_PREFIX"]
    public = urlsplit(os.environ.get("JUPYTERHUB_PUBLIC_URL") or settings.hub.url)
    front = front_url(os.environ, "panel")
    audit = AuditLog.nowhere() if is_alone() else AuditLog.of(settings, "panel")
    headers = interactive_headers(https=settings.hub.https)
    desk = open_desk(settings)
    visits = Visits(desk, front)
    authentication = OnePerson(visits, base_url) if is_alone() else HubAuthentication(visits, base_url)
    per_app_patterns[:] = [each for each in per_app_patterns if each[0] in _ROUTES]
    panel.extension(notifications=False)
    panel.config.reconnect = False  # the page looks after that
    return _Server(  # type: ignore[no-any-return] # it has no types
        {f"/{kind}": _Application(Session(visits, base_url)) for kind in KINDS},
        port=url.port,
        address=url.hostname,
        prefix=base_url,
        auth_provider=authentication,
        allow_websocket_origin=[public.netloc],
        secret_key=secrets.token_bytes(32),
        sign_sessions=True,
        include_headers=[],  # what is kept with a session goes to its page
        include_cookies=[],
        cookie_secret=bytes.fromhex(folder.secret("panel-cookie")),  # sign-ins outlive this process
        extra_patterns=[
            (r"/(again\.js|again\.css)", Part),
            (r"/(health|ready)", Health, {"desk": lambda: desk}),
            (r"/alive/([\w.-]{1,200})", Alive),
        ],
        unused_session_lifetime_milliseconds=UNUSED_MS,
        websocket_max_message_size=LARGEST_MESSAGE_BYTES,
        use_index=False,
        use_xheaders=True,
        default_handler_class=Nothing,
        log_function=audited(audit, base_url, request_log(), REFUSED),
        transforms=secured(headers),
        visits=visits,
        **{SETTING: audit},
    )


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; sessions have nothing that could be lost."""
    log_to("panel")
    folder = Folder.open(settings.hub.folder)
    os.environ["BOKEH_RESOURCES"] = "server"
    server = make(settings, folder)

    def leave(*_: object) -> None:
        logging.shutdown()
        os._exit(0)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)
    server.start()
    server.io_loop.start()
