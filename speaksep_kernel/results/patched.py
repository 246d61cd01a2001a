"""A span as it was heard again, in the place of what was found there first: which lane each voice takes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from speaksep_kernel.errors import StoreError
from speaksep_kernel.results.edited import SPEAKING, Edited
from speaksep_kernel.results.edits import Reseparate
from speaksep_kernel.results.patch import Patch
from speaksep_kernel.voices.streams import FRAME_S

NEAR_S = 1.0
"""A speaker goes on in the lane that is theirs so near the span."""


def patched(state: Edited, edit: Reseparate, patch: Patch) -> Edited:
    """The state with a patch in its span.

    A voice takes a lane that its speaker has in the span or just beside it, so that nothing changes hands at the
    joints; one whose speaker has none gets a lane of its own. Nobody else speaks in the span.

    Raises
    ------
    StoreError
        Reason ``store-damaged``: the patch is not the one that was meant.
    """
    if len(edit.to) != patch.table.speakers or not 0 <= patch.start < patch.stop <= len(state.activity):
        raise StoreError(
            f"{patch.table.speakers} voices were heard again from {patch.start * FRAME_S:g} to "
            f"{patch.stop * FRAME_S:g} s, not the {len(edit.to)} of the edit",
            reason="store-damaged",
            hint="undo it, and separate the span again",
        )
    span = slice(patch.start, patch.stop)
    numbers, last = [], state.last
    for to in edit.to:
        last += to == "new"
        numbers.append(last if to == "new" else to)
    activity, route, told = state.activity.copy(), state.route.copy(), state.told.copy()
    near = slice(max(0, span.start - round(NEAR_S / FRAME_S)), span.stop + round(NEAR_S / FRAME_S))
    spoken = state.activity[near] >= SPEAKING
    activity[span], told[span] = 0, False
    lanes: list[int] = []
    for number in numbers:
        mine = np.sum(spoken & (state.route[near] == number), axis=0)
        mine[[lane for lane in lanes if lane < len(mine)]] = 0
        if mine.any():
            lanes.append(int(mine.argmax()))
            continue
        lanes.append(activity.shape[1])
        activity = np.pad(activity, ((0, 0), (0, 1)))
        route = np.pad(route, ((0, 0), (0, 1)), constant_values=number)
        told = np.pad(told, ((0, 0), (0, 1)))
    activity[span, lanes] = patch.table.activity
    route[span, lanes] = numbers
    return replace(
        state,
        activity=activity,
        route=route,
        told=told,
        speakers=tuple(sorted({*state.speakers, *numbers})),
        last=last,
        patches=(*state.patches, replace(patch, lanes=tuple(lanes))),
    )
