"""Whose voices are those that were heard again: by how they sound, and by who speaks when they are loud."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.results.edited import Edited
from speaksep_kernel.results.patch import Patch
from speaksep_kernel.separation.matching import assign, likeness
from speaksep_kernel.separation.stitch import centroids
from speaksep_kernel.voices.streams import Streams

STRANGER = 0.1
"""A voice that is less like its speaker's than this is somebody new (strangers: 0.0 ± 0.1) …"""
GOES_ON = 0.5
"""… unless it is loud where the speaker speaks before or after the span (likeness)."""

Float32 = NDArray[np.float32]


def whose(state: Edited, streams: Streams, patch: Patch) -> tuple[int | Literal["new"], ...]:
    """The speaker of each voice in a patch, each another one; "new" for a voice that is nobody's.

    Parameters
    ----------
    state
        Who speaks when before the patch: also in its context, where nothing is in doubt.
    streams
        The voices of the result.
    patch
        What was heard.
    """
    if not state.speakers:
        return tuple("new" for _ in range(patch.table.speakers))
    voices = _voices(patch)
    alike = voices @ _speakers(state, streams).T
    loud, heard = _loudness(patch, len(state.activity))
    spoken = state.speaker_activity().T.astype(np.float32) / np.float32(255)
    chosen, _ = assign(alike + likeness(loud[:, heard], spoken[:, heard]))
    heard[patch.start : patch.stop] = False
    beside = likeness(loud[:, heard], spoken[:, heard])
    stranger = np.asarray(np.any(voices, axis=1, keepdims=True) & (alike < STRANGER) & (beside < GOES_ON))
    return tuple(
        "new" if speaker < 0 or stranger[voice, speaker] else state.speakers[speaker]
        for voice, speaker in enumerate(chosen.tolist())
    )


def _voices(patch: Patch) -> Float32:
    """(voices, dim) unit vectors; zeros where too little was heard."""
    return centroids(patch.streams, patch.table.speakers)


def _speakers(state: Edited, streams: Streams) -> Float32:
    """(speakers, dim) unit vectors of all that is theirs now, in the first separation and in patches."""
    count = len(state.speakers)
    means = centroids(replace(streams, label=state.labels(streams)), count)
    for patch in state.patches:
        for voice, lane in zip(_voices(patch), patch.lanes, strict=True):
            owner = np.bincount(state.route[patch.start : patch.stop, lane]).argmax()
            if owner in state.speakers and not means[state.speakers.index(owner)].any():
                means[state.speakers.index(owner)] = voice
    return means


def _loudness(patch: Patch, total: int) -> tuple[Float32, NDArray[np.bool_]]:
    """(voices, frames) RMS of each voice's track, and the frames that were heard, the context with them."""
    loud = np.zeros((patch.table.speakers, total), np.float32)
    covering = np.zeros(total, np.float32)
    table = patch.table
    for start, level, speaker in zip(table.start.tolist(), table.level, table.speaker.tolist(), strict=True):
        stop = min(start + table.frames, total)
        covering[start:stop] += 1
        for source, voice in enumerate(speaker):
            if voice >= 0:
                loud[voice, start:stop] += level[source, : stop - start]
    return np.asarray(loud / np.maximum(covering, 1), np.float32), covering > 0
