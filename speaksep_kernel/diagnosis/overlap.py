"""How much people talk over each other."""

from __future__ import annotations

from speaksep_kernel.diagnosis.advice import Advice
from speaksep_kernel.diagnosis.protocol import Context, Diagnoser
from speaksep_kernel.diagnosis.report import Finding, Severity
from speaksep_kernel.diagnosis.thresholds import OVERLAP_RATIO_HIGH
from speaksep_kernel.plugins import PluginInfo


class Overlap(Diagnoser):
    """Share of the speech in which two or more people speak, and where."""

    info = PluginInfo(name="overlap", version="1", summary="Overlapping speech and where", licence="Apache-2.0")

    def finish(self, context: Context) -> list[Finding]:
        """See `Diagnoser`."""
        ratio, spans = round(context.overlap_ratio, 4), context.overlap_spans
        if not spans:
            advice = Advice.SEPARATE_PASS if context.turns else Advice.NOTHING
            return [Finding("overlap-ratio", 0.0, "ratio", "info", "Nobody talks over anybody.", advice=advice)]
        why = f"People talk over each other in {100 * ratio:.0f} % of the speech."
        severity: Severity = "notice" if ratio > OVERLAP_RATIO_HIGH else "info"
        return [Finding("overlap-ratio", ratio, "ratio", severity, why, spans, Advice.SEPARATE_NETWORK)]
