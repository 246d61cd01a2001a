"""Lanes handed to their speakers while rendering: whose gates are open, and whose the network's tracks are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.results.edited import SPEAKING, Edited
from speaksep_kernel.separation.gates import open_gates, ramp
from speaksep_kernel.separation.matching import assign, likeness
from speaksep_kernel.separation.tables import WindowTable
from speaksep_kernel.voices.streams import FRAME_S

Float32 = NDArray[np.float32]

PRESENT_S = 0.2
"""Speech in a window that makes somebody a candidate for one of its tracks."""


@dataclass(frozen=True)
class Lanes:
    """What rendering asks of corrected speech.

    Attributes
    ----------
    gates
        (frames, speakers) bool, when each speaker's track is heard.
    noise
        (frames,) bool, when there is what a correction gave to the residual.
    open
        (frames, lanes) bool, the same for lanes.
    route
        (frames, lanes) int, index of the speaker whose a lane is; -1 = the residual.
    heard
        (frames, lanes) bool, where the network's tracks say what is in a lane; elsewhere it was added by hand.
    """

    gates: NDArray[np.bool_]
    noise: NDArray[np.bool_]
    open: NDArray[np.bool_]
    route: NDArray[np.int16]
    heard: NDArray[np.bool_]

    @classmethod
    def of(cls, edited: Edited, found: int) -> Lanes:
        """The lanes of a state, of which the separation found the first ``found``."""
        index = np.full(edited.last + 1, -1, np.int16)
        index[list(edited.speakers)] = np.arange(len(edited.speakers))
        route = index[edited.route]
        lanes = open_gates(edited.activity)
        # Cut where a lane changes hands: gates widened beyond the change would sound like an overlap.
        columns = [np.any(lanes & (route == k), axis=1) for k in range(len(edited.speakers))]
        gates = np.stack(columns, axis=1) if columns else np.zeros((len(route), 0), np.bool_)
        return cls(gates, np.any(lanes & (route < 0), axis=1), lanes, route, edited.heard(found))

    def handed(
        self,
        local: Float32,
        start: int,
        stop: int,
        rate_hz: int,
        *,
        own: Float32 | None = None,
        rest: Float32 | None = None,
    ) -> Float32:
        """Tracks of the speakers out of tracks of the lanes, faded over 20 ms where one changes hands.

        Parameters
        ----------
        local
            (lanes, samples) between samples ``start`` and ``stop``; the last lanes may be left out.
        own
            (speakers, samples) what is a speaker's own, whoever has the lanes; the last may be left out.
        rest
            (samples,) what none of them holds: for speakers whom nobody heard there.
        """
        tracks = np.zeros((self.gates.shape[1], stop - start), np.float32)
        part = slice(max(0, int(start / rate_hz / FRAME_S) - 1), int(stop / rate_hz / FRAME_S) + 2)
        for lane, sound in enumerate(local):
            owners = np.unique(self.route[part, lane])
            for k in owners[owners >= 0].tolist():
                whole = len(owners) == 1
                tracks[k] += sound if whole else sound * ramp(self.route[:, lane] == k, start, stop, rate_hz)
        if own is not None:
            tracks[: len(own)] += own
        added = self.open[part] & ~self.heard[part]
        if rest is not None and added.any():
            lanes = np.flatnonzero(added.any(axis=0))
            unheard = self.open[:, lanes] & ~self.heard[:, lanes]
            share = ramp(unheard & (self.route[:, lanes] >= 0), start, stop, rate_hz)
            share /= np.maximum(share.sum(axis=1, keepdims=True), 1)
            for lane, weight in zip(lanes.tolist(), share.T, strict=True):
                for k in np.unique(self.route[part, lane]).tolist():
                    if k >= 0:
                        tracks[k] += rest * weight
        return tracks


def adopted(table: WindowTable, edited: Edited) -> WindowTable:
    """A table in which local tracks that were nobody's are those of who was found to speak there since.

    Where one lane turned out to be several people, only one of them has a track in each window; another one's track
    was left over. It is theirs: its ``speaker`` is their index after the lanes.
    """
    if edited.route.shape == table.activity.shape and (edited.route == np.arange(1, table.speakers + 1)).all():
        return table
    speaker, found = table.speaker.copy(), table.speakers
    lanes, patched = edited.route.shape[1], edited.patched()
    activity = edited.speaker_activity()
    activity[patched] = 0
    for k in np.flatnonzero((table.speaker < 0).any(axis=1)).tolist():
        part = slice(int(table.start[k]), int(table.start[k]) + table.frames)
        own = ~patched[part]
        speaking = (edited.activity[part] >= SPEAKING) & own[:, None]
        if (edited.route[part, :found][own] == np.arange(1, found + 1)).all() and not speaking[:, found:].any():
            continue
        owners = [np.unique(edited.route[part, lane][speaking[:, lane]]) for lane in range(found)]
        tracked = [owners[lane] for lane in table.speaker[k] if lane >= 0]
        alone = {int(numbers[0]) for numbers in tracked if len(numbers) == 1}
        here = activity[part].T.astype(np.float32) / np.float32(255)
        present = np.flatnonzero((activity[part] >= SPEAKING).sum(axis=0) * FRAME_S >= PRESENT_S)
        chosen, _ = assign(likeness(table.level[k][:, : here.shape[1]] * own, here[present]))
        matched = chosen >= 0
        owner = np.append(present, -1)[chosen]
        mine = [
            source
            for source in np.flatnonzero(matched & (table.speaker[k] < 0))
            if edited.speakers[owner[source]] not in alone
        ]
        if mine:
            # One more person has a track, so every track is one person's, also where a lane changes hands.
            speaker[k, matched] = lanes + owner[matched]
    return replace(table, speaker=speaker)
