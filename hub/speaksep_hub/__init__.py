"""Configuration of a JupyterHub for SpeakSep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from speaksep_hub.settings import Settings


def install(c: Any, settings: Settings | None = None) -> Settings:
    """Configure a hub from the settings; see `speaksep_hub.configuration.install`."""
    from speaksep_hub import configuration  # only a hub has its packages

    return configuration.install(c, settings)


__all__ = ["install"]
