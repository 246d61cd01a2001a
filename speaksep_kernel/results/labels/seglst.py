"""SegLST: segments as a JSON list, as the CHiME challenges and their scorers read them."""

from __future__ import annotations

import json
from pathlib import Path

from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.results.handover import Handover, Span
from speaksep_kernel.results.labels.text import bad_labels, read_text


class SegLst:
    """One segment per turn, without words."""

    info = PluginInfo("seglst", "1", "SegLST JSON, for scorers of transcripts", "Apache-2.0")
    suffix, reads = ".seglst.json", (".json",)

    def write(self, handover: Handover, path: Path) -> None:
        """See `Format`."""
        segments = [
            {
                "session_id": handover.title,
                "speaker": handover.names[turn.speaker],
                "start_time": turn.start_s,
                "end_time": turn.end_s,
                "words": "",
                "confidence": turn.confidence,
            }
            for turn in handover.turns
        ]
        path.write_text(json.dumps(segments, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def read(self, path: Path) -> tuple[Span, ...]:
        """See `ReadableFormat`."""
        hint = "SegLST is a list of objects with speaker, start_time and end_time, all of one session_id"
        try:
            segments = json.loads(read_text(path))
            spans = tuple((float(s["start_time"]), float(s["end_time"]), str(s["speaker"])) for s in segments)
            sessions = {s.get("session_id") for s in segments}
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            raise bad_labels(path, type(error).__name__, error, hint) from None
        if len(sessions) > 1:
            raise bad_labels(path, f"{len(sessions)} sessions", ", ".join(map(str, sessions)), hint)
        return spans
