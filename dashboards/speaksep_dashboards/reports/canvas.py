"""Figures on paper: a canvas without a window system, safe in any thread."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from speaksep_dashboards.reports.lettering import INK, LINE, QUIET, families

if TYPE_CHECKING:
    from speaksep_dashboards.reports.values import Picture

WIDTH_IN = 7.2
_DARK = {INK: "#e6edf3", QUIET: "#b1bac4", LINE: "#768390"}
# Settings of matplotlib are those of the process: two who draw at once would take each other's.
_drawing = threading.Lock()


@contextmanager
def drawing() -> Iterator[None]:
    """Settings of our figures, while the block runs; one block at a time."""
    import matplotlib

    settings: Any = {
        "font.family": list(families()),
        "font.size": 9,
        "text.color": INK,
        "text.parse_math": False,  # names may have dollars in them
        "svg.fonttype": "none",
        "svg.hashsalt": "speaksep",
        "pdf.fonttype": 42,
    }
    with _drawing, matplotlib.rc_context(settings):
        yield


def svg(picture: Picture) -> str:
    """A picture as SVG, with its letters as text.

    Its ink follows the reader's choice of light or dark, also inside an ``<img>``.
    """
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    out = io.StringIO()
    with drawing():
        figure = Figure(figsize=(WIDTH_IN, picture.height_in), layout="constrained")
        FigureCanvasSVG(figure)
        picture.draw(figure)
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(out, format="svg", dpi=150, transparent=True, metadata=nothing)
    text = out.getvalue()
    text = text[text.index("<svg") :]  # without the prolog, which names a file on the network
    names = {colour: f"--c{number}" for number, colour in enumerate(_DARK)}
    light = "".join(f"{name}:{colour};" for colour, name in names.items())
    dark = "".join(f"{names[colour]}:{other};" for colour, other in _DARK.items())
    for colour, name in names.items():
        text = text.replace(colour, f"var({name})")
    head, inside = text.split(">", 1)
    rules = f"svg{{{light}}}@media screen and (prefers-color-scheme:dark){{svg{{{dark}}}}}text{{font-kerning:normal}}"
    return f"{head}><style>{rules}</style>{inside}"
