"""Who speaks when and whose the stored sound is, after corrections: what rendering works from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.results.patch import Patch
from speaksep_kernel.separation.tables import WindowTable
from speaksep_kernel.voices.confidence import calibrated
from speaksep_kernel.voices.streams import FRAME_S, Streams
from speaksep_kernel.voices.timeline import OFFSET, turns
from speaksep_kernel.voices.turns import Turn

ACTIVE = 128
"""Activity from which a local stream does."""
SPEAKING = round(OFFSET * 255)
"""Activity from which somebody speaks."""
NOBODY = 0


@dataclass(frozen=True)
class Edited:
    """Lanes of speech, and the speaker each of them belongs to, moment by moment.

    The first lanes are the speakers as they were found, the ones that local tracks in the window table belong to. A
    lane may change hands at any frame. Lanes after those were added by corrections, where somebody is said to speak
    whom nobody heard.

    Attributes
    ----------
    activity
        (frames, lanes) uint8, probability of speaking times 255.
    route
        (frames, lanes) int16, number of the speaker whose the lane is; `NOBODY` = the residual.
    speakers
        Their numbers, rising; numbers are never given twice.
    last
        The highest number ever given.
    names
        Number -> name, where there is one, or where it was taken away (``None``).
    renamed
        The numbers whose names were given by hand.
    told
        (frames, lanes) bool, where somebody said who speaks: no doubt is left.
    patches
        Spans that were separated again, in that order: of several in one place the last counts.
    """

    activity: NDArray[np.uint8]
    route: NDArray[np.int16]
    speakers: tuple[int, ...]
    last: int
    names: Mapping[int, str | None] = field(default_factory=dict)
    renamed: frozenset[int] = frozenset()
    told: NDArray[np.bool_] = field(default_factory=lambda: np.zeros((0, 0), np.bool_))
    patches: tuple[Patch, ...] = ()

    def heard(self, found: int) -> NDArray[np.bool_]:
        """(frames, lanes) where the network's tracks say what is in a lane, if a separation found so many lanes."""
        heard = np.broadcast_to(np.arange(self.activity.shape[1]) < found, self.activity.shape).copy()
        for patch in self.patches:
            heard[patch.start : patch.stop] = False
            heard[patch.start : patch.stop, patch.lanes] = True
        return heard

    def patched(self) -> NDArray[np.bool_]:
        """(frames,) where the first separation counts no more."""
        frames = np.zeros(len(self.activity), np.bool_)
        for patch in self.patches:
            frames[patch.start : patch.stop] = True
        return frames

    def spoken(self, speaker: int) -> NDArray[np.uint8]:
        """(frames,) activity of one speaker."""
        mine = np.where(self.route == speaker, self.activity, np.uint8(0))
        return np.asarray(mine.max(axis=1, initial=0), dtype=np.uint8)

    def speaker_activity(self) -> NDArray[np.uint8]:
        """(frames, speakers) activity, in the order of ``speakers``."""
        return _columns([self.spoken(number) for number in self.speakers], len(self.activity)).astype(np.uint8)

    def turns(self, streams: Streams | None = None) -> tuple[Turn, ...]:
        """Who speaks when, by number; with streams how sure that is, too."""
        activity = np.asarray(self.speaker_activity() / np.float32(255), dtype=np.float32)
        found = turns(activity)
        if streams is not None:
            found = calibrated(found, replace(streams, label=self.labels(streams)), activity)
        told = _columns([np.any(self.told & (self.route == n), axis=1) for n in self.speakers], len(self.told))
        numbered = []
        for turn in found:
            column = told[round(turn.start_s / FRAME_S) : round(turn.end_s / FRAME_S), turn.speaker - 1]
            sure = 1.0 if column.mean() > 0.5 else turn.confidence
            numbered.append(replace(turn, speaker=self.speakers[turn.speaker - 1], confidence=sure))
        return tuple(sorted(numbered))

    def labels(self, streams: Streams) -> NDArray[np.int32]:
        """(streams,) index of the speaker whose most of each stream is now; -1 = nobody's."""
        label = np.full(len(streams), -1, np.int32)
        place = {number: k for k, number in enumerate(self.speakers)}
        for i in np.flatnonzero((streams.label >= 0) & (streams.label < self.route.shape[1])).tolist():
            start = int(streams.window_start[streams.window[i]])
            route = self.route[start : start + streams.window_frames, streams.label[i]]
            active = streams.activity[i, : len(route)] >= ACTIVE
            if len(route):
                label[i] = place.get(int(np.bincount(route[active] if active.any() else route).argmax()), -1)
        return label

    def confidence(self, found: tuple[float, ...]) -> tuple[float, ...]:
        """How sure each speaker is: as sure as the lanes it is made of, by their share; 1 where people said so.

        Parameters
        ----------
        found
            How sure the speakers were that the separation found.
        """
        sure = np.ones(self.activity.shape[1])
        for patch in self.patches:
            sure[list(patch.lanes)] = found_confidence(patch.streams, len(patch.lanes))
        sure[: len(found)] = found
        speaking = self.activity >= SPEAKING
        result = []
        for number in self.speakers:
            share = np.sum(speaking & (self.route == number), axis=0)
            only = share if share.any() else np.any(self.route == number, axis=0)
            result.append(float(np.average(sure, weights=only)) if only.any() else 0.0)
        return tuple(result)


def found_confidence(streams: Streams, speakers: int) -> tuple[float, ...]:
    """How sure the streams of each speaker are that a separation found, by the speech they stand for."""
    sure = []
    for k in range(speakers):
        weight = streams.weight_s * (streams.label == k)
        sure.append(float(np.average(streams.confidence, weights=weight)) if weight.sum() > 0 else 0.0)
    return tuple(sure)


def untouched(table: WindowTable, names: Mapping[int, str | None] | None = None) -> Edited:
    """The state before any correction: speaker ``k`` is lane ``k``."""
    count = table.speakers
    route = np.broadcast_to(np.arange(1, count + 1, dtype=np.int16), table.activity.shape)
    nothing = np.zeros(table.activity.shape, np.bool_)
    return Edited(table.activity, route, tuple(range(1, count + 1)), count, dict(names or {}), told=nothing)


def _columns(columns: list[NDArray[Any]], rows: int) -> NDArray[Any]:
    return np.stack(columns, axis=1) if columns else np.zeros((rows, 0))
