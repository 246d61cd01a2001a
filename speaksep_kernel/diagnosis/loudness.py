"""Integrated loudness, streaming."""

from __future__ import annotations

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from speaksep_kernel.diagnosis.advice import Advice
from speaksep_kernel.diagnosis.protocol import Context, Diagnoser, Float32
from speaksep_kernel.diagnosis.report import Facts, Finding
from speaksep_kernel.diagnosis.thresholds import LOUDNESS_HIGH_LUFS, LOUDNESS_LOW_LUFS
from speaksep_kernel.plugins import PluginInfo

STEP_S = 0.1
BLOCK_STEPS = 4
"""Gating blocks of 400 ms that start every 100 ms."""
ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
OFFSET_LU = -0.691


class LoudnessMeter:
    """Integrated loudness after ITU-R BS.1770-4, block by block; keeps ten numbers per second.

    Parameters
    ----------
    rate_hz, channels
        Of the signal; every channel counts as a front channel.
    """

    def __init__(self, rate_hz: int, channels: int) -> None:
        from pyloudnorm import IIRfilter

        # The filters of pyloudnorm.Meter, which itself wants the whole signal at once.
        filters = (
            IIRfilter(4.0, 1 / np.sqrt(2), 1500.0, rate_hz, "high_shelf"),
            IIRfilter(0.0, 0.5, 38.0, rate_hz, "high_pass"),
        )
        self._sections = np.array([[*f.b, *f.a] for f in filters])
        self._state = np.zeros((len(filters), 2, channels))
        self._step = rate_hz * STEP_S
        self._rest: NDArray[np.float64] = np.zeros(0)
        self._at = 0
        self._power: list[NDArray[np.float64]] = []

    def feed(self, block: Float32) -> None:
        """Take (frames, channels)."""
        weighted, self._state = scipy.signal.sosfilt(self._sections, block, axis=0, zi=self._state)
        joined = np.concatenate([self._rest, np.einsum("nc,nc->n", weighted, weighted)])
        first, last = round(self._at / self._step), int(round((self._at + len(joined)) / self._step, 6))
        edges = np.round(np.arange(first, last + 1) * self._step).astype(np.int64) - self._at
        edges = edges[edges <= len(joined)]
        if len(edges) > 1:
            self._power.append(np.add.reduceat(joined[: edges[-1]], edges[:-1]) / np.diff(edges))
        self._rest = joined[edges[-1] :].copy()
        self._at += int(edges[-1])

    @property
    def lufs(self) -> float | None:
        """Loudness of what was fed so far; ``None`` if nothing is louder than -70 LUFS for 0.4 s."""
        return integrated_lufs(np.concatenate([*self._power, np.zeros(0)]))


class Loudness(Diagnoser):
    """Integrated loudness after ITU-R BS.1770-4 in LUFS; every channel counts as a front channel."""

    info = PluginInfo(
        name="loudness", version="1", summary="Integrated loudness (ITU-R BS.1770-4)", licence="Apache-2.0"
    )

    def start(self, facts: Facts) -> None:
        """See `Diagnoser`."""
        self._meter = LoudnessMeter(facts.rate_hz, facts.channels)

    def feed(self, block: Float32, start_s: float) -> None:
        """See `Diagnoser`."""
        self._meter.feed(block)

    def finish(self, context: Context) -> list[Finding]:
        """See `Diagnoser`."""
        lufs = self._meter.lufs
        if lufs is None:
            why = "Nothing is louder than -70 LUFS for 0.4 s, so there is no loudness to speak of."
            return [Finding("loudness", None, "LUFS", "info", why)]
        lufs = round(lufs, 2)
        if lufs < LOUDNESS_LOW_LUFS:
            why = f"Very quiet: normal speech lies at -30 to -16 LUFS, this at {lufs:.0f}."
            return [Finding("loudness", lufs, "LUFS", "notice", why, advice=Advice.CLEAN_LOUDNESS)]
        if lufs > LOUDNESS_HIGH_LUFS:
            why = f"Very loud: normal speech lies at -30 to -16 LUFS, this at {lufs:.0f}."
            return [Finding("loudness", lufs, "LUFS", "notice", why, advice=Advice.CLEAN_LOUDNESS)]
        return [Finding("loudness", lufs, "LUFS", "info", "Integrated loudness.")]


def integrated_lufs(step_power: NDArray[np.float64]) -> float | None:
    """Gated loudness of the K-weighted power, summed over channels, of 100-ms steps; ``None`` if all is gated out.

    Parameters
    ----------
    step_power
        (steps,).
    """
    if len(step_power) < BLOCK_STEPS:
        return None
    power = np.convolve(step_power, np.full(BLOCK_STEPS, 1 / BLOCK_STEPS), mode="valid")
    loudness = OFFSET_LU + 10 * np.log10(np.maximum(power, 1e-20))
    gated = power[loudness >= ABSOLUTE_GATE_LUFS]
    if not len(gated):
        return None
    gate = OFFSET_LU + 10 * np.log10(gated.mean()) + RELATIVE_GATE_LU
    kept = power[(loudness >= ABSOLUTE_GATE_LUFS) & (loudness > gate)]
    return float(OFFSET_LU + 10 * np.log10(kept.mean()))
