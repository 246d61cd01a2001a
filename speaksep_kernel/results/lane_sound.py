"""What sounds in each lane: the network's windows overlapped and added, those heard again over those heard first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.results.edited import Edited
from speaksep_kernel.separation.gates import ramp
from speaksep_kernel.separation.tables import FRAME_SAMPLES, TrackStore, WindowTable
from speaksep_kernel.separation.windows import trapezoid
from speaksep_kernel.voices.streams import RATE_HZ

Float32 = NDArray[np.float32]


class LaneSound:
    """The network's tracks of each lane, with what was heard again in its place, faded over 20 ms at the joints.

    Parameters
    ----------
    table, store
        What the network heard first; rows after the lanes are speakers' own, see `lanes.adopted`.
    edited
        With what was heard again.
    """

    def __init__(self, table: WindowTable, store: TrackStore, edited: Edited) -> None:
        self._rows = max(edited.activity.shape[1], int(table.speaker.max(initial=-1)) + 1)
        self._windows = _Windows(table, store, len(edited.activity))
        self._patches = []
        for patch in edited.patches:
            span = np.zeros(len(edited.activity), np.bool_)
            span[patch.start : patch.stop] = True
            lane = np.array([*patch.lanes, -1], np.int32)
            table = replace(patch.table, speaker=lane[patch.table.speaker])
            self._patches.append((_Windows(table, patch.store, len(edited.activity)), span))

    def between(self, begin: int, end: int) -> tuple[Float32, Float32]:
        """16 kHz tracks of each lane between two samples, and 1 where any window has something to say."""
        tracks, known = self._windows.between(begin, end, self._rows)
        for windows, span in self._patches:
            share = ramp(span, begin, end, RATE_HZ)
            if share.any():
                again, heard = windows.between(begin, end, self._rows)
                tracks += share * (again - tracks)
                known += share * (heard - known)
        return tracks, known


class _Windows:
    """Windows of one table, overlapped and added."""

    def __init__(self, table: WindowTable, store: TrackStore, last_frame: int) -> None:
        self._table, self._store, self._last_frame = table, store, last_frame
        self._by_frame = np.argsort(table.start, kind="stable")

    def between(self, begin: int, end: int, rows: int) -> tuple[Float32, Float32]:
        """(rows, samples) 16 kHz tracks between two samples, and 1 where any window has something to say."""
        table, store = self._table, self._store
        tracks = np.zeros((rows, end - begin), dtype=np.float32)
        weight = np.zeros(end - begin, dtype=np.float32)
        starts = table.start[self._by_frame]
        first = np.searchsorted(starts, begin // FRAME_SAMPLES - table.frames)
        final = np.searchsorted(starts, -(-end // FRAME_SAMPLES))
        for window in self._by_frame[first:final].tolist():
            at = int(table.start[window])
            at_end = at + table.frames >= self._last_frame
            shape = trapezoid(store.samples, RATE_HZ, at_start=at == 0, at_end=at_end)
            a, b = max(begin, at * FRAME_SAMPLES), min(end, at * FRAME_SAMPLES + store.samples)
            if a >= b:
                continue
            part = slice(a - at * FRAME_SAMPLES, b - at * FRAME_SAMPLES)
            local = store.read(window, part.start, part.stop) * (table.scale[window] * shape[part])
            weight[a - begin : b - begin] += shape[part]
            for source, speaker in enumerate(table.speaker[window].tolist()):
                if speaker >= 0:
                    tracks[speaker, a - begin : b - begin] += local[source]
        tracks /= np.maximum(weight, np.float32(1e-6))
        return tracks, np.asarray(weight > 1e-6, dtype=np.float32)
