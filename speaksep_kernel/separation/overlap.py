"""Where people talk over each other, as far as local streams tell, before anybody knows who they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.separation.gates import open_gates
from speaksep_kernel.voices.streams import Streams


def likely_overlap(streams: Streams, total_frames: int, *, threshold: float = 0.4) -> NDArray[np.bool_]:
    """Frames in which two streams of one window have their gates open at once.

    Gates are wider than speech, so this also holds quick changes of speaker, which one cannot cut between either.
    A frame seen by several windows counts if any of them says so: separating once too often costs time only.

    Returns
    -------
    (total_frames,) bool
    """
    found = np.zeros(total_frames, dtype=np.bool_)
    for window, start in enumerate(streams.window_start.tolist()):
        here = streams.activity[streams.window == window]
        if len(here) >= 2:
            together = open_gates(here.T, threshold=threshold).sum(axis=1) >= 2
            length = min(streams.window_frames, total_frames - start)
            found[start : start + length] |= together[:length]
    return found


def speech_frames(streams: Streams, total_frames: int, *, threshold: float = 0.5) -> tuple[NDArray[np.bool_], float]:
    """Frames in which anybody speaks, and the share of them in which two do (in any window's view)."""
    count = np.zeros(total_frames, dtype=np.int64)
    for window, start in enumerate(streams.window_start.tolist()):
        speaking = (streams.activity[streams.window == window] >= threshold * 255).sum(axis=0)
        length = min(streams.window_frames, total_frames - start)
        count[start : start + length] = np.maximum(count[start : start + length], speaking[:length])
    speech = count >= 1
    return speech, float((count >= 2).sum() / max(1, speech.sum()))
