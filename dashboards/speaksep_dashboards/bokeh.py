"""Where a page gets BokehJS from: the wheel of Bokeh, never a network."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from speaksep_kernel.errors import PluginError

NAME = "bokeh.min.js"


@cache
def script() -> Path:
    """The script that makes ``window.Bokeh``; nothing of Bokeh is imported for it.

    It is loaded by ``esm/bokeh.js``: the front serves it as a file that never changes, pages with a kernel ask for its
    bytes, and Panel has it already.

    Raises
    ------
    PluginError
        Reason ``missing-package``.
    """
    found = find_spec("bokeh")
    if found is None or found.origin is None:
        raise PluginError("Bokeh is not installed", reason="missing-package", hint="pip install speaksep")
    return Path(found.origin).parent / "server" / "static" / "js" / NAME
