"""What people see instead of a page that cannot be shown: why, and what to do."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from speaksep_hub.dashboards.shell import document, element

TITLE = "Not this way"


def page(connection: HTTPConnection, error: str, hint: str) -> str:
    """Words for people, as a page."""
    body = element("main", element("h1", TITLE), element("p", error, class_="bad", role="alert"), element("p", hint))
    return document(connection, TITLE, body)
