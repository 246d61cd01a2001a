"""Published, read-only views of separated recordings."""

from __future__ import annotations

from typing import Any

VIEWS = "views"
"""Folder of what belongs to open pages; whoever serves dashboards empties it when it starts."""


def __getattr__(name: str) -> Any:
    if name == "report":
        from speaksep_dashboards.reports.making import report

        return report
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
