"""Music, alone or behind speech."""

from __future__ import annotations

import numpy as np
import scipy.ndimage

from speaksep_kernel.diagnosis.advice import Advice
from speaksep_kernel.diagnosis.finding import Facts, Finding, Severity
from speaksep_kernel.diagnosis.protocol import Context, Diagnoser, Float32
from speaksep_kernel.diagnosis.spans import mask_spans
from speaksep_kernel.diagnosis.thresholds import MUSIC_TONALITY, MUSIC_WARNING_RATIO
from speaksep_kernel.diagnosis.tonality import BLOCK_S, Tonality
from speaksep_kernel.plugins import PluginInfo

SMOOTH_BLOCKS = 5
"""Music lasts: the median over 8 s decides. A held vowel is over by then."""


class Music(Diagnoser):
    """Share of the recording with music, told by tones that are held on constant frequencies."""

    info = PluginInfo(name="music", version="1", summary="Music, alone or behind speech", licence="Apache-2.0")

    def start(self, facts: Facts) -> None:
        """See `Diagnoser`."""
        self._weights = np.asarray(facts.weights, np.float32)
        self._tonality = Tonality(facts.rate_hz)
        self._values: list[float] = []

    def feed(self, block: Float32, start_s: float) -> None:
        """See `Diagnoser`."""
        self._values += self._tonality.feed(block @ self._weights)

    def finish(self, context: Context) -> list[Finding]:
        """See `Diagnoser`."""
        if len(self._values) < SMOOTH_BLOCKS:
            return [Finding("music", None, "ratio", "info", "Too short to tell music from speech.")]
        steady = scipy.ndimage.median_filter(np.array(self._values), SMOOTH_BLOCKS, mode="nearest")
        playing = steady > MUSIC_TONALITY
        if not playing.any():
            return [Finding("music", 0.0, "ratio", "info", "No music.")]
        spans = mask_spans(playing, BLOCK_S, join_s=2 * BLOCK_S)
        ratio = round(sum(end_s - start_s for start_s, end_s in spans) / context.facts.seconds, 4)
        why = f"Music in {100 * ratio:.0f} % of the recording: it stays in the tracks and may pass for a voice."
        severity: Severity = "warning" if ratio > MUSIC_WARNING_RATIO else "notice"
        return [Finding("music", ratio, "ratio", severity, why, spans, Advice.CHECK_TRACKS)]
