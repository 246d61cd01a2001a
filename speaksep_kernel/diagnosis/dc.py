"""Constant offset."""

from __future__ import annotations

import numpy as np

from speaksep_kernel.diagnosis.advice import Advice
from speaksep_kernel.diagnosis.protocol import Context, Diagnoser, Float32
from speaksep_kernel.diagnosis.report import Facts, Finding
from speaksep_kernel.diagnosis.thresholds import DC_DBFS
from speaksep_kernel.plugins import PluginInfo


class Dc(Diagnoser):
    """Mean of the samples of the channel where it is farthest from zero, full scale at 1."""

    info = PluginInfo(name="dc", version="1", summary="Constant offset", licence="Apache-2.0")

    def start(self, facts: Facts) -> None:
        """See `Diagnoser`."""
        self._sum = np.zeros(facts.channels)
        self._count = 0

    def feed(self, block: Float32, start_s: float) -> None:
        """See `Diagnoser`."""
        self._sum += block.sum(axis=0, dtype=np.float64)
        self._count += len(block)

    def finish(self, context: Context) -> list[Finding]:
        """See `Diagnoser`."""
        means = self._sum / max(self._count, 1)
        worst = int(np.argmax(np.abs(means)))
        offset = round(float(means[worst]), 6)
        subject = f"channel {worst + 1}" if len(means) > 1 else ""
        if 20 * np.log10(max(abs(offset), 1e-9)) > DC_DBFS:
            why = "The wave does not swing around zero: a fault of the recorder that misleads meters and gates."
            return [Finding("dc", offset, "FS", "notice", why, advice=Advice.CLEAN_DC, subject=subject)]
        return [Finding("dc", offset, "FS", "info", "The wave swings around zero.", subject=subject)]
