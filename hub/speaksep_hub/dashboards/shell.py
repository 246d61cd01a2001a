"""The frame of all pages: head, navigation, and nothing that runs or is styled outside of files."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from starlette.requests import HTTPConnection

from speaksep_hub.dashboards.static import StaticFiles
from speaksep_hub.service.platform import platform_of


class Markup(str):
    """Text that is markup already."""


def element(tag: str, /, *inside: str, class_: str = "", **attributes: str | bool) -> Markup:
    """An element; whatever is inside is taken as text unless it is markup, and so is every attribute.

    >>> element("a", "1 < 2", href="x")
    '<a href="x">1 &lt; 2</a>'
    """
    named = {"class": class_, **{key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}}
    words = "".join(
        f" {key}" if value is True else f' {key}="{escape(str(value))}"' for key, value in named.items() if value
    )
    if tag in ("link", "meta", "input", "br"):
        return Markup(f"<{tag}{words}>")
    return Markup(f"<{tag}{words}>{''.join(map(_markup, inside))}</{tag}>")


def _markup(text: str) -> str:
    return text if isinstance(text, Markup) else escape(text)


def data_block(id_: str, text: bytes) -> Markup:
    """JSON that comes with the page; nothing in it can end the block, and browsers run none of it."""
    safe = text.decode().replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return Markup(f'<script type="application/json" id="{id_}">{safe}</script>')


def config_block(id_: str, values: dict[str, Any]) -> Markup:
    """As :func:`data_block`, of values."""
    return data_block(id_, json.dumps(values).encode())


def static_of(connection: HTTPConnection) -> StaticFiles:
    """The files of the pages."""
    found: StaticFiles = connection.app.state.static
    return found


def home_of(connection: HTTPConnection) -> str:
    """Path of the front, with a slash at its end."""
    return platform_of(connection).place.prefix


def document(connection: HTTPConnection, title: str, *body: str, head: str = "", name: str = "") -> str:
    """A whole page.

    Parameters
    ----------
    connection
        What is answered.
    title
        Of the page.
    body
        What follows the navigation.
    head
        More of the head.
    name
        Who looks; empty: nobody knows.
    """
    home = home_of(connection)
    hub = platform_of(connection).place.hub
    navigation = [element("span", name, id="who")] if name else []
    if name and hub is not None:
        navigation.append(element("a", "Sign out", href=f"{home}sign-out"))
    header = element(
        "header",
        element("a", "SpeakSep", href=home, class_="home"),
        element("nav", *navigation, aria_label="You") if navigation else Markup(""),
    )
    style = element("link", rel="stylesheet", href=home + static_of(connection).address("shell.css"))
    top = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
    )
    return (
        f'<!doctype html>\n<html lang="en">\n<head>{top}<title>{escape(title)} · SpeakSep</title>{style}{head}</head>\n'
        f"<body>{header}{''.join(map(_markup, body))}</body>\n</html>\n"
    )
