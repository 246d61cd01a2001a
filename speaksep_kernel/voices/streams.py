"""Local streams, "somebody speaking within one window": the unit that is embedded, clustered, edited and rendered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.errors import StoreError

FRAME_S = 0.02
"""Length of an activity frame in seconds; every activity in the package lies on this grid, from the start on."""

RATE_HZ = 16000
"""Rate at which voices are analysed and overlaps separated."""


@dataclass(frozen=True)
class Streams:
    """Every local stream of a recording, window by window.

    Windows are equally long and start on a frame. Streams of one window that are active at once are different people
    (a cannot-link).

    Attributes
    ----------
    window_start
        (windows,) int64, first frame of each window.
    window_frames
        Frames per window. The last window may reach past the end of the recording (inactive there).
    window
        (streams,) int32, index of the window a stream belongs to; sorted.
    activity
        (streams, window_frames) uint8: probability of speaking times 255.
    embedding
        (streams, dim) float32, unit length; a row of NaN where there was too little speech to make one.
    weight_s
        (streams,) float32: seconds of speech the embedding was made from.
    label
        (streams,) int32: speaker of the recording, 0, 1, …; -1 = nobody.
    confidence
        (streams,) float32 in [0, 1]: how sure the label is.
    """

    window_start: NDArray[np.int64]
    window_frames: int
    window: NDArray[np.int32]
    activity: NDArray[np.uint8]
    embedding: NDArray[np.float32]
    weight_s: NDArray[np.float32]
    label: NDArray[np.int32]
    confidence: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.window)

    def save(self, path: Path) -> None:
        """Write the streams as an uncompressed ``.npz`` (byte-identical for equal streams)."""
        with path.open("wb") as file:
            np.savez(file, allow_pickle=False, **{name: np.asarray(value) for name, value in vars(self).items()})

    @classmethod
    def load(cls, path: Path) -> Streams:
        """Read streams back.

        Raises
        ------
        StoreError
            Reason ``streams-unreadable``.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                values = {name: stored[name] for name in cls.__dataclass_fields__}
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise StoreError(
                f"no readable streams at {str(path)!r}: {error}",
                reason="streams-unreadable",
                hint="separate the recording again",
            ) from error
        return cls(**{**values, "window_frames": int(values["window_frames"])})
