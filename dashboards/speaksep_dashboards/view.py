"""Any view as a widget: in Voila, in a notebook, and in Panel through `speaksep_widgets.panel.in_panel`."""

from __future__ import annotations

from functools import cache
from html import escape
from typing import Any

import traitlets

from speaksep_dashboards.bundle import css, esm
from speaksep_dashboards.page import Page
from speaksep_widgets.base import Answer, SpeakSepWidget


class View(SpeakSepWidget):
    """A page as a widget: the script draws `data` and asks the page for the rest.

    Make one with `view`.

    Parameters
    ----------
    page
        What is shown.

    Attributes
    ----------
    data
        As of `speaksep_dashboards.page.Page.data`; another when `refresh` found it changed. Read only.
    address
        Of the same page as the front serves it, for links to other pages; "" where there is no front.
    """

    data = traitlets.Dict(read_only=True).tag(sync=True)
    address = traitlets.Unicode("").tag(sync=True)

    def __init__(self, page: Page, **traits: Any) -> None:
        super().__init__(**traits)
        self.page = page
        self._version = page.version()
        self.set_trait("data", page.data())

    def refresh(self) -> bool:
        """Look whether something changed, and show it; whether it had."""
        version = self.page.version()
        if version == self._version:
            return False
        self._version = version
        self.set_trait("data", self.page.data())
        return True

    def _answer(self, ask: str, fields: dict[str, Any]) -> Answer:
        found = self.page.answer({"ask": ask, **fields})
        return found.content, found.buffers

    def _last_name(self) -> str:
        return self.page.title

    def _last_picture(self) -> str:
        return f"<p>{escape(self.page.title)}</p>"


def view(page: Page, **traits: Any) -> View:
    """The widget that shows a page; its class is the kind's own, since a class has one script."""
    return _class(page.kind)(page, **traits)


@cache
def _class(kind: str) -> type[View]:
    return type(f"{kind.capitalize()}View", (View,), {"_esm": esm(kind), "_css": css(kind)})
