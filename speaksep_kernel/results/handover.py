"""What is handed over to other tools, and the protocol of the formats that write it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.results.directory import MANIFEST
from speaksep_kernel.voices.exclusive import exclusive_turns
from speaksep_kernel.voices.overlaps import Overlap, overlap_map
from speaksep_kernel.voices.turns import Turn

if TYPE_CHECKING:
    from speaksep_kernel.results.values import Separation, Track

Span = tuple[float, float, str]
"""start_s, end_s and label of somebody's speech, as read from a label file."""


@dataclass(frozen=True)
class Handover:
    """A separation as other tools are told of it.

    Attributes
    ----------
    separation
        The separation itself, for formats that hold audio.
    title
        Name of the recording without its suffix.
    seconds
        Length of the recording.
    turns
        By start, none beyond the recording's end; no two at once if they are exclusive ones.
    names
        Speaker number -> name, all different and without line breaks or tabs; ``speaker_N`` where none is known.
    overlaps
        Who talks at once with whom, whether the turns are exclusive or not.
    made
        When the separation was written, to the second, UTC: the same separation gives the same files.
    """

    separation: Separation
    title: str
    seconds: float
    turns: tuple[Turn, ...]
    names: dict[int, str]
    overlaps: tuple[Overlap, ...]
    made: datetime

    @classmethod
    def of(cls, separation: Separation, *, exclusive: bool = False) -> Handover:
        """What to tell of a separation.

        Parameters
        ----------
        separation
            The separation.
        exclusive
            Let nobody speak at once, see `exclusive_turns`.
        """
        entry = separation.manifest.input
        # Turns are drawn in frames of 20 ms, the last of which may be longer than the recording.
        turns = tuple(
            replace(turn, start_s=round(turn.start_s, 6), end_s=min(round(turn.end_s, 6), entry.seconds))
            for turn in separation.turns
            if turn.start_s < entry.seconds
        )
        return cls(
            separation=separation,
            title=Path(entry.name).stem or "recording",
            seconds=entry.seconds,
            turns=exclusive_turns(turns) if exclusive else turns,
            names=_names(separation),
            overlaps=overlap_map(turns),
            made=datetime.fromtimestamp(int((separation.directory / MANIFEST).stat().st_mtime), UTC),
        )

    def stem(self, track: Track) -> str:
        """Name for a track's file that says who it is and that every file system takes: ``speaker_1 Ada``."""
        name = self.names[track.speaker]
        plain = " ".join(re.sub(r"[^\w.,()'&+-]+", " ", name).split()).strip(" .")
        return track.label if name == track.label else f"{track.label} {plain[:80]}".strip()

    def turns_of(self, speaker: int) -> tuple[Turn, ...]:
        """The turns of one speaker."""
        return tuple(turn for turn in self.turns if turn.speaker == speaker)

    def together(self, overlap: Overlap, between: str = " + ") -> str:
        """Names of those who talk at once."""
        return between.join(self.names[speaker] for speaker in overlap.speakers)


@runtime_checkable
class Format(Protocol):
    """A format of files for other tools: one file says all that it can hold of a separation."""

    info: PluginInfo
    suffix: ClassVar[str]

    def write(self, handover: Handover, path: Path) -> None:
        """Write the file; the same handover gives the same bytes. May raise `OSError`: the caller explains it."""
        ...


@runtime_checkable
class ReadableFormat(Format, Protocol):
    """A format whose files, corrected in another tool, can be read back."""

    reads: ClassVar[tuple[str, ...]]

    def read(self, path: Path) -> tuple[Span, ...]:
        """What the file says, unchecked and in its own order.

        Raises
        ------
        InputError
            Reasons ``bad-labels`` and ``bad-encoding``.
        """
        ...


def _names(separation: Separation) -> dict[int, str]:
    """Name, or label, of every speaker; two of one name are told apart by their labels."""
    wanted = {track.speaker: " ".join((track.name or "").split()) or track.label for track in separation.tracks}
    often = Counter(name.casefold() for name in wanted.values())
    return {
        track.speaker: name if often[name.casefold()] == 1 else f"{name} ({track.label})"
        for track in separation.tracks
        for name in (wanted[track.speaker],)
    }
