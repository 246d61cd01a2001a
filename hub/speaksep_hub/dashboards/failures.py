"""What people see instead of a page that cannot be shown: why, and what to do."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from speaksep_hub.dashboards.shell import document, element

TITLE = "Not this way"


def page(connection: HTTPConnection, error: str, hint: str) -> str:
    """Words for people, as a page."""
    why = element("p", error, class_="bad", role="alert")
    body = element("main", element("h1", TITLE), why, element("p", hint), class_="list")
    return document(connection, TITLE, body)
