"""Noise floor and speech-to-noise ratio, from the pauses between turns."""

from __future__ import annotations

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from speaksep_kernel.diagnosis.advice import Advice
from speaksep_kernel.diagnosis.frames import FramePower
from speaksep_kernel.diagnosis.protocol import Context, Diagnoser, Float32
from speaksep_kernel.diagnosis.report import Facts, Finding
from speaksep_kernel.diagnosis.thresholds import (
    NOISE_MARGIN_S,
    NOISE_PAUSE_S,
    NOISE_RANGE_DB,
    SNR_MAX_DB,
    SNR_NOTICE_DB,
    SNR_WARNING_DB,
)
from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.voices.streams import FRAME_S

QUIET_PERCENTILE = 20.0
LEAST_PERCENTILE = 2.0
LEAST_TO_MEAN = 1.1
"""Mean power of steady noise over its 2nd percentile, 20-ms frames of wideband noise."""


class Noise(Diagnoser):
    """RMS level of what sounds while nobody speaks, and speech power over noise power while somebody does."""

    info = PluginInfo(name="noise", version="1", summary="Noise floor and signal-to-noise ratio", licence="Apache-2.0")

    def start(self, facts: Facts) -> None:
        """See `Diagnoser`."""
        self._weights = np.asarray(facts.weights, np.float32)
        self._frames = FramePower(facts.rate_hz, FRAME_S)
        self._power: list[Float32] = []

    def feed(self, block: Float32, start_s: float) -> None:
        """See `Diagnoser`."""
        self._power.append(self._frames.feed(block @ self._weights))

    def finish(self, context: Context) -> list[Finding]:
        """See `Diagnoser`."""
        power = np.concatenate([*self._power, np.zeros(0, np.float32)]).astype(np.float64)
        speaking = context.voices[: len(power)] > 0
        noise = noise_power(power, speaking)
        if noise is None:
            return [
                Finding("noise-floor", None, "dBFS", "info", "There is nothing but digital silence."),
                Finding("snr", None, "dB", "info", "Without noise there is no ratio to it."),
            ]
        floor_dbfs = round(10 * float(np.log10(max(noise, 1e-12))), 1)
        floor = Finding("noise-floor", floor_dbfs, "dBFS", "info", "Level while nobody speaks.")
        if not speaking.any():
            return [floor, Finding("snr", None, "dB", "info", "Nobody speaks, so there is no ratio to speech.")]
        speech = float(power[speaking].mean()) - noise
        snr_db = round(min(10 * float(np.log10(max(speech, 0.01 * noise) / max(noise, 1e-12))), SNR_MAX_DB), 1)
        return [floor, _snr(snr_db)]


def _snr(snr_db: float) -> Finding:
    if snr_db < SNR_WARNING_DB:
        why = f"Speech is only {snr_db:.0f} dB above the noise, which will be heard on every track."
        return Finding("snr", snr_db, "dB", "warning", why, advice=Advice.CLEAN_DENOISE)
    if snr_db < SNR_NOTICE_DB:
        why = f"Speech is {snr_db:.0f} dB above the noise: audible, seldom disturbing."
        return Finding("snr", snr_db, "dB", "notice", why, advice=Advice.CLEAN_DENOISE)
    return Finding("snr", snr_db, "dB", "info", "Speech is well above the noise.")


def noise_power(power: NDArray[np.float64], speaking: NDArray[np.bool_]) -> float | None:
    """Mean noise power.

    Pauses are used where there are enough; missed speech in them is told by its level. A recording without pauses is
    judged by its quietest moments. Digital silence is no noise.

    Parameters
    ----------
    power
        (frames,) mean square of each 20-ms frame.
    speaking
        (frames,) whether anybody speaks in it.

    Returns
    -------
    float or None
        ``None`` if there is nothing but digital silence.
    """
    width = 2 * round(NOISE_MARGIN_S / FRAME_S) + 1
    pause = power[~scipy.ndimage.binary_dilation(speaking, np.ones(width, bool))]
    sounding = pause[pause > 0]
    if len(sounding) * FRAME_S >= NOISE_PAUSE_S:
        limit = np.percentile(sounding, QUIET_PERCENTILE) * 10 ** (NOISE_RANGE_DB / 10)
        return float(sounding[sounding <= limit].mean())
    sounding = power[power > 0]
    if not len(sounding):
        return None
    return float(np.percentile(sounding, LEAST_PERCENTILE)) * LEAST_TO_MEAN
