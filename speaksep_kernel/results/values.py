"""What a separation is, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speaksep_kernel.diagnosis.plan import Plan
from speaksep_kernel.diagnosis.report import Diagnosis
from speaksep_kernel.errors import StoreError
from speaksep_kernel.results.manifest import Manifest, read_manifest, sha256
from speaksep_kernel.voices.exclusive import exclusive_turns
from speaksep_kernel.voices.overlaps import Overlap, overlap_map
from speaksep_kernel.voices.rttm import parse_rttm
from speaksep_kernel.voices.turns import Turn

TURNS = "turns.rttm"
PICTURE = "summary.png"


@dataclass(frozen=True)
class Track:
    """One speaker's track.

    Attributes
    ----------
    speaker
        Number, from 1, by first appearance; corrections take numbers away and give new ones, none twice.
    label
        ``"speaker_1"``, as in the file names and the RTTM.
    name
        Who it is, once identified.
    seconds
        How long the speaker speaks.
    confidence
        How sure the attribution is, in [0, 1].
    file
        The audio: one channel, the recording's rate and length.
    """

    speaker: int
    label: str
    name: str | None
    seconds: float
    confidence: float
    file: Path


@dataclass(frozen=True)
class Separation:
    """A separated recording on disk.

    Attributes
    ----------
    directory
        Where it is.
    tracks
        One per speaker; with the residual they add up to the recording.
    residual
        What belongs to nobody.
    turns
        Who speaks when.
    diagnosis
        What is in the recording, and what to do about it.
    manifest
        Everything needed to make it again.
    plan
        What was decided and why.
    """

    directory: Path
    tracks: tuple[Track, ...]
    residual: Path
    turns: tuple[Turn, ...]
    diagnosis: Diagnosis
    manifest: Manifest
    plan: Plan | None = None
    keep: Any = None

    @classmethod
    def open(cls, directory: str | Path) -> Separation:
        """Read a separation from its directory.

        Raises
        ------
        InputError
            It is not one.
        StoreError
            Its turns are missing or were changed.
        """
        directory = Path(directory)
        manifest = read_manifest(directory)
        if not (directory / TURNS).is_file() or sha256(directory / TURNS) != manifest.files.get(TURNS):
            raise StoreError(
                f"{str(directory / TURNS)!r} is missing, or is not what was written",
                reason="store-damaged",
                hint="speaksep render DIR -o DIR writes it again; speaksep edit DIR labels FILE takes corrected turns",
            )
        numbers = {entry.label: int(entry.label.removeprefix("speaker_")) for entry in manifest.speakers}
        parsed, labels = parse_rttm((directory / TURNS).read_text(encoding="utf-8"))
        return cls(
            directory=directory,
            tracks=tuple(
                Track(
                    numbers[entry.label],
                    entry.label,
                    entry.name,
                    entry.seconds,
                    entry.confidence,
                    directory / entry.file,
                )
                for entry in manifest.speakers
            ),
            residual=directory / manifest.residual,
            turns=tuple(
                Turn(t.start_s, t.end_s, numbers[labels[t.speaker]], t.confidence, t.overlapped) for t in parsed
            ),
            diagnosis=Diagnosis.from_dict(manifest.diagnosis),
            manifest=manifest,
            plan=Plan.from_dict(manifest.plan) if manifest.plan else None,
        )

    def exclusive_turns(self) -> tuple[Turn, ...]:
        """The turns with one speaker at a time, for tools that transcribe, see `voices.exclusive`."""
        return exclusive_turns(self.turns)

    def overlap_map(self) -> tuple[Overlap, ...]:
        """Who talks at once with whom, and when."""
        return overlap_map(self.turns)

    def to_dict(self) -> dict[str, Any]:
        """The manifest as JSON-ready values."""
        return self.manifest.model_dump(mode="json")
