"""What a separator is: one window in, local tracks out. The platform owns everything around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.plugins import PluginInfo

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class LocalTracks:
    """Result of one window.

    Attributes
    ----------
    tracks
        (sources, samples) float32, at the level they have in the window. Sources are in any order;
        a source nobody speaks on is (near) silence.
    activity
        (sources, frames) float32 in [0, 1]: probability that the source speaks in the frame. Frames split the
        window evenly; a separator without an activity estimate returns ``None``.
    """

    tracks: Float32
    activity: Float32 | None = None


@runtime_checkable
class Separator(Protocol):
    """A network that separates one window of speech.

    Thirty lines around any model are enough: chunking, stitching, speaker counting, memory, editing and export
    are the platform's work.
    """

    info: PluginInfo

    def __init__(self, *, device: str = "cpu", **options: object) -> None: ...

    def separate(self, windows: Float32, rate_hz: int) -> list[LocalTracks]:
        """Separate a batch of equally long windows.

        Parameters
        ----------
        windows
            (batch, samples) float32 mono audio.
        rate_hz
            Sample rate, one of ``info.sample_rates_hz``.
        """
        ...
