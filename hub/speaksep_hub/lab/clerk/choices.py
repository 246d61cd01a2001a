"""What a separation may be done with, where it will be done: the plugins there, other people's too."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from speaksep_hub.lab.clerk import service
from speaksep_kernel import plugins
from speaksep_kernel.errors import SpeakSepError

KINDS = {"separators": "separator", "formats": "exporter"}


def choices(_root: Path) -> dict[str, Any]:
    """Names of separators and of formats of tracks: of the service where one answers, else of this machine."""
    if service.address():
        with suppress(SpeakSepError):  # who asks for a job is told why there is no service
            return _named(service.client().plugins())
    return _named([row for kind in KINDS.values() for row in plugins.describe(kind) if row["status"] == "ok"])


def _named(rows: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Without those that must be told more than the form asks, such as which file to use."""
    return {
        what: [
            row["name"]
            for row in rows
            if row["kind"] == kind and all("default" in option for option in row["options"].values())
        ]
        for what, kind in KINDS.items()
    }
