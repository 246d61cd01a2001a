"""Offset and rumble: everything below the voice, by a filter without delay."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import scipy.signal

from speaksep_kernel.errors import InputError
from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.separation.cleaning import Float32

PADDING_S = 0.5


class _HighPass:
    """Butterworth high-pass, run forwards and backwards: no delay, twice the slope."""

    order: ClassVar[int]

    def __init__(self, *, below_hz: float) -> None:
        if not 0 < below_hz <= 500:
            raise InputError(
                f"below_hz is {below_hz:g}", reason="bad-option", hint="voices start at 70 Hz; give 1 to 500"
            )
        self._below_hz = below_hz

    def clean(self, samples: Float32, rate_hz: int) -> Float32:
        """See `Cleaner`."""
        sections = scipy.signal.butter(self.order, self._below_hz, "highpass", fs=rate_hz, output="sos")
        padding = min(len(samples) - 1, round(PADDING_S * rate_hz))
        return np.asarray(scipy.signal.sosfiltfilt(sections, samples, padlen=padding), dtype=np.float32)


def _info(name: str, summary: str, below_hz: float) -> PluginInfo:
    options: dict[str, Any] = {"below_hz": {"type": "number", "default": below_hz}}
    return PluginInfo(name=name, version="1", summary=summary, licence="Apache-2.0", options=options)


class Dc(_HighPass):
    """Takes out a constant or slowly drifting offset and nothing that can be heard."""

    info = _info("dc", "Removes constant offset", 10.0)
    order = 2

    def __init__(self, *, below_hz: float = 10.0) -> None:
        super().__init__(below_hz=below_hz)


class Rumble(_HighPass):
    """Takes out footsteps, wind and handling below the lowest voices."""

    info = _info("rumble", "Removes rumble below the voice", 60.0)
    order = 4

    def __init__(self, *, below_hz: float = 60.0) -> None:
        super().__init__(below_hz=below_hz)
