"""Wind on the microphone, and hands on it: gusts and thumps far below any voice."""

from __future__ import annotations

import numpy as np
import scipy.signal

from speaksep_kernel.diagnosis.advice import Advice
from speaksep_kernel.diagnosis.finding import Facts, Finding, Severity
from speaksep_kernel.diagnosis.frames import FramePower
from speaksep_kernel.diagnosis.protocol import Context, Diagnoser, Float32
from speaksep_kernel.diagnosis.spans import Span, mask_spans
from speaksep_kernel.diagnosis.thresholds import (
    HANDLING_ABOVE_WIND_DB,
    HANDLING_MIN_BUMPS,
    WIND_ABOVE_FLOOR_DB,
    WIND_BELOW_SPEECH_DB,
    WIND_MIN_DBFS,
    WIND_NOTICE_S,
    WIND_WARNING_RATIO,
)
from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.voices.streams import FRAME_S

LOW_HZ, HIGH_HZ = 12.0, 55.0
"""Where wind and handling are strongest and no voice has anything; an offset lies below."""
STEP_S = 0.1
JOIN_S = 0.4
GUST_S = 0.6
"""Shorter bursts are thumps and pops of breath, longer ones are gusts."""
FLOOR_PERCENTILE, LOUD_PERCENTILE = 10.0, 90.0


class Wind(Diagnoser):
    """Seconds of gusts and number of thumps, told by bursts of power below 55 Hz.

    A steady rumble is the floor that the bursts stand on: it is neither.
    """

    info = PluginInfo(name="wind", version="1", summary="Wind and handling noise", licence="Apache-2.0")

    def start(self, facts: Facts) -> None:
        """See `Diagnoser`."""
        self._weights = np.asarray(facts.weights, np.float32)
        self._filter = scipy.signal.butter(4, (LOW_HZ, HIGH_HZ), "band", fs=facts.rate_hz, output="sos")
        self._state = np.zeros((len(self._filter), 2))
        self._low = FramePower(facts.rate_hz, STEP_S)
        self._all = FramePower(facts.rate_hz, FRAME_S)
        self._low_power: list[Float32] = []
        self._power: list[Float32] = []

    def feed(self, block: Float32, start_s: float) -> None:
        """See `Diagnoser`."""
        mixture = block @ self._weights
        low, self._state = scipy.signal.sosfilt(self._filter, mixture.astype(np.float64), zi=self._state)
        self._low_power.append(self._low.feed(low.astype(np.float32)))
        self._power.append(self._all.feed(mixture))

    def finish(self, context: Context) -> list[Finding]:
        """See `Diagnoser`."""
        low = np.concatenate([*self._low_power, np.zeros(0, np.float32)]).astype(np.float64)
        power = np.concatenate([*self._power, np.zeros(0, np.float32)]).astype(np.float64)
        speaking = context.voices[: len(power)] > 0
        least = 10 ** (WIND_MIN_DBFS / 10)
        if len(low):
            least = max(least, float(np.percentile(low, FLOOR_PERCENTILE)) * 10 ** (WIND_ABOVE_FLOOR_DB / 10))
        if len(power):
            # The median is the speech, even where gusts are far louder than it. Where no turn is known, whatever is
            # loud may be speech: a voice is never as strong down here as in its own band, wind is.
            loud = np.median(power[speaking]) if speaking.any() else np.percentile(power, LOUD_PERCENTILE)
            least = max(least, float(loud) * 10 ** (-WIND_BELOW_SPEECH_DB / 10))
        spans = mask_spans(low > least, STEP_S, JOIN_S)
        gusts = tuple(span for span in spans if span[1] - span[0] >= GUST_S)
        hard = low > least * 10 ** (HANDLING_ABOVE_WIND_DB / 10)
        bumps = tuple(
            span
            for span in spans
            if span[1] - span[0] < GUST_S and hard[round(span[0] / STEP_S) : round(span[1] / STEP_S)].any()
        )
        return [_wind(gusts, context.facts.seconds), _handling(bumps)]


def _wind(gusts: tuple[Span, ...], seconds: float) -> Finding:
    blown_s = round(sum(end_s - start_s for start_s, end_s in gusts), 1)
    if blown_s < WIND_NOTICE_S:
        return Finding("wind", blown_s, "s", "info", "No wind to speak of on the microphone.", gusts)
    why = f"Wind blows into the microphone for {blown_s:.0f} s: strong sound below any voice."
    severity: Severity = "warning" if blown_s > WIND_WARNING_RATIO * seconds else "notice"
    return Finding("wind", blown_s, "s", severity, why, gusts, Advice.CLEAN_RUMBLE)


def _handling(bumps: tuple[Span, ...]) -> Finding:
    if len(bumps) < HANDLING_MIN_BUMPS:
        return Finding("handling", len(bumps), "bumps", "info", "Hardly a thump on the microphone.", bumps)
    why = f"{len(bumps)} thumps: the microphone was touched or bumped, or breath popped into it."
    return Finding("handling", len(bumps), "bumps", "notice", why, bumps, Advice.CHECK_TRACKS)
