"""Reverberation without a measuring signal: how long the room rings, and how clear the voices are in it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from speaksep_kernel.diagnosis.advice import Advice
from speaksep_kernel.diagnosis.decays import Decays
from speaksep_kernel.diagnosis.protocol import Context, Diagnoser, Float32
from speaksep_kernel.diagnosis.report import Facts, Finding
from speaksep_kernel.diagnosis.thresholds import (
    CLARITY_NOTICE_DB,
    CLARITY_WARNING_DB,
    REVERBERATION_DECAYS,
    REVERBERATION_NOTICE_S,
)
from speaksep_kernel.plugins import PluginInfo

NUMBERS = Path(__file__).with_name("reverberation.safetensors")
"""The regression, some thousand numbers, as `speaksep_kernel.training.reverberation` fitted it."""
T60_S = (0.1, 1.5)
C50_DB = (-10.0, 35.0)
"""What the rooms it was fitted on cover."""
HEARD_FROM_HZ = 6000
"""Lower sample rates do not hold the octaves of the voice that are listened to."""


class Reverberation(Diagnoser):
    """T60 in seconds and C50 in dB of the octaves of 500 to 2000 Hz, from how speech dies away."""

    info = PluginInfo(
        name="reverberation", version="1", summary="Reverberation time and clarity, blind", licence="Apache-2.0"
    )

    def start(self, facts: Facts) -> None:
        """See `Diagnoser`."""
        self._weights = np.asarray(facts.weights, np.float32)
        self._decays = Decays(facts.rate_hz)

    def feed(self, block: Float32, start_s: float) -> None:
        """See `Diagnoser`."""
        self._decays.feed(block @ self._weights)

    def finish(self, context: Context) -> list[Finding]:
        """See `Diagnoser`."""
        self._decays.feed(np.zeros(0, np.float32), last=True)
        heard = context.facts.rate_hz >= HEARD_FROM_HZ and self._decays.decays >= REVERBERATION_DECAYS
        if not context.turns or not heard:
            why = "Too little speech dies away to hear the room."
            return [Finding("reverberation", None, "s", "info", why), Finding("clarity", None, "dB", "info", why)]
        t60_s, c50_db = reverberation(self._decays.features)
        return [_time(round(t60_s, 2)), _clarity(round(c50_db, 1))]


def _time(t60_s: float) -> Finding:
    if t60_s > REVERBERATION_NOTICE_S:
        why = f"The room rings for {t60_s:.1f} s: every word runs into the next."
        return Finding("reverberation", t60_s, "s", "notice", why)
    return Finding("reverberation", t60_s, "s", "info", "Time in which the sound of the room falls by 60 dB.")


def _clarity(c50_db: float) -> Finding:
    if c50_db < CLARITY_WARNING_DB:
        why = "More of the voices comes from the walls than from the mouths: tracks will bleed into each other."
        return Finding("clarity", c50_db, "dB", "warning", why, advice=Advice.CHECK_SOURCE)
    if c50_db < CLARITY_NOTICE_DB:
        return Finding("clarity", c50_db, "dB", "notice", "The voices are far from the microphone for this room.")
    return Finding("clarity", c50_db, "dB", "info", "First 50 ms of the voices over what the room adds later.")


def reverberation(features: NDArray[np.float64]) -> tuple[float, float]:
    """T60 in seconds and C50 in dB.

    Parameters
    ----------
    features
        (FEATURES,) of `Decays`.
    """
    numbers = _numbers()
    scaled = np.clip((features - numbers["mean"]) / numbers["scale"], -4, 4)
    hidden = np.tanh(np.einsum("f,nfh->nh", scaled, numbers["hidden"]) + numbers["hidden_bias"])
    log_t60, c50 = (np.einsum("nh,nho->no", hidden, numbers["out"]) + numbers["out_bias"]).mean(axis=0)
    return float(np.clip(np.exp(log_t60), *T60_S)), float(np.clip(10 * c50, *C50_DB))


@cache
def _numbers() -> dict[str, NDArray[np.float64]]:
    return {name: values.astype(np.float64) for name, values in load_file(NUMBERS).items()}
