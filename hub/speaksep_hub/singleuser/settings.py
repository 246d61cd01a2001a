"""What makes a Jupyter server one of this platform."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from traitlets.config import Config

from speaksep_hub.logs.tornado import logging_config, request_log
from speaksep_hub.protection.headers import single_user_headers
from speaksep_hub.protection.tornado import secured
from speaksep_hub.singleuser.welcome import FIRST

KERNEL_IDLE = "SPEAKSEP_KERNEL_IDLE_S"
"""Environment variable: seconds of nothing until a kernel is ended; 0 or nothing is never."""
CULL_EVERY_S = 60
PART = "server"
"""What logs call a user's server."""


def server_settings(environment: Mapping[str, str]) -> Config:
    """Traits of the server.

    Parameters
    ----------
    environment
        Of the process.
    """
    from jupyter_server.prometheus.log_functions import prometheus_log_method  # after what it reads was set

    c = Config()
    c.ServerApp.allow_root = os.geteuid() == 0
    https = environment.get("JUPYTERHUB_PUBLIC_URL", "").startswith("https:")
    headers = single_user_headers(https=https)
    c.ServerApp.tornado_settings = {
        "headers": headers,
        "transforms": secured(headers),
        "log_function": request_log(prometheus_log_method, often=True),
    }
    c.Application.logging_config = logging_config(PART)
    c.ServerApp.root_dir = os.getcwd()
    c.MultiKernelManager.default_kernel_name = "speaksep"
    # Asked of the network at every start otherwise.
    c.LabApp.news_url = None
    c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
    idle_s = int(environment.get(KERNEL_IDLE) or 0)
    if idle_s > 0:
        c.MappingKernelManager.cull_idle_timeout = idle_s
        c.MappingKernelManager.cull_interval = min(CULL_EVERY_S, idle_s)
        c.MappingKernelManager.cull_connected = True  # a page left open over the weekend
    return c


def server_environment(home: Path) -> dict[str, str]:
    """Variables that Jupyter reads while it is imported.

    Parameters
    ----------
    home
        Where the server works.
    """
    found = {"PYANNOTE_METRICS_ENABLED": "false"}
    if (home / FIRST).exists():
        found["JUPYTERHUB_DEFAULT_URL"] = f"/lab/tree/{FIRST}"
    return found
