"""The script and the style of a widget: plain files, joined into the one module that anywidget and Panel take."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

_HOME = files("speaksep_widgets")


@cache
def esm(widget: str, *parts: str) -> str:
    """One ES module out of ``parts/*.js``, in the given order, and the widget's own script.

    Parts declare functions and classes and import nothing, so joining is all there is to it; only the widget's script
    exports.

    Parameters
    ----------
    widget
        Name of the script beside this file, without ``.js``.
    parts
        Names in ``parts/``, without ``.js``.
    """
    sources = [_HOME / "parts" / f"{part}.js" for part in parts]
    return "\n".join(source.read_text("utf-8") for source in [*sources, _HOME / f"{widget}.js"])


@cache
def css(*parts: str) -> str:
    """The style sheets ``parts/*.css``, joined."""
    return "\n".join((_HOME / "parts" / f"{part}.css").read_text("utf-8") for part in parts)
