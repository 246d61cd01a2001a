"""Which windows the network must see: all the speech that overlaps, each with context around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.voices.streams import FRAME_S

EDGE_S = (0.15, 0.30)
"""Trapezoid of a window: nothing of its first 0.15 s is used, all from 0.30 s on."""


@dataclass(frozen=True)
class Windows:
    """Equally long windows on the frame grid.

    Attributes
    ----------
    start
        (windows,) int64, first frame of each, rising.
    frames
        Frames per window.
    """

    start: NDArray[np.int64]
    frames: int

    def __len__(self) -> int:
        return len(self.start)


def window_length(total_frames: int, *, window_s: float = 8.0, whole_s: float = 20.0) -> int:
    """Frames per network window: the whole recording when it is short, ``window_s`` otherwise."""
    if total_frames * FRAME_S <= whole_s:
        return total_frames
    return round(window_s / FRAME_S)


def choose_windows(
    needed: NDArray[np.bool_], *, window_s: float = 8.0, margin_s: float = 1.0, whole_s: float = 20.0
) -> Windows:
    """Place as few windows as cover every needed frame with ``margin_s`` of context on both sides.

    Parameters
    ----------
    needed
        (frames,) bool, the frames that have to be separated.
    window_s, margin_s
        Length of a window and the least context around what it is used for; at the ends of the recording
        there is none to have.
    whole_s
        Recordings up to this length are seen whole.

    Returns
    -------
    Windows
        Windows inside the recording; none if nothing is needed.
    """
    total = len(needed)
    frames = window_length(total, window_s=window_s, whole_s=whole_s)
    wanted = np.flatnonzero(needed)
    if frames == total:
        return Windows(np.zeros(min(1, len(wanted)), dtype=np.int64), frames)
    margin = round(margin_s / FRAME_S)
    use = frames - 2 * margin
    starts: list[int] = []
    while len(wanted):
        first = int(wanted[0])
        inside = wanted[wanted < first + use]
        span = int(inside[-1]) - first + 1
        start = min(max(first - (frames - span) // 2, 0), total - frames)
        starts.append(start)
        covered = start + frames - margin if start + frames < total else total
        wanted = wanted[np.searchsorted(wanted, max(covered, first + 1)) :]
    return Windows(np.array(starts, dtype=np.int64), frames)


def trapezoid(samples: int, rate_hz: int, *, at_start: bool, at_end: bool) -> NDArray[np.float32]:
    """(samples,) weight of a window in the overlap-add; flat to the edge where the recording itself begins or ends."""
    zero, full = EDGE_S
    position = (np.arange(samples, dtype=np.float32) + 0.5) / rate_hz
    ramp = np.clip((position - zero) / (full - zero), 0.0, 1.0).astype(np.float32)
    weight = np.ones(samples, dtype=np.float32)
    if not at_start:
        weight *= ramp
    if not at_end:
        weight *= ramp[::-1]
    return weight


def covered_frames(windows: Windows, total_frames: int) -> NDArray[np.bool_]:
    """(total_frames,) bool: frames where some window has full weight."""
    covered = np.zeros(total_frames, dtype=np.bool_)
    edge = int(np.ceil(EDGE_S[1] / FRAME_S))
    for start in windows.start.tolist():
        stop = start + windows.frames
        covered[start + (edge if start else 0) : stop - (edge if stop < total_frames else 0)] = True
    return covered
