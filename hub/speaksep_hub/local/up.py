"""Brings the whole platform up on one machine, and keeps it up."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from speaksep_hub.local.folder import Folder
from speaksep_hub.local.guard import run_guarded
from speaksep_hub.local.parts import platform_parts
from speaksep_hub.local.ports import check_port, free_ports
from speaksep_hub.proxy.traefik import dynamic_file
from speaksep_hub.refusals import refuse_unsafe
from speaksep_hub.settings import FILE_VARIABLE, PREFIX, PortSettings, Settings, load


@dataclass(frozen=True)
class Platform:
    """A platform that is about to run.

    Parameters
    ----------
    settings
        In force.
    folder
        Its files.
    environment
        What makes every part read the same settings.
    """

    settings: Settings
    folder: Folder
    environment: Mapping[str, str]

    def warnings(self) -> list[str]:
        """What people should know, although it runs."""
        found = []
        if self.settings.spawner.kind == "simple" and os.geteuid() == 0:
            found.append(
                "everything runs as root, servers of all users too: one account that may do everything. "
                "Good for a container or a trial; start it as another user otherwise"
            )
        return found

    def run(self, ready: Callable[[], None], *, workers: int | None = None, prometheus: bool = False) -> None:
        """Run it until this process is asked to end.

        Parameters
        ----------
        ready
            Called when all of it works.
        workers
            Jobs at a time; as many as cores and memory allow, if ``None``.
        prometheus
            Whether one is started beside.

        Raises
        ------
        InputError
            Reason ``already-up``, ``port-taken``, ``missing-program``.
        SpeakSepError
            As `run_guarded`.
        KeyboardInterrupt
            It was asked to end, and has.
        """
        lock = self.folder.claim(url=self.settings.hub.url, ports=self.settings.ports.model_dump())
        try:
            host, port = self.settings.hub.listening
            check_port(host, port)
            # Routes of last time lead to servers that are gone; the proxy watches only a file that is there.
            dynamic_file(self.folder).write_text("")
            parts = platform_parts(self.settings, self.folder, self.environment, workers=workers, prometheus=prometheus)
            run_guarded(parts, ready)
        finally:
            os.close(lock)


def prepare(
    *, config: Path | None = None, folder: Path | None = None, port: int | None = None, environment: Mapping[str, str]
) -> Platform:
    """Read the settings, fill in what this machine decides, refuse what is unsafe.

    Parameters
    ----------
    config
        File of settings; that of ``SPEAKSEP_HUB_CONFIG`` by default.
    folder
        In the place of ``hub.folder``.
    port
        In the place of that in ``hub.url``; 0 is any that is free.
    environment
        Variables that say settings, and that all parts inherit.

    Raises
    ------
    InputError
        As `load` and `refuse_unsafe`.
    StoreError
        The folder cannot be used.
    """
    told = dict(environment)
    if config is not None:
        told[FILE_VARIABLE] = str(config.expanduser().absolute())
    given = load(environment=told)
    if folder is not None:
        told[f"{PREFIX}HUB__FOLDER"] = str(folder.expanduser().absolute())
    names = [name for name in PortSettings.model_fields if name not in given.ports.model_fields_set]
    *ports, spare = free_ports(len(names) + 1)
    told |= {f"{PREFIX}PORTS__{name.upper()}": str(number) for name, number in zip(names, ports, strict=True)}
    if port is not None:
        told[f"{PREFIX}HUB__URL"] = _with_port(given.hub.url, port or spare)
    told[f"{PREFIX}HUB__SERVICES"] = "elsewhere"
    settings = load(environment=told)
    refuse_unsafe(settings)
    return Platform(settings, Folder.open(settings.hub.folder), told)


def _with_port(url: str, port: int) -> str:
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return parts._replace(netloc=f"{host}:{port}").geturl()
