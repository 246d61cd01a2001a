"""The scripts and styles that pages mount: those of the widgets and of the dashboards, as they are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from importlib.resources import files


@cache
def script(name: str) -> tuple[bytes, str] | None:
    """A script or style by the name that pages ask for, with its digest; ``None`` if there is none."""
    make = _MADE.get(name)
    if make is None:
        return None
    text = make().encode()
    return text, hashlib.sha256(text).hexdigest()[:20]


def _recording_view() -> str:
    from speaksep_widgets.esm import esm

    # Its parts are named beside the widget, whose module needs Jupyter's widgets; the view does not.
    parts = ("ask", "view", "waveform", "spectrogram", "soundfiles", "transport", "keys", "sight", "keepup")
    return esm("recording_view", *parts)


def _theme() -> str:
    from speaksep_widgets.esm import css

    return css("theme")


def _of_dashboards(what: str, kind: str) -> str:
    from speaksep_dashboards import bundle

    found: str = getattr(bundle, what)(kind)
    return found


def _kernelless() -> str:
    return (files("speaksep_dashboards") / "static" / "kernelless.js").read_text("utf-8")


_MADE: dict[str, Callable[[], str]] = {
    "recording-view.js": _recording_view,
    "recording-view.css": _theme,
    "kernelless.js": _kernelless,
    "job.js": lambda: _of_dashboards("esm", "recording"),
    "job.css": lambda: _of_dashboards("css", "recording"),
    "batch.js": lambda: _of_dashboards("esm", "batch"),
    "batch.css": lambda: _of_dashboards("css", "batch"),
}
