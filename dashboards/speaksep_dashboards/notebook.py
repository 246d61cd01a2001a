"""What a published notebook calls: the page that its ticket is for, as a widget."""

from __future__ import annotations

import os

import ipywidgets

from speaksep_dashboards.desk import Desk
from speaksep_dashboards.guarded import GuardedPage
from speaksep_dashboards.shown import explained, follow, widget_of
from speaksep_dashboards.ticket import FRONT, Ticket
from speaksep_kernel.catalogue.catalogue import Catalogue
from speaksep_kernel.errors import InputError, SpeakSepError
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.store.store import Store


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
        ticket = Ticket.taken()
        if ticket.address.kind != kind:
            raise InputError(f"the ticket is for a {ticket.address.kind}", reason="bad-ticket", hint="open it again")
        page = GuardedPage(ticket.address, ticket.reader, _desk())
        widget = widget_of(page, os.environ.get(FRONT, ""))
    except SpeakSepError as error:
        over(error)
        return shown
    shown.children = [widget]
    follow(widget, over)
    return shown


def _desk() -> Desk:
    """As the server that started this kernel says."""
    jobs, store = os.environ["SPEAKSEP_JOBS"], os.environ["SPEAKSEP_STORE"]
    return Desk(JobTable.open(jobs), Catalogue.open(jobs), Store.open(store))
