"""Who talks over whom."""

from __future__ import annotations

from itertools import combinations

from speaksep_kernel.diagnosis.advice import Advice
from speaksep_kernel.diagnosis.protocol import Context, Diagnoser
from speaksep_kernel.diagnosis.report import Finding
from speaksep_kernel.diagnosis.spans import mask_spans
from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.voices.streams import FRAME_S


class Pairs(Diagnoser):
    """Seconds in which both of two people speak, for every pair that does; most first."""

    info = PluginInfo(name="pairs", version="1", summary="Who overlaps whom", licence="Apache-2.0")

    def finish(self, context: Context) -> list[Finding]:
        """See `Diagnoser`."""
        masks = {speaker: context.mask(speaker) for speaker in sorted({turn.speaker for turn in context.turns})}
        found = []
        for (one, first), (other, second) in combinations(masks.items(), 2):
            both = first & second
            if both.any():
                seconds, spans = round(float(both.sum() * FRAME_S), 2), mask_spans(both, FRAME_S)
                why = f"Speakers {one} and {other} talk at once {len(spans)} time{'s' * (len(spans) > 1)}."
                subject = f"speakers {one} and {other}"
                found.append(Finding("overlap-pair", seconds, "s", "info", why, spans, Advice.NOTHING, subject))
        return sorted(found, key=lambda finding: -float(finding.value or 0))
