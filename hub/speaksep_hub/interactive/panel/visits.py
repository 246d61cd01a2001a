"""From a request to a session: who opened what. Sessions believe a sealed ticket, and nothing in an address."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

from bokeh.application.handlers.handler import Handler
from bokeh.document import Document

from speaksep_dashboards.address import Address
from speaksep_dashboards.desk import Desk
from speaksep_dashboards.guarded import GuardedPage
from speaksep_dashboards.page import Reader
from speaksep_dashboards.session import fill
from speaksep_dashboards.shown import widget_of
from speaksep_dashboards.ticket import LIFE_S, Ticket
from speaksep_dashboards.view import View

FIELD = "speaksep_ticket"
"""Of what Bokeh signs and keeps with a session."""
_HERE = "panel"
_HUBS = frozenset({"token", "code", "state"})
"""Parameters that are read by whoever finds out who asks."""


class Visits:
    """What is opened here, and the sessions there are. Tickets are good for minutes, and for this process alone.

    Parameters
    ----------
    desk
        Where things are.
    front
        Address of the pages that need no session; "" if there are none.
    """

    def __init__(self, desk: Desk, front: str = "") -> None:
        self._desk, self._front = desk, front
        self._key = secrets.token_bytes(32)
        self._prepared: dict[str, View] = {}
        self._owners: dict[str, str] = {}

    def asked(self, kind: str, query: Mapping[str, Sequence[bytes]], reader: Reader) -> Ticket:
        """What a request for a page asks for.

        Raises
        ------
        InputError
            As :meth:`~speaksep_dashboards.address.Address.of`.
        """
        words = {name: [each.decode("utf-8", "replace") for each in given] for name, given in query.items()}
        address = Address.of(kind, {name: given for name, given in words.items() if name not in _HUBS})
        return Ticket(_HERE, address, reader, time.time() + LIFE_S)

    def prepare(self, visit: Ticket) -> str:
        """Make what a session is to show, if its reader may have it; this reads from the store, and may take a while.

        Returns
        -------
        The ticket, sealed.

        Raises
        ------
        SpeakSepError
            As :class:`~speaksep_dashboards.guarded.GuardedPage`.
        """
        widget = widget_of(GuardedPage(visit.address, visit.reader, self._desk), self._front)
        sealed = visit.sealed(self._key)
        self._prepared[sealed] = widget
        return sealed

    def read(self, payload: Mapping[str, Any]) -> Ticket:
        """The ticket that was signed into a session.

        Raises
        ------
        InputError
            Reasons ``bad-ticket`` and ``expired-ticket``.
        """
        return Ticket.opened(str(payload.get(FIELD, "")), self._key, _HERE)

    def begin(self, session: str, payload: Mapping[str, Any]) -> View:
        """What a new session shows; a ticket is good for one.

        Raises
        ------
        InputError
            As :meth:`read`.
        KeyError
            It was used before.
        """
        visit = self.read(payload)
        widget = self._prepared.pop(str(payload[FIELD]))
        self._owners[session] = visit.reader.name
        return widget

    def end(self, session: str) -> None:
        """Forget a session."""
        self._owners.pop(session, None)

    def belongs(self, session: str, reader: str) -> bool:
        """Whether a session lives and is this reader's."""
        return self._owners.get(session) == reader


class Session(Handler):
    """Fills the document of a new session.

    Parameters
    ----------
    visits
        What is opened here.
    base_url
        Address of the service, with a slash at its end.
    """

    def __init__(self, visits: Visits, base_url: str) -> None:
        super().__init__()
        self._visits, self._base_url = visits, base_url

    def process_request(self, request: Any) -> dict[str, Any]:
        """What is signed into the session's token: of a page its ticket, of a connection nothing more."""
        ticket = getattr(request, "ticket", None)
        return {FIELD: ticket} if ticket else {}

    def modify_document(self, doc: Document) -> None:
        """Show what was prepared."""
        context: Any = doc.session_context
        widget = self._visits.begin(context.id, context.token_payload)
        fill(doc, widget, {"base_url": self._base_url, "alive": f"{self._base_url}alive/{context.id}"})
        doc.on_session_destroyed(lambda _: self._visits.end(context.id))
