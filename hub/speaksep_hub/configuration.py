"""``install(c)``: the whole configuration of JupyterHub from the settings."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

from jupyterhub.metrics import prometheus_log_method

from speaksep_hub.audit.hub import audit_hub
from speaksep_hub.authentication.sign_in import configure_sign_in
from speaksep_hub.hub_services import services
from speaksep_hub.landing import landing
from speaksep_hub.local.folder import Folder
from speaksep_hub.logs.tornado import logging_config, request_log
from speaksep_hub.protection.hub import protect_hub
from speaksep_hub.proxy import traefik
from speaksep_hub.proxy.replicas import shared_routes
from speaksep_hub.refusals import refuse_unsafe
from speaksep_hub.reporting.sentry import report_faults
from speaksep_hub.scopes import custom_scopes, load_roles
from speaksep_hub.settings import FILE_VARIABLE, PREFIX, Settings, load
from speaksep_hub.spawning.spawners import configure_spawner
from speaksep_kernel.logs.begin import log_to

DAY_S = 24 * 3600


def install(c: Any, settings: Settings | None = None) -> Settings:
    """Configure a hub; call it from ``jupyterhub_config.py``, and change afterwards whatever should differ.

    Parameters
    ----------
    c
        What ``get_config()`` gives.
    settings
        Of the platform; read from the file and the environment by default.

    Returns
    -------
    The settings that were used.

    Raises
    ------
    InputError
        A setting is wrong, or what they say together is not safe.
    StoreError
        The folder of the hub cannot be used.
    """
    settings = settings or load()
    refuse_unsafe(settings)
    log_to("hub")
    report_faults(settings.reporting, "hub")
    folder = Folder.open(settings.hub.folder)
    _hub(c, settings, folder)
    if settings.hub.proxy == "traefik":
        _proxy(c, settings, folder)
    configure_sign_in(c, settings, folder)
    configure_spawner(c, settings, folder)
    _services(c, settings, folder)
    _logs(c)
    audit_hub(c, settings.audit, settings.hub.kept("audit"))
    protect_hub(c, https=settings.hub.https)
    return settings


def database_url(settings: Settings, folder: Folder) -> str:
    """Of the hub's own tables, with its password."""
    if settings.hub.database is None:
        return folder.database_url
    # The driver that we bring; others are named in the URL.
    return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", settings.hub.database.get_secret_value())


def _hub(c: Any, settings: Settings, folder: Folder) -> None:
    hub = settings.hub
    host, port = hub.listening
    shown = f"[{host}]" if ":" in host else host
    # Whatever encrypts, the hub itself does not: only browsers see https.
    c.JupyterHub.bind_url = f"http://{shown}:{port}{hub.base_path}"
    c.JupyterHub.public_url = hub.url + "/"
    if hub.https:  # the hub would mark only cookies that it thinks secret
        secure = {"secure": True}
        c.JupyterHub.tornado_settings = {"xsrf_cookie_kwargs": secure, "cookie_options": secure}
    if hub.subdomains:
        c.JupyterHub.subdomain_host = hub.url.removesuffix(hub.base_path.rstrip("/"))
    c.JupyterHub.hub_bind_url = f"http://{hub.bind_host or hub.hub_host}:{settings.ports.hub}"
    c.JupyterHub.hub_connect_url = f"http://{hub.hub_host}:{settings.ports.hub}"
    c.JupyterHub.db_url = database_url(settings, folder)
    c.JupyterHub.upgrade_db = not hub.database  # a file is copied first
    cookie = settings.secrets.cookie
    c.JupyterHub.cookie_secret = bytes.fromhex(cookie.get_secret_value() if cookie else folder.secret("cookie"))
    c.JupyterHub.cookie_max_age_days = hub.cookie_days
    c.JupyterHub.token_expires_in_max_seconds = int(hub.token_days * DAY_S)
    c.JupyterHub.concurrent_spawn_limit = hub.concurrent_starts
    c.JupyterHub.active_server_limit = hub.servers
    c.JupyterHub.allow_named_servers = hub.named_servers > 0
    c.JupyterHub.named_server_limit_per_user = hub.named_servers
    c.JupyterHub.default_url = landing
    c.JupyterHub.trust_user_provided_tokens = True  # ours are 32 random bytes


def _proxy(c: Any, settings: Settings, folder: Folder) -> None:
    password = settings.secrets.proxy
    c.JupyterHub.proxy_class = "speaksep_hub.proxy.hub.WatchingProxy"
    proxy = c.WatchingProxy
    proxy.should_start = settings.hub.services == "hub"
    proxy.traefik_api_url = traefik.api_url(settings)
    proxy.traefik_api_username = traefik.API_USER
    proxy.traefik_api_password = password.get_secret_value() if password else folder.secret("proxy")
    proxy.traefik_entrypoint = traefik.entry(settings)
    proxy.traefik_api_entrypoint = traefik.API_ENTRY
    # Traefik is a program beside the interpreter, which need not be where programs are looked for.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    proxy.traefik_env = {**traefik.proxy_environment(settings), "PATH": path}
    proxy.static_config_file = str(folder.run / "traefik-of-hub.toml")
    proxy.dynamic_config_file = str(traefik.dynamic_file(folder))
    proxy.extra_static_config = traefik.static_config(settings, folder)
    proxy.extra_dynamic_config = traefik.dynamic_config(settings) | shared_routes(settings)
    if settings.tls.certificates == "files":
        proxy.certificate_file, proxy.key_file = str(settings.tls.certificate), str(settings.tls.key)
        proxy.certificate_folder = str(folder.run / "certificates")


def _logs(c: Any) -> None:
    c.Application.logging_config = logging_config("hub")
    given = dict(c.JupyterHub).get("tornado_settings", {})
    log = {"log_function": request_log(prometheus_log_method)}
    c.JupyterHub.tornado_settings = {**log, **(given if isinstance(given, dict) else {})}


def _services(c: Any, settings: Settings, folder: Folder) -> None:
    found = services(settings, folder)
    by_hub = settings.hub.services == "hub"
    told = {name: value for name, value in os.environ.items() if name.startswith(PREFIX) or name == FILE_VARIABLE}
    specs = [each.spec(started_by_hub=by_hub, environment=told) for each in found]
    needs = {each.name: each.needs for each in found if each.needs}
    c.JupyterHub.services = specs
    c.JupyterHub.custom_scopes = custom_scopes()
    c.JupyterHub.load_roles = load_roles(settings.groups.by_role, needs)
