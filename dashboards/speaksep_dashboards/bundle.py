"""The script and the style of a view: plain files, joined into what the front, anywidget and Panel take."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.resources import files

from speaksep_dashboards.page import KINDS
from speaksep_kernel.errors import InputError

_OURS = files("speaksep_dashboards")
_WIDGETS = files("speaksep_widgets") / "parts"


@cache
def esm(kind: str) -> str:
    """One ES module: the parts that ``speaksep_dashboards.KIND`` names in ``PARTS``, then its ``view.js``.

    A part is the first there is of ``NAME.js`` beside ``view.js`` (but not that), in ``speaksep_dashboards/esm`` and in
    ``speaksep_widgets/parts``. Parts declare functions and classes and import nothing; only ``view.js`` exports:
    ``export default { render }``.

    Raises
    ------
    InputError
        Reason ``unknown-view``.
    """
    _check(kind)
    parts: tuple[str, ...] = import_module(f"speaksep_dashboards.{kind}").PARTS
    own = _OURS / kind / "view.js"
    sources = [
        next(
            path
            for place in (_OURS / kind, _OURS / "esm", _WIDGETS)
            if (path := place / f"{part}.js").is_file() and path != own
        )
        for part in parts
    ]
    return "\n".join(source.read_text("utf-8") for source in [*sources, own])


@cache
def css(kind: str) -> str:
    """The widgets' theme, what all views share, the styles ``esm/NAME.css`` of parts that have one, the view's own.

    Raises
    ------
    InputError
        Reason ``unknown-view``.
    """
    _check(kind)
    parts = [_OURS / "esm" / f"{part}.css" for part in import_module(f"speaksep_dashboards.{kind}").PARTS]
    sources = [_WIDGETS / "theme.css", _OURS / "esm" / "page.css", *parts, _OURS / kind / "view.css"]
    return "\n".join(source.read_text("utf-8") for source in sources if source.is_file())


def _check(kind: str) -> None:
    if kind not in KINDS:
        raise InputError(f"no view {kind[:40]!r}", reason="unknown-view", hint=f"there are: {', '.join(KINDS)}")
