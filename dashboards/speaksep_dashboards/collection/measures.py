"""What the recordings of a collection are compared by."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Measure:
    """A column of numbers, and how people read it.

    Attributes
    ----------
    name
        Of the column.
    label
        For axes and headings.
    unit
        "s", "dB", "MOS", "count", or "%": the column holds ratios then.
    worst
        Which end is the bad one, if one is.
    log
        Whether it spans magnitudes.
    """

    name: str
    label: str
    unit: Literal["s", "dB", "MOS", "count", "%", "×"]
    worst: Literal["low", "high", ""] = ""
    log: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return asdict(self)


MEASURES = (
    Measure("sound_s", "Length", "s", log=True),
    Measure("speakers", "Speakers", "count"),
    Measure("speech_ratio", "Speech", "%", "low"),
    Measure("overlap_ratio", "Overlap", "%", "high"),
    Measure("mos", "Quality", "MOS", "low"),
    Measure("snr_db", "Speech over noise", "dB", "low"),
    Measure("gain_db", "Expected gain", "dB", "low"),
    Measure("reverberation_s", "Reverberation", "s", "high"),
    Measure("confidence", "Confidence", "%", "low"),
    Measure("rtf", "Computing time", "×", "high", log=True),
)
"""docs/dashboards.md says what each is."""
