"""Sounds that are neither speech nor steady noise: doors, keyboards, laughter, applause."""

from __future__ import annotations

import numpy as np
import scipy.ndimage

from speaksep_kernel.diagnosis.advice import Advice
from speaksep_kernel.diagnosis.finding import Facts, Finding
from speaksep_kernel.diagnosis.frames import FramePower
from speaksep_kernel.diagnosis.noise import noise_power
from speaksep_kernel.diagnosis.protocol import Context, Diagnoser, Float32
from speaksep_kernel.diagnosis.spans import mask_spans
from speaksep_kernel.diagnosis.thresholds import (
    NONSPEECH_ABOVE_NOISE_DB,
    NONSPEECH_BELOW_SPEECH_DB,
    NONSPEECH_RATIO_HIGH,
)
from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.voices.streams import FRAME_S

MARGIN_S = 0.3
"""Kept clear of turns: breath and the ends of words belong to them."""
JOIN_S = 0.5


class NonSpeech(Diagnoser):
    """Share of the recording in which something loud sounds while nobody speaks, and where."""

    info = PluginInfo(name="nonspeech", version="1", summary="Loud sounds while nobody speaks", licence="Apache-2.0")

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
        floor = noise_power(power, speaking)
        if floor is None:
            return [Finding("non-speech", 0.0, "ratio", "info", "There is nothing but digital silence.")]
        least = floor * 10 ** (NONSPEECH_ABOVE_NOISE_DB / 10)
        if speaking.any():
            least = max(least, float(power[speaking].mean()) * 10 ** (-NONSPEECH_BELOW_SPEECH_DB / 10))
        near = scipy.ndimage.binary_dilation(speaking, np.ones(2 * round(MARGIN_S / FRAME_S) + 1, bool))
        spans = mask_spans((power > least) & ~near, FRAME_S, JOIN_S)
        if not spans:
            return [Finding("non-speech", 0.0, "ratio", "info", "Nothing loud sounds while nobody speaks.")]
        ratio = round(min(1.0, sum(end_s - start_s for start_s, end_s in spans) / context.facts.seconds), 4)
        why = f"Something other than speech is as loud as it {_times(len(spans))}; it goes to the residual."
        if ratio > NONSPEECH_RATIO_HIGH:
            return [Finding("non-speech", ratio, "ratio", "notice", why, spans, Advice.CHECK_TRACKS)]
        return [Finding("non-speech", ratio, "ratio", "info", why, spans)]


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
