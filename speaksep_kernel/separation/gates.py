"""When each speaker's track is open, and where two are open at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, minimum_filter1d

from speaksep_kernel.voices.streams import FRAME_S

THRESHOLD = 0.4
DILATE_S = 0.4
ERODE_S = 0.2


def open_gates(
    activity: NDArray[np.uint8], *, threshold: float = THRESHOLD, dilate_s: float = DILATE_S, erode_s: float = ERODE_S
) -> NDArray[np.bool_]:
    """Frames in which a speaker's track is heard.

    Widening and then narrowing closes pauses within a sentence and leaves a little room before its first and after
    its last sound.

    Parameters
    ----------
    activity
        (frames, speakers) probability of speaking times 255.

    Returns
    -------
    (frames, speakers) bool
    """
    if not activity.size:
        return np.zeros(activity.shape, dtype=np.bool_)
    speaking = (activity >= threshold * 255).astype(np.uint8)
    wide = maximum_filter1d(speaking, 2 * round(dilate_s / FRAME_S) + 1, axis=0, mode="constant")
    # Beyond the ends counts as open, so that speech cut off by the recording's end is not cut again.
    narrow = minimum_filter1d(wide, 2 * round(erode_s / FRAME_S) + 1, axis=0, mode="constant", cval=1)
    return np.asarray(narrow > 0)


def overlap_frames(gates: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(frames,) bool: frames where the mixture cannot be handed to one speaker; one more on each side for the fades."""
    if not gates.size:
        return np.zeros(len(gates), dtype=np.bool_)
    together = (gates.sum(axis=1) >= 2).astype(np.uint8)
    return np.asarray(maximum_filter1d(together, 3, mode="constant") > 0)


def ramp(frames: NDArray[np.bool_], start: int, stop: int, rate_hz: int) -> NDArray[np.float32]:
    """Samples ``start``…``stop`` of a frame-wise gate, faded linearly from one frame's middle to the next (20 ms).

    Parameters
    ----------
    frames
        (frames, …) bool over the whole recording.

    Returns
    -------
    (stop - start, …) float32 in [0, 1]
    """
    columns = frames.reshape(len(frames), -1).T
    faded = np.zeros((len(columns), stop - start), dtype=np.float32)
    if len(frames) and stop > start:
        position = (np.arange(start, stop) + 0.5) / (rate_hz * FRAME_S) - 0.5
        first = int(np.floor(position[0]))
        middles = np.arange(first, int(np.floor(position[-1])) + 2)
        near = columns[:, np.clip(middles, 0, len(frames) - 1)].astype(np.float32)
        for row, values in zip(faded, near, strict=True):
            # Most gates stay as they are for seconds.
            row[:] = values[0] if (values == values[0]).all() else np.interp(position, middles, values)
    return faded.T.reshape(stop - start, *frames.shape[1:])
