"""How much of the recording is speech."""

from __future__ import annotations

from speaksep_kernel.diagnosis.advice import Advice
from speaksep_kernel.diagnosis.protocol import Context, Diagnoser
from speaksep_kernel.diagnosis.report import Finding
from speaksep_kernel.diagnosis.thresholds import SPEECH_RATIO_LOW
from speaksep_kernel.plugins import PluginInfo


class Speech(Diagnoser):
    """Share of the recording in which anybody speaks."""

    info = PluginInfo(name="speech", version="1", summary="Share of speech", licence="Apache-2.0")

    def finish(self, context: Context) -> list[Finding]:
        """See `Diagnoser`."""
        ratio = round(context.speech_ratio, 4)
        if ratio == 0:
            why = "Nobody speaks in this recording."
            return [Finding("speech-ratio", ratio, "ratio", "notice", why, advice=Advice.SEPARATE_NOTHING)]
        if ratio < SPEECH_RATIO_LOW:
            why = f"Only {100 * ratio:.1f} % of the recording is speech."
            return [Finding("speech-ratio", ratio, "ratio", "notice", why)]
        return [Finding("speech-ratio", ratio, "ratio", "info", f"Somebody speaks {100 * ratio:.0f} % of the time.")]
