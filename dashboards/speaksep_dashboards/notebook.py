"""What a published notebook calls: the page that its ticket is for, as a widget."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from urllib.parse import parse_qs

import ipywidgets

from speaksep_dashboards.address import Address
from speaksep_dashboards.desk import Desk, desk_of, opened
from speaksep_dashboards.guarded import GuardedPage
from speaksep_dashboards.page import Reader
from speaksep_dashboards.shown import explained, follow, widget_of
from speaksep_dashboards.ticket import DESK, FRONT, KEY, Ticket
from speaksep_kernel.catalogue.catalogue import Catalogue
from speaksep_kernel.errors import InputError, SpeakSepError
from speaksep_kernel.jobs.job import user_name
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.store.store import Store

ALONE = "SPEAKSEP_DASHBOARD"
"""Variable for a notebook that somebody opens by hand, in JupyterLab or a Voila of their own: ``mine=JOB``."""


def dashboard(kind: str) -> ipywidgets.VBox:
    """The view that this kernel has a ticket for; it follows what changes, and says so when there is nothing to see.

    Parameters
    ----------
    kind
        Which view the notebook is for.
    """
    shown = ipywidgets.VBox()

    def over(error: SpeakSepError) -> None:
        shown.children = [ipywidgets.HTML(explained(error))]

    try:
        page = GuardedPage(*_visit(kind), _desk())
        widget = widget_of(page, os.environ.get(FRONT, ""))
    except SpeakSepError as error:
        over(error)
        return shown
    shown.children = [widget]
    follow(widget, over)
    return shown


def _visit(kind: str) -> tuple[Address, Reader]:
    """What to show to whom; where no server of dashboards started this kernel, it is its own person's."""
    by_hand = os.environ.get(ALONE)
    if by_hand is not None and KEY not in os.environ:
        return Address.of(kind, parse_qs(by_hand)), Reader(user_name(), admin=True)
    ticket = Ticket.taken()
    if ticket.address.kind != kind:
        raise InputError(f"the ticket is for a {ticket.address.kind}", reason="bad-ticket", hint="open it again")
    return ticket.address, ticket.reader


def _desk() -> Desk:
    """As the environment says; the user's own, where it says nothing."""
    if folder := os.environ.get(DESK):
        return opened(Path(folder))
    jobs, store = os.environ.get("SPEAKSEP_JOBS"), os.environ.get("SPEAKSEP_STORE")
    if store is None:
        return desk_of((), Path(tempfile.mkdtemp(prefix="speaksep-desk-")))
    return Desk(JobTable.open(jobs), Catalogue.open(jobs), Store.open(store))
