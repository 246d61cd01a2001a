"""What pages of Voila and Panel have in common: the script that brings them back, and words where there is no page."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from typing import Any

from tornado.web import HTTPError, RequestHandler

from speaksep_dashboards.shown import explained
from speaksep_hub.service.errors import headers_of, status_of
from speaksep_kernel.errors import SpeakSepError

_STATIC = files("speaksep_dashboards") / "static"
_TYPES = {"again.js": "text/javascript; charset=utf-8", "again.css": "text/css; charset=utf-8"}


class Part(RequestHandler):
    """``again.js`` and ``again.css``, the same for everybody."""

    def get(self, name: str) -> None:
        """One of them."""
        if name not in _TYPES:
            raise HTTPError(404)
        self.set_header("Content-Type", _TYPES[name])
        self.set_header("Cache-Control", "max-age=3600")
        self.finish((_STATIC / name).read_bytes())


def explain(handler: Any, error: SpeakSepError, base: str) -> None:
    """Answer a request for a page with why there is none.

    Parameters
    ----------
    handler
        Of the request.
    error
        What is wrong.
    base
        Address of the service, with a slash at its end.
    """
    handler.set_status(status_of(error))
    for name, value in headers_of(error).items():
        handler.set_header(name, value)
    handler.set_header("Content-Type", "text/html; charset=utf-8")
    handler.set_header("Cache-Control", "no-store")
    handler.finish(
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><title>Not this way</title><link rel="icon" href="data:,">'
        f'<link rel="stylesheet" href="{escape(base)}again.css"></head>'
        f"<body><main>{explained(error)}</main></body></html>\n"
    )
