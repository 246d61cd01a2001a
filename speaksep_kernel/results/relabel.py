"""Labels from elsewhere instead of what was found: which speaker is meant by each, and whose the sound becomes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from speaksep_kernel.errors import InputError
from speaksep_kernel.results.edited import NOBODY, SPEAKING, Edited
from speaksep_kernel.results.resplit import nearest_filled

MOST_LABELS = 50
"""More people than this are none: their labels are what was said, not who said it."""
_NUMBERED = re.compile(r"speaker[ _-]?\d+", re.IGNORECASE)


def relabelled(state: Edited, spans: Sequence[tuple[int, int, str]]) -> Edited:
    """A state in which exactly the given turns are spoken.

    Parameters
    ----------
    state
        As it was.
    spans
        (first frame, frame after the last, label) of each turn.

    Raises
    ------
    InputError
        Reason ``too-many-labels``.
    """
    labels = list(dict.fromkeys(label for _, _, label in spans))
    if len(labels) > MOST_LABELS:
        raise InputError(
            f"{len(labels)} different labels, such as {labels[0]!r:.40} and {labels[1]!r:.40}",
            reason="too-many-labels",
            hint=f"a label says who speaks, not what; up to {MOST_LABELS} people",
        )
    said = np.zeros((len(state.activity), len(labels)), np.bool_)
    for first, last, label in spans:
        said[first:last, labels.index(label)] = True
    numbers = _numbers(state, said)
    activity, route = _lanes(state, said, numbers)
    names = {number: state.names.get(number) for number in numbers.tolist()}
    given = {n: label for n, label in zip(numbers.tolist(), labels, strict=True) if not _NUMBERED.fullmatch(label)}
    new = {number: label for number, label in given.items() if names[number] != label}
    return replace(
        state,
        activity=activity,
        route=route,
        told=activity > 0,
        speakers=tuple(sorted(numbers.tolist())),
        last=max(state.last, *numbers.tolist()),
        names=names | new,
        renamed=frozenset(number for number in numbers.tolist() if number in state.renamed or number in new),
    )


def _numbers(state: Edited, said: NDArray[np.bool_]) -> NDArray[np.int16]:
    """(labels,) number of the speaker that each label means; new ones for those that nobody matches."""
    spoken = state.speaker_activity() >= SPEAKING
    together = said.T.astype(np.float32) @ spoken.astype(np.float32)
    rows, columns = linear_sum_assignment(-together)
    numbers = np.zeros(said.shape[1], np.int16)
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        numbers[row] = state.speakers[column] if together[row, column] > 0 else 0
    fresh = np.flatnonzero(numbers == 0)
    numbers[fresh] = state.last + 1 + np.arange(len(fresh))
    return numbers


def _lanes(
    state: Edited, said: NDArray[np.bool_], numbers: NDArray[np.int16]
) -> tuple[NDArray[np.uint8], NDArray[np.int16]]:
    """Activity and route of the lanes, such that the speakers speak when it was said.

    A lane stays with its speaker while that one speaks. One whose speaker does not is handed to somebody who does and
    has none: what was heard there is theirs. Who has none even so gets a lane of their own.
    """
    speaking = state.activity >= SPEAKING
    owner = np.zeros(state.route.shape, np.int64)  # label + 1 a lane belongs to, 0 = nobody
    for label, number in enumerate(numbers.tolist()):
        owner[(state.route == number) & speaking & said[:, label, None]] = label + 1
    pattern = np.concatenate([speaking, owner, said], axis=1)
    edges = np.flatnonzero(np.any(np.diff(pattern.astype(np.int64), axis=0, prepend=-1) != 0, axis=1))
    for first, last in zip(edges.tolist(), [*edges[1:].tolist(), len(said)], strict=True):
        held = {*owner[first].tolist()}
        free = np.flatnonzero(speaking[first] & (owner[first] == 0)).tolist()
        without = [label + 1 for label in np.flatnonzero(said[first]).tolist() if label + 1 not in held]
        for lane, label in zip(free, without, strict=False):
            owner[first:last, lane] = label
    activity = np.where(owner > 0, 255, 0).astype(np.uint8)
    # Gates open a little before speech and close a little after: there, too, a lane is who speaks in it.
    route = np.zeros(owner.shape, np.int16)
    for lane, mine in enumerate(owner.T):
        route[:, lane] = nearest_filled(np.append(NOBODY, numbers)[mine], mine > 0)
    for label, number_of in enumerate(numbers.tolist()):
        unheard = said[:, label] & ~np.any(owner == label + 1, axis=1)
        if unheard.any():
            activity = np.column_stack([activity, np.where(unheard, 255, 0).astype(np.uint8)])
            route = np.column_stack([route, np.full(len(route), number_of, np.int16)])
    return activity, route
