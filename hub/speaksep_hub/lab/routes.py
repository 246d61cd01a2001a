"""Addresses below ``/speaksep/`` of a Jupyter server; who may ask is the server's own affair."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado.web import Application, authenticated

from speaksep_hub.lab.asking import Clerk, Reply
from speaksep_hub.lab.frames import for_pages
from speaksep_hub.lab.scripts import script
from speaksep_kernel.errors import InputError, SpeakSepError

SETTING = "speaksep_clerk"
_REPORT_POLICY = "sandbox; default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'"
_MISSING = frozenset({"file-not-found", "unknown-job", "unknown-voice", "gone-result", "unknown-view"})


class _Handler(APIHandler):
    """One address; failures in the shape of every surface."""

    auth_resource = "speaksep"

    @property
    def clerk(self) -> Clerk:
        found: Clerk = self.settings[SETTING]
        return found

    async def asked(self, call: str, **fields: Any) -> Reply | None:
        """What the clerk says; None: it refused, and the page was told."""
        try:
            return await self.clerk.ask(call, **fields)
        except SpeakSepError as error:
            self.refuse(error)
            return None

    def refuse(self, error: SpeakSepError) -> None:
        """Tell why not."""
        status = 404 if error.reason in _MISSING else 400 if isinstance(error, InputError) else 503
        self.set_status(status)
        self.finish(json.dumps(error.to_dict()))

    def give(self, content: dict[str, Any], stamp: str = "") -> None:
        """JSON, which browsers ask about each time before they use it again."""
        self.set_header("Cache-Control", "no-store" if not stamp else "private, no-cache")
        if stamp:
            self.set_header("ETag", f'"{stamp}"')
            if f'"{stamp}"' in self.request.headers.get("If-None-Match", ""):
                self.set_status(304)
                self.finish()
                return
        self.finish(json.dumps({name: value for name, value in content.items() if name != "lengths"}))

    def question(self) -> dict[str, Any]:
        """What stands behind ``q``; an empty one is no question."""
        with suppress(ValueError):
            told = json.loads(self.get_query_argument("q", "{}"))
            if isinstance(told, dict):
                return told
        return {}

    def told(self) -> dict[str, Any]:
        """The body; an empty one says nothing."""
        found = self.get_json_body()
        return found if isinstance(found, dict) else {}


class ScriptHandler(_Handler):
    """Scripts and styles of the widgets and the dashboards."""

    @authenticated
    def get(self, name: str) -> None:
        """By name."""
        found = script(name)
        if found is None:
            self.refuse(InputError(f"no script {name[:40]!r}", reason="unknown-view", hint="reload the page"))
            return
        text, digest = found
        self.set_header("Cache-Control", "private, no-cache")
        self.set_header("ETag", f'"{digest}"')
        if f'"{digest}"' in self.request.headers.get("If-None-Match", ""):
            self.set_status(304)
            self.finish()
            return
        self.finish(text, set_content_type="text/css" if name.endswith(".css") else "text/javascript; charset=utf-8")


class RecordingHandler(_Handler):
    """A recording of the workspace."""

    auth_resource = "contents"

    @authenticated
    @authorized
    async def get(self, path: str, what: str) -> None:
        """What the view needs at once, and its questions."""
        if what == "data":
            reply = await self.asked("recording_data", path=path)
            if reply is not None:
                self.give(reply.content, str(reply.content["stamp"]) if reply.content["measured"] == 1 else "")
            return
        reply = await self.asked("recording_ask", path=path, question=self.question())
        if reply is not None:
            _give_bytes(self, reply)


class PageHandler(_Handler):
    """What came of a job or a batch of this machine."""

    @authenticated
    @authorized
    async def get(self, of: str, name: str, what: str) -> None:
        """What the view draws, and its questions."""
        if what == "data":
            reply = await self.asked("page_data", of=of, name=name)
            if reply is not None:
                self.give(reply.content["data"], str(reply.content["stamp"]))
            return
        reply = await self.asked("page_ask", of=of, name=name, question=self.question())
        if reply is not None:
            _give_bytes(self, reply)


class ReportHandler(_Handler):
    """The report of a job of this machine, as a page that can do nothing."""

    @authenticated
    @authorized
    async def get(self, name: str) -> None:
        """HTML."""
        reply = await self.asked("report", name=name)
        if reply is not None:
            self.set_header("Content-Security-Policy", _REPORT_POLICY)
            self.finish(reply.rest, set_content_type="text/html; charset=utf-8")


class JobsHandler(_Handler):
    """All jobs."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """The newest ones, and who does them."""
        await _tell(self, "jobs")

    @authenticated
    @authorized
    async def post(self) -> None:
        """Ask for some: ``{"verb", "paths", "options", "batch", "where"}``."""
        told = self.told()
        names = ("verb", "paths", "options", "batch", "where")
        await _tell(self, "submit", **{name: told[name] for name in names if name in told})


class JobHandler(_Handler):
    """One job."""

    @authenticated
    @authorized
    async def post(self, where: str, job: str, act: str) -> None:
        """Cancel it or run it again."""
        await _tell(self, act, where=where, job=job)


class ChoicesHandler(_Handler):
    """What may be chosen for a separation."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """Separators and formats that are installed where it will be done."""
        await _tell(self, "choices")


class VoicesHandler(_Handler):
    """The voice book."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """Who is in it."""
        await _tell(self, "voices")

    @authenticated
    @authorized
    async def delete(self) -> None:
        """Forget ``{"where", "name"}``."""
        told = self.told()
        await _tell(self, "forget", where=str(told.get("where")), name=str(told.get("name")))


class StatusHandler(_Handler):
    """The machine."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """Device, queue, memory."""
        await _tell(self, "status")


class WorkbenchHandler(_Handler):
    """Notebooks with the workbench."""

    auth_resource = "contents"

    @authenticated
    @authorized
    async def post(self) -> None:
        """Write one: ``{"path"}`` of a recording, or ``{"folder"}``."""
        told = self.told()
        await _tell(self, "workbench", **{name: told[name] for name in ("path", "folder") if name in told})


def add_routes(application: Application, root: str) -> None:
    """Make a Jupyter server answer them.

    Parameters
    ----------
    application
        Of the server.
    root
        Folder that it serves.
    """
    # Its process ends with the server, which closes what it reads from.
    application.settings[SETTING] = Clerk(root)
    base = url_path_join(application.settings["base_url"], "speaksep")
    routes: list[Any] = [
        (r"/scripts/([a-z-]+\.(?:js|css))", ScriptHandler),
        (r"/recording/(.+)/(data|ask)", RecordingHandler),
        (r"/(job|batch)/([^/]+)/(data|ask)", PageHandler),
        (r"/report/([^/]+)", ReportHandler),
        (r"/jobs", JobsHandler),
        (r"/jobs/(local|service)/([^/]+)/(cancel|retry)", JobHandler),
        (r"/choices", ChoicesHandler),
        (r"/voices", VoicesHandler),
        (r"/status", StatusHandler),
        (r"/workbench", WorkbenchHandler),
    ]
    application.add_handlers(".*$", [(base + pattern, handler) for pattern, handler in routes])


async def _tell(handler: _Handler, call: str, **fields: Any) -> None:
    reply = await handler.asked(call, **fields)
    if reply is not None:
        handler.give(reply.content)


def _give_bytes(handler: _Handler, reply: Reply) -> None:
    # The address has the stamp of what is asked about; only what is still being measured changes under it.
    whole = min(reply.content.get("done") or [1]) == 1
    handler.set_header("Cache-Control", "private, max-age=600" if whole else "no-store")
    handler.finish(for_pages(reply.told, reply.rest), set_content_type="application/octet-stream")
