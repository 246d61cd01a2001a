"""Voila by itself, which takes messages of widgets and nothing else, behind the hub."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import psutil
from jupyter_server.prometheus.log_functions import prometheus_log_method
from tornado.ioloop import IOLoop
from traitlets.config import Config
from voila.app import Voila

import speaksep_dashboards
from speaksep_dashboards.ticket import FRONT
from speaksep_hub.audit.log import AuditLog
from speaksep_hub.audit.tornado import audited
from speaksep_hub.interactive.alone import is_alone
from speaksep_hub.interactive.health import Health
from speaksep_hub.interactive.parts import Part
from speaksep_hub.interactive.place import front_url, kernel_environment, open_desk
from speaksep_hub.interactive.trail import REFUSED, SETTING
from speaksep_hub.interactive.voila.alone import OnePerson
from speaksep_hub.interactive.voila.identity import DashboardAuthorizer, DashboardIdentity
from speaksep_hub.interactive.voila.kernels import ReadersKernels
from speaksep_hub.interactive.voila.messages import WidgetMessages
from speaksep_hub.interactive.voila.pages import DESK, INSTEAD, Notebooks, Nothing
from speaksep_hub.local.folder import Folder
from speaksep_hub.logs.tornado import logging_config, request_log
from speaksep_hub.protection.headers import interactive_headers
from speaksep_hub.protection.tornado import secured
from speaksep_hub.settings import Settings
from speaksep_kernel.logs.begin import log_to

PART = "voila"
TEMPLATE = "speaksep"
NOT_LOADED = ["@jupyter-notebook/lab-extension", "@pyviz/jupyterlab_pyviz", "jupyterlab_pygments", "speaksep"]
"""Extensions of JupyterLab that a page has no use for, and would wait for."""
CALM_S = 10.0
SOUND = r".*\.(png|jpg|gif|svg|flac|wav|mp3|m4a|ogg|opus)"


def notebooks(settings: Settings) -> Path:
    """The folder of the published notebooks."""
    return settings.dashboards.folder or Path(speaksep_dashboards.__file__).parent / "published"


def configuration(settings: Settings, audit: AuditLog) -> Config:
    """Voila's, from the settings and what the hub says in the environment."""
    c = Config()
    url = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    c.Voila.ip, c.Voila.port = url.hostname, url.port
    c.Voila.port_retries = 0  # the proxy leads to this one
    c.Voila.base_url = os.environ["JUPYTERHUB_SERVICE_PREFIX"]
    c.Voila.open_browser = False
    if is_alone():
        c.Voila.identity_provider_class = OnePerson
    else:
        c.Voila.identity_provider_class = DashboardIdentity
        c.Voila.authorizer_class = DashboardAuthorizer
    c.VoilaConfiguration.template = TEMPLATE
    c.VoilaConfiguration.classic_tree = True  # a page; the other one is an application that makes the page
    c.VoilaConfiguration.allow_template_override = "NO"  # a name in an address would choose a file
    c.VoilaConfiguration.allow_theme_override = "NO"
    c.VoilaConfiguration.show_tracebacks = False
    c.VoilaConfiguration.file_allowlist = [SOUND]
    c.Voila.tornado_settings = {
        "headers": interactive_headers(https=settings.hub.https),
        "log_function": audited(audit, c.Voila.base_url + "voila/render/", request_log(prometheus_log_method), REFUSED),
    }
    c.Application.logging_config = logging_config(PART)
    c.Voila.kernel_websocket_connection_class = WidgetMessages
    c.VoilaConfiguration.multi_kernel_manager_class = ReadersKernels
    c.VoilaConfiguration.extension_denylist = NOT_LOADED
    c.ReadersKernels.environment = kernel_environment(settings, os.environ) | {FRONT: front_url(os.environ, "voila")}
    c.KernelManager.transport = "ipc"  # files that only this account can open, not ports
    c.KernelManager.autorestart = False  # it would know nothing any more; the page asks for another
    c.MappingKernelManager.cull_idle_timeout = 600
    c.MappingKernelManager.cull_interval = 60
    return c


class Dashboards(Voila):  # type: ignore[misc] # it has no types
    """Voila that leaves at once, and whose every answer has the platform's headers.

    Attributes
    ----------
    ours
        Settings of the Tornado application that are no configuration: nothing may copy them.
    """

    ours: Mapping[str, object] = MappingProxyType({})

    def init_settings(self) -> dict[str, Any]:
        """Of the Tornado application."""
        settings = super().init_settings()
        self.contents_manager = Notebooks(parent=self)
        more = {"contents_manager": self.contents_manager, "default_handler_class": Nothing, **self.ours}
        return {**settings, **more, "transforms": secured(self.tornado_settings["headers"])}

    def init_handlers(self) -> list[Any]:
        """Voila's, with ours in the place of those that reach notebooks and kernels."""
        found = [(path, INSTEAD.get(kind.__name__, kind), *more) for path, kind, *more in super().init_handlers()]
        health = (self.base_url + r"(health|ready)", Health, {"desk": lambda: self.ours[DESK]})
        return [(self.base_url + r"(again\.js|again\.css)", Part), health, *found]

    def begin(self) -> None:
        """Have kernels ready soon; first comes what the platform needs to start."""
        IOLoop.current().call_later(CALM_S, lambda: self.kernel_manager.spares.fill())

    def stop(self) -> None:
        """End the kernels, which have nothing that could be lost, and this process.

        Asking them, and unloading all this afterwards, would take ten seconds.
        """
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.kill()
        shutil.rmtree(self.connection_dir, ignore_errors=True)
        logging.shutdown()
        os._exit(0)


class _Loop(asyncio.SelectorEventLoop):
    """A loop that leaves signals to the server: what executes a notebook takes them, and after an error keeps them."""

    def add_signal_handler(self, sig: int, callback: Any, *_: Any) -> None:  # type: ignore[override]
        raise RuntimeError("signals are the server's")

    def remove_signal_handler(self, sig: int) -> bool:
        return False


def run(settings: Settings) -> None:
    """Serve the dashboards until SIGTERM or SIGINT."""
    log_to(PART)
    folder = Folder.open(settings.hub.folder)
    kept = folder.path / "dashboards"
    shutil.rmtree(kept / speaksep_dashboards.VIEWS, ignore_errors=True)
    asyncio.set_event_loop(_Loop())
    audit = AuditLog.nowhere() if is_alone() else AuditLog.of(settings, "voila")
    server: Any = Dashboards(config=configuration(settings, audit))
    server.ours = {SETTING: audit, DESK: open_desk(settings)}
    server.cookie_secret = bytes.fromhex(folder.secret("voila-cookie"))  # sign-ins outlive this process
    server.initialize([str(notebooks(settings))])
    # At once, whatever runs at that moment: an exception in the middle of it might be caught there.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: server.stop())
    IOLoop.current().add_callback(server.begin)
    server.start()
