"""Plugin descriptions and the registry over entry points (in the manner of xarray's backends)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

API_VERSION = 1

GROUPS = (
    "speaksep.separators",
    "speaksep.diagnosers",
    "speaksep.encoders",
    "speaksep.cleaners",
    "speaksep.exporters",
    "speaksep.executors",
)


@dataclass(frozen=True)
class PluginInfo:
    """Static description of a plugin, readable without importing its network.

    Attributes
    ----------
    name, version, summary, licence
        What it is.
    api_version
        Version of the plugin interface it was written for.
    requires
        Import names that must be installed for it to work.
    sample_rates_hz
        Rates it accepts; empty means any.
    max_speakers
        Most simultaneous speakers it tells apart (separators), 0 if the notion does not apply.
    devices
        Subset of {"cpu", "cuda"}.
    options
        JSON schema (properties only) of its keyword options.
    """

    name: str
    version: str
    summary: str
    licence: str = ""
    api_version: int = API_VERSION
    requires: tuple[str, ...] = ()
    sample_rates_hz: tuple[int, ...] = ()
    max_speakers: int = 0
    devices: tuple[str, ...] = ("cpu",)
    options: Mapping[str, Any] = field(default_factory=dict)
