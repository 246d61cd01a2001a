"""What windows say about pieces of speech that other windows cut out: is it one person, and the same one?

A piece is embedded as soon as one window hears one person in it. The others that hear the same stretch may hear two at
once there, or one after the other, and they are often right.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.voices.streams import FRAME_S, Streams

Float64 = NDArray[np.float64]


def tracks(streams: Streams) -> NDArray[np.int64]:
    """(streams,) int64 from 0: what each was cut from, one of the (at most three) tracks that a window hears.

    `with_voices` leaves what it cuts out of a track side by side, one after the other in time: whatever begins before
    the last has ended is of another track.
    """
    heard = streams.activity > 0
    first = heard.argmax(1)
    last = np.where(heard.any(1), streams.window_frames - 1 - heard[:, ::-1].argmax(1), -1)
    begins = (np.diff(streams.window, prepend=-1) != 0) | (first <= np.concatenate([[-1], last[:-1]]))
    return np.asarray(np.cumsum(begins) - 1, np.int64)


def one_voice(streams: Streams, active: NDArray[np.bool_]) -> Float64:
    """How much of what is heard while a stream is active is one track's, in the mean of all windows that hear it.

    Parameters
    ----------
    streams
        Of a recording.
    active
        (streams, window_frames) where each is.

    Returns
    -------
    (streams,) in [0, 1]: 1 where all windows hear one person; 0.5 where all hear two at once, or each for half of it.
    A stream that was never heard there, but known before, is one voice.
    """
    track = tracks(streams)
    whole = np.zeros((int(track.max(initial=-1)) + 1, streams.window_frames), np.float32)
    np.add.at(whole, track, streams.activity.astype(np.float32))
    of_window = np.zeros(len(whole), np.int64)
    of_window[track] = streams.window
    windows = np.arange(len(streams.window_start))
    first, stop = (np.searchsorted(streams.window, windows, side) for side in ("left", "right"))
    first_track, stop_track = (np.searchsorted(of_window, windows, side) for side in ("left", "right"))
    agreed, asked = np.zeros(len(streams)), np.zeros(len(streams))
    for here, start in enumerate(streams.window_start):
        mine = slice(first[here], stop[here])
        for there in np.flatnonzero(abs(streams.window_start - start) < streams.window_frames):
            if first_track[there] == stop_track[there]:
                continue
            ahead = int(streams.window_start[there] - start)
            while_active = active[mine, max(0, ahead) : streams.window_frames + min(0, ahead)].astype(np.float32)
            tracks_there = whole[first_track[there] : stop_track[there]]
            heard = while_active @ tracks_there[:, max(0, -ahead) : streams.window_frames - max(0, ahead)].T
            frames = while_active.sum(1) * (heard.sum(1) > 0)
            agreed[mine] += frames * heard.max(1) / np.maximum(heard.sum(1), 1)
            asked[mine] += frames
    known_before = streams.weight_s > active.sum(1) * FRAME_S * 1.01
    return np.where(known_before, 1.0, agreed / np.maximum(asked, 1))
