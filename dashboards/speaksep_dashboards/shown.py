"""A guarded page as a widget that follows it: what the notebooks and the Panel applications show."""

from __future__ import annotations

import threading
from collections.abc import Callable
from html import escape

from speaksep_dashboards.guarded import GuardedPage
from speaksep_dashboards.view import View, view
from speaksep_kernel.errors import InputError, SpeakSepError

LOOK_S = 2.0
"""Between two looks whether something changed."""


def follow(widget: View, over: Callable[[SpeakSepError], object], *, every_s: float = LOOK_S) -> Callable[[], None]:
    """Keep a widget equal to its page, in a thread, until its reader may not have the page any more.

    Parameters
    ----------
    widget
        Of a `GuardedPage`.
    over
        Called once when that is so.
    every_s
        Seconds between two looks.

    Returns
    -------
    What ends it.
    """
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(every_s):
            try:
                widget.refresh()
            except InputError as error:
                ended.set()
                over(error)
            except SpeakSepError:
                continue  # a store or a table that does not answer now may do so later; what is shown stays

    threading.Thread(target=run, daemon=True, name="follow").start()
    return ended.set


def widget_of(page: GuardedPage, front: str = "") -> View:
    """The widget that shows it.

    Parameters
    ----------
    page
        What is shown.
    front
        Address of the dashboards, with a slash at its end, for links to other pages; "" if there are none.
    """
    return view(page, address=front and front + page.address.front)


def explained(error: SpeakSepError) -> str:
    """Why there is nothing to see, as HTML."""
    said = f"{error.error[:1].upper()}{error.error[1:]}."
    hint = f"<p>{escape(error.hint[:1].upper() + error.hint[1:])}.</p>" if error.hint else ""
    return f'<div class="speaksep-explained" role="alert"><h1>{escape(said)}</h1>{hint}</div>'
