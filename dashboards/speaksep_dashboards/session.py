"""What a Panel application shows: a guarded page, in one session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import panel

from speaksep_dashboards.shown import explained, follow
from speaksep_dashboards.view import View
from speaksep_kernel.errors import SpeakSepError
from speaksep_widgets.panel import in_panel

if TYPE_CHECKING:
    from bokeh.document import Document

TEMPLATE = """\
{% block preamble %}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="stylesheet" href="{{ base_url }}again.css">
{% endblock %}
{% block inner_body %}
<main>{{ super() }}</main>
<script src="{{ base_url }}again.js" data-alive="{{ alive }}"></script>
{% endblock %}
"""


def fill(document: Document, widget: View, variables: Mapping[str, str]) -> None:
    """Show a page in a session of its own, and follow what changes until the session ends.

    Parameters
    ----------
    document
        Of the session.
    widget
        Of a `speaksep_dashboards.guarded.GuardedPage`; it is closed with the session.
    variables
        ``base_url`` of the service, with a slash at its end, and ``alive``: the address that says whether it lives.
    """
    column = panel.Column(in_panel(widget), sizing_mode="stretch_width")

    def over(error: SpeakSepError) -> None:
        words: Any = panel.pane.HTML  # it has no types
        column.objects = [words(explained(error), sizing_mode="stretch_width")]

    end = follow(widget, over)

    def ended(_: object) -> None:
        end()
        widget.close()

    document.template = cast(Any, TEMPLATE)  # text is taken, too
    document.template_variables.update(variables)
    document.on_session_destroyed(ended)
    column.server_doc(document, title=widget.page.title)
