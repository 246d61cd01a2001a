"""Voila or Panel on one machine, without a hub: whoever has the token of this start is the person who started it."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from speaksep_dashboards.ticket import DESK, FRONT
from speaksep_hub.interactive.place import ADMIN, VIEW
from speaksep_hub.local.children import end_with
from speaksep_hub.local.ports import LOOPBACK, free_ports
from speaksep_hub.scopes import hub_names
from speaksep_hub.settings import PREFIX
from speaksep_kernel.jobs.job import user_name

TOKEN = "SPEAKSEP_ALONE_TOKEN"
"""Variable with what lets somebody in; whoever has it may see everything on the desk."""


def is_alone() -> bool:
    """Whether this process was started without a hub."""
    return bool(os.environ.get(TOKEN))


def taken_token() -> str:
    """The token, which is in the environment no more afterwards."""
    return os.environ.pop(TOKEN)


def somebody() -> dict[str, Any]:
    """The person, as a hub would tell of them."""
    return {"name": user_name(), "groups": [], "scopes": hub_names((VIEW, ADMIN))}


@contextmanager
def running(name: str, folder: Path, *, front: str, token: str = "") -> Iterator[str]:
    """One of them, while the block runs.

    Parameters
    ----------
    name
        ``"voila"`` or ``"panel"``.
    folder
        Of the desk (`speaksep_dashboards.desk.opened`).
    front
        Address of the pages that need neither, with a slash at its end.
    token
        What lets somebody in; one by chance, if left out.

    Yields
    ------
    Its address, with a slash at its end; ``?token=…`` is asked of whoever comes for the first time.
    """
    (port,) = free_ports(1)
    host, path = f"http://{LOOPBACK}:{port}", f"/services/{name}/"
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("JUPYTERHUB_", "JPY_", PREFIX))}
    environment = inherited | {
        TOKEN: token or secrets.token_urlsafe(24),
        DESK: str(folder),
        FRONT: front,
        f"{PREFIX}HUB__FOLDER": str(folder / "kept"),
        "JUPYTERHUB_SERVICE_URL": host,
        "JUPYTERHUB_SERVICE_PREFIX": path,
        "JUPYTERHUB_PUBLIC_URL": host + path,
    }
    parent = os.getpid()
    with (folder / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", f"speaksep_hub.interactive.{name}"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=lambda: end_with(parent),
        )
    try:
        yield host + path
    finally:
        process.terminate()
        process.wait()
