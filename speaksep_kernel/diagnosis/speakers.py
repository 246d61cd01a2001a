"""How many people speak."""

from __future__ import annotations

from speaksep_kernel.diagnosis.advice import Advice
from speaksep_kernel.diagnosis.protocol import Context, Diagnoser
from speaksep_kernel.diagnosis.report import Finding
from speaksep_kernel.diagnosis.thresholds import SPEAKER_CONFIDENCE_LOW
from speaksep_kernel.plugins import PluginInfo


class Speakers(Diagnoser):
    """Number of people who speak, and how sure it is."""

    info = PluginInfo(name="speakers", version="1", summary="Number of speakers", licence="Apache-2.0")

    def finish(self, context: Context) -> list[Finding]:
        """See `Diagnoser`."""
        count, sure = context.speakers, context.speaker_confidence
        why = "How sure the number of speakers is."
        found = [Finding("speaker-confidence", round(sure, 3), "probability", "info", why)]
        if context.phantoms:
            why = "Voices heard too briefly to count as people; their speech went to the most similar speaker."
            found.append(Finding("phantom-speakers", context.phantoms, "speakers", "info", why))
        who = f"{count} {'person speaks' if count == 1 else 'people speak'}"
        if count and sure < SPEAKER_CONFIDENCE_LOW:
            why = f"Probably {who}, but the voices are hard to tell apart."
            return [Finding("speakers", count, "speakers", "notice", why, advice=Advice.CHECK_SPEAKERS), *found]
        return [Finding("speakers", count, "speakers", "info", f"{who.capitalize()}."), *found]
