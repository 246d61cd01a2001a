"""Reports to take away: one HTML file that needs nothing else, or a PDF, of whatever a view shows."""

from __future__ import annotations

from typing import Any

_HOME = {
    "Report": "values",
    "html_of": "pages",
    "pdf_of": "pages",
    "policy": "html",
    "report": "making",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
