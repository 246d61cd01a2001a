"""Where the things lie that dashboards show, for a server and for the kernels that it starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from speaksep_dashboards.desk import Desk, opened
from speaksep_dashboards.page import Reader
from speaksep_dashboards.ticket import DESK, FRONT
from speaksep_hub.scopes import short_names
from speaksep_hub.service.platform import PATIENCE_S, jobs_place
from speaksep_hub.settings import PREFIX, Settings
from speaksep_kernel.catalogue.catalogue import Catalogue
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.kernel.forkserver.place import CHOSEN
from speaksep_kernel.store.store import Store

VIEW, ADMIN = "dashboards:view", "admin"
"""Scopes: either lets somebody look, the second at how the platform does, too."""
_NOT_THEIRS = (PREFIX, "JUPYTERHUB_", "JPY_", "SPEAKSEP_HUB_CONFIG", "SPEAKSEP_ALONE_TOKEN")
"""Beginnings of variables of a server that its kernels are not told: they may hold secrets."""


def open_desk(settings: Settings) -> Desk:
    """The job table, the shares and the store; those of a desk of one's own, where there is no hub.

    Raises
    ------
    SpeakSepError
        One of them cannot be opened.
    """
    if folder := os.environ.get(DESK):
        return opened(Path(folder))
    database = jobs_place(settings)
    return Desk(
        JobTable.open(database, patience_s=PATIENCE_S),
        Catalogue.open(database, patience_s=PATIENCE_S),
        Store.open(store_place(settings), presigned=False),
    )


def store_place(settings: Settings) -> str:
    """Folder or URL of the store."""
    return settings.store.url or os.environ.get("SPEAKSEP_STORE") or str(settings.hub.kept("store"))


def kernel_environment(settings: Settings, environment: Mapping[str, str]) -> dict[str, str]:
    """What a kernel of a dashboard is told: where things lie, and no secret but what a database's URL may hold.

    Parameters
    ----------
    settings
        Of the platform.
    environment
        Of its server.
    """
    told = {name: value for name, value in environment.items() if not name.startswith(_NOT_THEIRS)}
    places = {"SPEAKSEP_JOBS": jobs_place(settings), "SPEAKSEP_STORE": store_place(settings)}
    return {
        **told,
        **(places if DESK not in environment else {}),
        "SPEAKSEP_DEVICE": "cpu",  # nobody's GPU is taken by somebody who looks
        CHOSEN: "speaksep_dashboards.warm",
        "SPEAKSEP_DASHBOARDS": str(settings.hub.kept("dashboards")),
    }


def reader_of(person: Mapping[str, object]) -> Reader:
    """Who looks, from what the hub says of them."""
    scopes, groups = person.get("scopes") or (), person.get("groups") or ()
    assert isinstance(scopes, list | tuple)
    assert isinstance(groups, list | tuple)
    return Reader(str(person["name"]), frozenset(map(str, groups)), admin=ADMIN in short_names(scopes))


def may_look(scopes: list[str]) -> bool:
    """Whether somebody with these scopes, in the hub's words, may look at dashboards at all."""
    return not {VIEW, ADMIN}.isdisjoint(short_names(scopes))


def front_url(environment: Mapping[str, str], service: str) -> str:
    """Address of the pages that need no kernel, seen from a service beside them."""
    if given := environment.get(FRONT):
        return given
    prefix = environment.get("JUPYTERHUB_SERVICE_PREFIX", "/")
    path = f"{prefix.removesuffix(f'services/{service}/')}services/dashboards/"
    host = environment.get("JUPYTERHUB_PUBLIC_URL", "")
    # With a host name for each service, its own begins with its name.
    mark = f"//{service}--service."
    return host.replace(mark, "//dashboards--service.").replace(prefix, path) if mark in host else path
