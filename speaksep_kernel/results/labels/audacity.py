"""Audacity label tracks: start, end and text of each label, by tabs."""

from __future__ import annotations

from pathlib import Path

from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.results.handover import Handover, Span
from speaksep_kernel.results.labels.text import bad_labels, read_text


class Audacity:
    """One label per turn, its text the speaker's name. In Audacity: File, Import, Labels."""

    info = PluginInfo("audacity", "1", "Audacity labels, one per turn", "Apache-2.0")
    suffix, reads = ".txt", (".txt",)

    def write(self, handover: Handover, path: Path) -> None:
        """See `Format`."""
        path.write_text(
            "".join(f"{t.start_s:.6f}\t{t.end_s:.6f}\t{handover.names[t.speaker]}\n" for t in handover.turns),
            encoding="utf-8",
        )

    def read(self, path: Path) -> tuple[Span, ...]:
        """See `ReadableFormat`. Points and the frequencies of spectral labels are passed over."""
        spans: list[Span] = []
        for number, line in enumerate(read_text(path).splitlines(), 1):
            if not line.strip() or line.startswith("\\"):
                continue
            try:
                start, end, label = line.split("\t", 2)
                span = float(start), float(end), label
            except ValueError:
                hint = "an Audacity label is START tab END tab NAME, in seconds, with points for decimals"
                raise bad_labels(path, f"line {number}", line, hint) from None
            if span[0] != span[1]:
                spans.append(span)
        return tuple(spans)
