"""Stems: the tracks and the residual under names that people know, for a mixing desk."""

from __future__ import annotations

from pathlib import Path

from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.results.handover import Handover
from speaksep_kernel.results.packages.zipped import archive


class Stems:
    """A zip of one file per speaker and the residual: laid side by side they are the recording."""

    info = PluginInfo("stems", "1", "Zip of the tracks, named after the speakers, and the residual", "Apache-2.0")
    suffix = ".stems.zip"

    def write(self, handover: Handover, path: Path) -> None:
        """See `Format`."""
        separation = handover.separation
        with archive(path) as stems:
            for track in separation.tracks:
                stems.add(f"{handover.stem(track)}{track.file.suffix}", track.file)
            stems.add(separation.residual.name, separation.residual)
