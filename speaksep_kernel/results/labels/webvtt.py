"""WebVTT: captions that say who is speaking, for players and browsers (W3C)."""

from __future__ import annotations

from html import escape
from pathlib import Path

from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.results.handover import Handover


class WebVtt:
    """One cue per turn, with the speaker as its voice and as its text."""

    info = PluginInfo("webvtt", "1", "WebVTT captions that show who speaks", "Apache-2.0")
    suffix = ".vtt"

    def write(self, handover: Handover, path: Path) -> None:
        """See `Format`."""
        cues = ["WEBVTT"]
        for turn in handover.turns:
            name = escape(handover.names[turn.speaker], quote=False)
            cues.append(f"{_clock(turn.start_s)} --> {_clock(turn.end_s)}\n<v {name}>{name}</v>")
        path.write_text("\n\n".join(cues) + "\n", encoding="utf-8")


def _clock(seconds: float) -> str:
    minutes, ms = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{ms // 1000:02d}.{ms % 1000:03d}"
