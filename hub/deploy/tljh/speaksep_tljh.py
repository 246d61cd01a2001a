"""SpeakSep in The Littlest JupyterHub: people keep their hub, sign-in and servers, and get kernel, widgets and jobs.

The installer takes it as ``--plugin FOLDER``, the folder of this file. Everybody who may sign in is a researcher.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from typing import Any

try:
    from tljh.hooks import hookimpl
except ModuleNotFoundError:  # its installer is what has it; the marker is all that is needed of it
    from pluggy import HookimplMarker

    hookimpl = HookimplMarker("tljh")

PACKAGE = os.environ.get("SPEAKSEP_PACKAGE", "speaksep")
"""What pip installs: a name, or the path of a wheel."""
ACCOUNT, FOLDER = "speaksep", "/var/lib/speaksep"


@hookimpl
def tljh_extra_user_pip_packages() -> list[str]:
    """Kernel, widgets and the client, in the environment that all people share."""
    return [f"{PACKAGE}[widgets,dashboards,hub]"]


@hookimpl
def tljh_extra_hub_pip_packages() -> list[str]:
    """The services, which the hub starts."""
    return [f"{PACKAGE}[widgets,dashboards,hub]"]


@hookimpl
def tljh_post_install() -> None:
    """An account for the services, so that sound of strangers is not read by root, and its folder."""
    there = subprocess.run(["id", ACCOUNT], capture_output=True, check=False).returncode == 0
    if not there:
        words = ["useradd", "--system", "--user-group", "--home-dir", FOLDER, "--shell", "/usr/sbin/nologin", ACCOUNT]
        subprocess.run(words, check=True)
    subprocess.run(["install", "-d", "-o", ACCOUNT, "-g", ACCOUNT, "-m", "700", FOLDER], check=True)


@hookimpl
def tljh_custom_jupyterhub_config(c: Any) -> None:
    """Services and scopes; sign-in, proxy, servers and what stops idle ones stay those of the hub."""
    from speaksep_hub.hub_services import services
    from speaksep_hub.scopes import ROLES, custom_scopes, hub_names
    from speaksep_hub.settings import PREFIX, load
    from speaksep_hub.settings.platform import SecretSettings

    told = {
        f"{PREFIX}HUB__FOLDER": FOLDER,
        f"{PREFIX}CULLING__IDLE_S": "0",
        **{name: value for name, value in os.environ.items() if name.startswith(("SPEAKSEP_HUB", PREFIX))},
    }
    # The hub starts the services with itself, so a token each time is as good as one that is kept.
    made = {f"{PREFIX}SECRETS__{name.upper()}": secrets.token_hex(32) for name in SecretSettings.model_fields}
    folder: Any = None  # it keeps secrets that nobody gives
    found = [each for each in services(load(environment=told | made), folder) if each.url]
    common = {"user": ACCOUNT, "cwd": FOLDER}
    jobs = {"HOME": FOLDER, "SPEAKSEP_JOBS": f"{FOLDER}/jobs.sqlite3"}
    worker = {"name": "speaksep-worker", "command": [sys.executable, "-m", "speaksep_kernel.cli", "jobs", "work"]}
    c.JupyterHub.services = [
        *c.JupyterHub.get("services", []),
        *({**each.spec(started_by_hub=True, environment=told | jobs), **common} for each in found),
        {**worker, **common, "environment": jobs},
    ]
    researcher = ROLES["researcher"]
    scopes = ["self", *researcher.hub_scopes, *hub_names(researcher.scopes)]
    c.JupyterHub.custom_scopes = custom_scopes()
    c.JupyterHub.load_roles = [*c.JupyterHub.get("load_roles", []), {"name": "user", "scopes": scopes}]
