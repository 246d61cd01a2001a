"""What Voila answers here: notebooks for those who may see what they show, and the kernels of whoever asks."""

from __future__ import annotations

import asyncio
import os
from contextlib import nullcontext
from pathlib import Path
from typing import Any, ClassVar

import tornado.web
from jupyter_server.services.contents.largefilemanager import LargeFileManager
from jupyter_server.services.kernels.handlers import KernelHandler
from tornado.web import HTTPError
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.static_file_handler import AllowListFileHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

import speaksep_dashboards
from speaksep_dashboards.address import Address
from speaksep_dashboards.desk import Desk
from speaksep_dashboards.guarded import GuardedPage
from speaksep_dashboards.page import KINDS
from speaksep_hub.interactive.parts import explain
from speaksep_hub.interactive.place import reader_of
from speaksep_hub.interactive.trail import share_refused
from speaksep_hub.interactive.voila.kernels import VISIT, ReadersKernels, Visit
from speaksep_kernel.errors import InputError, SpeakSepError

OURS = Path(speaksep_dashboards.__file__).parent / "voila"
AT_ONCE = 2 * (os.cpu_count() or 1)
"""Pages that are made at a time."""
DESK = "speaksep_desk"
"""Setting of the Tornado application: where the things lie."""
_CHOOSERS = ("template", "theme", "voila-template", "voila-theme")
"""Voila's own parameters: each would choose files of the server."""


_Files: Any = LargeFileManager
_Kernel: Any = KernelHandler


class Notebooks(_Files):  # type: ignore[misc] # it has no types
    """The folder of published notebooks, and our own, one for each kind of view."""

    def get(self, path: str, *more: Any, **named: Any) -> Any:
        """One of them."""
        ours = path.endswith(".ipynb") and path.removesuffix(".ipynb") in KINDS
        return _Files(root_dir=str(OURS)).get(path) if ours else super().get(path, *more, **named)


class Rendered(TornadoVoilaHandler):  # type: ignore[misc]
    """A notebook, if its reader may see what the address means."""

    _turns: ClassVar = asyncio.Semaphore(AT_ONCE)

    @tornado.web.authenticated
    async def get(self, path: str = "") -> None:
        """Look whether they may, then start a kernel and execute it."""
        reader = reader_of(self.current_user.hub_user)
        try:
            address = await self._address(path, reader)
            VISIT.set(Visit(reader, address))
            # Of many who come at once the first have their page soon, and the last as soon as otherwise. Other
            # notebooks may take long, and wait for nobody.
            async with self._turns if address else nullcontext():
                await super().get(path)
        except SpeakSepError as error:
            self.log.info("%s: %s", path, error.error)
            if self._headers_written:
                raise
            explain(self, error, self.base_url)

    async def _address(self, path: str, reader: Any) -> Address | None:
        query = {name: [value.decode("utf-8", "replace") for value in values] for name, values in self._query().items()}
        if chosen := query.keys() & set(_CHOOSERS):
            raise HTTPError(400, f"{', '.join(sorted(chosen))}: pages look as they are published")
        kind = path.removesuffix(".ipynb")
        if kind not in KINDS:
            return None
        self.audited_as = f"{path}?{self.request.query}"
        address = Address.of(kind, query)
        desk: Desk = self.settings[DESK]
        try:
            await asyncio.to_thread(GuardedPage, address, reader, desk)
        except InputError as error:
            share_refused(self, address.share or address.front.strip("/"), error.reason)
            raise
        return address

    def _query(self) -> dict[str, list[bytes]]:
        hubs = {"token", "code", "state"}  # read by whoever found out who asks
        return {name: values for name, values in self.request.query_arguments.items() if name not in hubs}


class _OwnKernel:
    """Whoever asks about a kernel is whoever it was started for."""

    current_user: Any
    kernel_manager: ReadersKernels

    def own(self, kernel_id: str) -> None:
        """See to that; nobody is told whether there is another's."""
        if self.current_user is None:
            raise HTTPError(403)
        if not self.kernel_manager.belongs(kernel_id, self.current_user.username):
            raise HTTPError(404, "there is no such kernel of yours")


class Kernel(_OwnKernel, _Kernel):  # type: ignore[misc]
    """Whether a page's kernel lives: asked by pages, which come again by themselves when it does not."""

    @tornado.web.authenticated
    async def get(self, kernel_id: str) -> None:
        """The kernel; 404 when it is gone."""
        self.own(kernel_id)
        if not await self.kernel_manager.alive(kernel_id):
            raise HTTPError(404, "there is no such kernel of yours")
        await super().get(kernel_id)

    async def delete(self, kernel_id: str) -> None:
        """Nobody needs to."""
        raise HTTPError(405)


class Channels(_OwnKernel, VoilaKernelWebsocketHandler):  # type: ignore[misc]
    """Messages between a page and its kernel, see `messages`."""

    async def pre_get(self) -> None:
        """Look whose kernel it is, then connect."""
        self.own(self.kernel_id)
        await super().pre_get()


class Shutdown(_OwnKernel, VoilaShutdownKernelHandler):  # type: ignore[misc]
    """A page says that it is left."""

    @tornado.web.authenticated
    async def post(self, kernel_id: str) -> None:
        """End its kernel."""
        self.own(kernel_id)
        await super().post(kernel_id)


class Files(AllowListFileHandler):  # type: ignore[misc]
    """Sound and pictures beside the published notebooks; Voila would give them to anybody."""

    async def prepare(self) -> None:
        """Let in whoever may see the notebooks."""
        self.current_user = await self.settings["identity_provider"].get_user(self)
        if self.current_user is None:
            raise HTTPError(403)


class Nothing(tornado.web.RequestHandler):
    """Whatever else a Jupyter server has."""

    async def prepare(self) -> None:
        """Know who asks, for the audit trail."""
        provider = self.settings["identity_provider"]
        self.current_user = await provider.get_user(self)
        raise HTTPError(404)


INSTEAD = {
    "TornadoVoilaHandler": Rendered,
    "KernelHandler": Kernel,
    "VoilaKernelWebsocketHandler": Channels,
    "VoilaShutdownKernelHandler": Shutdown,
    "AllowListFileHandler": Files,
}
"""Ours in the place of Voila's, by their names."""
