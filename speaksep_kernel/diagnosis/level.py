"""Peak and speech level."""

from __future__ import annotations

import numpy as np

from speaksep_kernel.diagnosis.protocol import Context, Diagnoser, Float32
from speaksep_kernel.diagnosis.report import Facts, Finding
from speaksep_kernel.diagnosis.thresholds import PEAK_OVER_DBFS
from speaksep_kernel.plugins import PluginInfo


class Level(Diagnoser):
    """Sample peak over all channels, in dBFS."""

    info = PluginInfo(name="level", version="1", summary="Sample peak", licence="Apache-2.0")

    def start(self, facts: Facts) -> None:
        """See `Diagnoser`."""
        self._peak = 0.0

    def feed(self, block: Float32, start_s: float) -> None:
        """See `Diagnoser`."""
        self._peak = max(self._peak, float(block.max(initial=0)), -float(block.min(initial=0)))

    def finish(self, context: Context) -> list[Finding]:
        """See `Diagnoser`."""
        if self._peak == 0:
            return [Finding("peak", None, "dBFS", "warning", "The recording is digital silence.")]
        peak_dbfs = round(20 * float(np.log10(self._peak)), 2)
        if peak_dbfs > PEAK_OVER_DBFS:
            why = "Samples exceed full scale, which only floating-point formats can hold; tracks are scaled to fit."
            return [Finding("peak", peak_dbfs, "dBFS", "notice", why)]
        return [Finding("peak", peak_dbfs, "dBFS", "info", "Largest sample of any channel.")]
