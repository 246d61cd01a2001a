"""The window table: what the network heard in each window, kept on disk so that results render again without it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.errors import StoreError
from speaksep_kernel.voices.streams import FRAME_S, RATE_HZ

FRAME_SAMPLES = round(FRAME_S * RATE_HZ)

Float32 = NDArray[np.float32]


class TrackStore:
    """Local tracks of every separated window: half-precision floats in one file, one equally long record per window.

    Parameters
    ----------
    path
        The file; created by the first ``append``.
    sources
        Tracks per window.
    samples
        Samples per track (16 kHz).
    """

    def __init__(self, path: Path, *, sources: int, samples: int) -> None:
        self.path = path
        self.sources = sources
        self.samples = samples

    def append(self, tracks: Float32) -> float:
        """Store one window's (sources, samples) tracks; returns the scale to read them back with.

        Tracks are scaled to their peak first: a half float keeps 11 bits, but only above -84 dBFS.
        """
        scale = float(np.abs(tracks).max(initial=0.0)) or 1.0
        try:
            with self.path.open("ab") as file:
                file.write((tracks / scale).astype("<f2").tobytes())
        except OSError as error:
            raise StoreError(
                f"cannot store separated audio in {str(self.path)!r}: {error.strerror}",
                reason="store-failed",
                hint="free some space or set TMPDIR to a larger disk",
            ) from error
        return scale

    def check(self, windows: int) -> None:
        """Refuse a file that does not hold so many windows.

        Raises
        ------
        StoreError
            Reason ``tracks-unreadable``.
        """
        needed = windows * self.sources * self.samples * 2
        held = self.path.stat().st_size if self.path.is_file() else 0
        if held != needed:
            raise StoreError(
                f"stored tracks {str(self.path)!r} hold {held} bytes, not {needed}",
                reason="tracks-unreadable",
                hint="separate the recording again",
            )

    def read(self, window: int, start: int, stop: int) -> Float32:
        """(sources, stop - start) samples of a window, before scaling."""
        rows = []
        # pread, not a memory map: mapped pages would count as ours and grow with the recording.
        with self.path.open("rb") as file:
            for source in range(self.sources):
                at = ((window * self.sources + source) * self.samples + start) * 2
                rows.append(np.frombuffer(os.pread(file.fileno(), (stop - start) * 2, at), dtype="<f2"))
        return np.stack(rows).astype(np.float32)


@dataclass(frozen=True)
class WindowTable:
    """Everything a rendering needs to know beside the audio; a few MB an hour.

    Attributes
    ----------
    start
        (windows,) int64, first frame of each network window.
    frames
        Frames per network window.
    scale
        (windows,) float32, factor of the stored tracks.
    level
        (windows, sources, frames) float32, RMS of each local track per frame.
    voiced
        (windows, sources, frames) uint8, the network's own activity times 255.
    speaker
        (windows, sources) int32, speaker each local track belongs to; -1 = nobody's, it goes to the residual.
    margin
        (windows,) float32, how much better this assignment is than the second best; 0 = a guess.
    activity
        (frames of the recording, speakers) uint8, probability of speaking times 255.
    """

    start: NDArray[np.int64]
    frames: int
    scale: Float32
    level: Float32
    voiced: NDArray[np.uint8]
    speaker: NDArray[np.int32]
    margin: Float32
    activity: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, 0), np.uint8))

    def __len__(self) -> int:
        return len(self.start)

    @property
    def speakers(self) -> int:
        """Number of speakers in the recording."""
        return int(self.activity.shape[1])

    def save(self, path: Path) -> None:
        """Write the table as an uncompressed ``.npz`` (byte-identical for equal tables)."""
        with path.open("wb") as file:
            np.savez(file, allow_pickle=False, **{name: np.asarray(value) for name, value in vars(self).items()})

    @classmethod
    def load(cls, path: Path) -> WindowTable:
        """Read a table back."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                values = {name: stored[name] for name in cls.__dataclass_fields__}
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise StoreError(
                f"no readable window table at {str(path)!r}: {error}",
                reason="table-unreadable",
                hint="separate the recording again",
            ) from error
        return cls(**{**values, "frames": int(values["frames"])})


def empty_table(frames: int, sources: int) -> WindowTable:
    """A table without windows."""
    return WindowTable(
        start=np.zeros(0, np.int64),
        frames=frames,
        scale=np.zeros(0, np.float32),
        level=np.zeros((0, sources, frames), np.float32),
        voiced=np.zeros((0, sources, frames), np.uint8),
        speaker=np.zeros((0, sources), np.int32),
        margin=np.zeros(0, np.float32),
    )


def frame_level(tracks: Float32, frames: int) -> Float32:
    """RMS of (…, samples) audio in each of ``frames`` frames of 20 ms; the tail is padded with zeros."""
    padded = np.zeros((*tracks.shape[:-1], frames * FRAME_SAMPLES), dtype=np.float32)
    count = min(tracks.shape[-1], padded.shape[-1])
    padded[..., :count] = tracks[..., :count]
    level: Float32 = np.sqrt(np.mean(np.square(padded.reshape(*tracks.shape[:-1], frames, FRAME_SAMPLES)), axis=-1))
    return level
