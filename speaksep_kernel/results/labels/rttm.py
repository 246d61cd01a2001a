"""RTTM, as diarization tools and their scorers read it."""

from __future__ import annotations

from pathlib import Path

from speaksep_kernel.errors import InputError
from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.results.handover import Handover, Span
from speaksep_kernel.results.labels.text import read_text
from speaksep_kernel.voices.rttm import parse_rttm, rttm_text


class Rttm:
    """NIST Rich Transcription Time Marked; white space in names becomes ``_``."""

    info = PluginInfo("rttm", "1", "RTTM, for diarization tools and scorers", "Apache-2.0")
    suffix, reads = ".rttm", (".rttm",)

    def write(self, handover: Handover, path: Path) -> None:
        """See `Format`."""
        path.write_text(rttm_text(handover.turns, handover.title, handover.names), encoding="utf-8")

    def read(self, path: Path) -> tuple[Span, ...]:
        """See `ReadableFormat`."""
        text = read_text(path)
        turns, names = parse_rttm(text)
        recordings = {line.split()[1] for line in text.splitlines() if line.split()[:1] == ["SPEAKER"]}
        if len(recordings) > 1:
            raise InputError(
                f"{path.name} is about {len(recordings)} recordings: {', '.join(sorted(recordings)[:3])}",
                reason="bad-labels",
                hint="keep the lines of one recording",
            )
        return tuple((turn.start_s, turn.end_s, names[turn.speaker]) for turn in turns)
