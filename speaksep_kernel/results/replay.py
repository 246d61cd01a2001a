"""An edit log replayed: from the stored table, never from earlier results, so that the same log gives the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import singledispatch

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.results.edited import NOBODY, SPEAKING, Edited, untouched
from speaksep_kernel.results.edits import Boundary, Edit, Merge, Noise, Reassign, Rename, Reseparate, Split, Turns
from speaksep_kernel.results.patch import Patch
from speaksep_kernel.results.patched import patched
from speaksep_kernel.results.relabel import relabelled
from speaksep_kernel.results.resplit import voice_parts
from speaksep_kernel.separation.tables import WindowTable
from speaksep_kernel.voices.streams import FRAME_S, Streams

END_SLACK_S = 0.1
"""Other programs round the end of a recording; this much beyond it is the end."""
NEAR_S = 5.0
"""A boundary farther from where it is said to be is not meant."""


def replay(
    edits: Iterable[Edit],
    table: WindowTable,
    streams: Streams | None = None,
    names: Mapping[int, str | None] | None = None,
    patches: Callable[[str], Patch] | None = None,
) -> Edited:
    """What a table becomes when corrections are made, one after the other.

    Parameters
    ----------
    edits
        In order.
    table
        As the separation left it.
    streams
        The local streams, for splits by voice.
    names
        Of the speakers, as identified.
    patches
        What was heard again, by the name of its store.

    Raises
    ------
    InputError
        Reasons ``unknown-speaker``, ``past-the-end``, ``nothing-there``, ``no-boundary``, ``no-streams``,
        ``one-voice``, ``name-taken``, ``too-many-labels``; the message says which edit.
    StoreError
        What was heard again is missing or damaged.

    Examples
    --------
    >>> from speaksep_kernel.separation.tables import empty_table
    >>> table = replace(empty_table(500, 3), activity=np.full((100, 2), 255, np.uint8))
    >>> replay([Merge(speakers=(1, 2), into=2)], table).speakers
    (2,)
    """
    state, kept = untouched(table, names), _Kept(streams, patches)
    for number, edit in enumerate(edits, 1):
        try:
            after = _apply(edit, state, kept)
        except (InputError, StoreError) as error:
            raise type(error)(
                f"edit {number} ({edit.op}): {error.error}", reason=error.reason, hint=error.hint
            ) from error
        state = _without_silenced(state, after)
    return state


@dataclass(frozen=True)
class _Kept:
    """What edits may need beside the state."""

    streams: Streams | None
    patches: Callable[[str], Patch] | None


@singledispatch
def _apply(edit: Edit, state: Edited, kept: _Kept) -> Edited:
    raise TypeError(f"{type(edit).__name__} is no edit")


@_apply.register
def _(edit: Merge, state: Edited, kept: _Kept) -> Edited:
    _known(state, *edit.speakers, edit.into)
    gone = {*edit.speakers} - {edit.into}
    if not gone:
        raise InputError(
            f"speaker {edit.into} is to be merged with nobody else", reason="nothing-there", hint="name two speakers"
        )
    names = dict(state.names)
    renamed = state.renamed
    heir = next((number for number in (edit.into, *edit.speakers) if names.get(number)), None)
    if heir is not None and edit.into not in renamed:
        names[edit.into] = names[heir]
        renamed |= {edit.into} if heir in renamed else set()
    return replace(
        state,
        route=np.where(np.isin(state.route, list(gone)), np.int16(edit.into), state.route),
        speakers=tuple(number for number in state.speakers if number not in gone),
        names={number: name for number, name in names.items() if number not in gone},
        renamed=renamed - gone,
    )


@_apply.register
def _(edit: Split, state: Edited, kept: _Kept) -> Edited:
    _known(state, edit.speaker)
    if edit.parts is not None:
        return voice_parts(state, edit.speaker, edit.parts, kept.streams)
    first = _frame(state, edit.at_s or 0.0)
    spoken = np.flatnonzero(state.spoken(edit.speaker) >= SPEAKING)
    if not len(spoken) or not spoken[0] < first <= spoken[-1]:
        span = (
            f"speaks from {spoken[0] * FRAME_S:.2f} to {(spoken[-1] + 1) * FRAME_S:.2f} s"
            if len(spoken)
            else "is silent"
        )
        raise InputError(
            f"speaker {edit.speaker} cannot be split at {edit.at_s:g} s", reason="nothing-there", hint=f"it {span}"
        )
    return _routed(state, slice(first, None), edit.speaker, state.last + 1)


@_apply.register
def _(edit: Rename, state: Edited, kept: _Kept) -> Edited:
    _known(state, edit.speaker)
    name = edit.name and edit.name.strip()
    bearer = next((n for n in state.speakers if n != edit.speaker and name and state.names.get(n) == name), None)
    if bearer is not None:
        raise InputError(
            f"speaker {bearer} is already called {name!r}",
            reason="name-taken",
            hint=f"if both are one person, merge {bearer} and {edit.speaker}",
        )
    return replace(state, names={**state.names, edit.speaker: name}, renamed=state.renamed | {edit.speaker})


@_apply.register
def _(edit: Reassign, state: Edited, kept: _Kept) -> Edited:
    to = state.last + 1 if edit.to == "new" else edit.to
    _known(state, *([] if edit.to == "new" else [to]), *([] if edit.speaker is None else [edit.speaker]))
    part = _span(state, edit.start_s, edit.end_s, edit.speaker, but=to)
    told = state.told.copy()
    told[part] |= _of(state, part, edit.speaker)
    return _routed(replace(state, told=told), part, edit.speaker, to)


@_apply.register
def _(edit: Noise, state: Edited, kept: _Kept) -> Edited:
    _known(state, *([] if edit.speaker is None else [edit.speaker]))
    return _routed(state, _span(state, edit.start_s, edit.end_s, edit.speaker), edit.speaker, NOBODY)


@_apply.register
def _(edit: Boundary, state: Edited, kept: _Kept) -> Edited:
    _known(state, edit.speaker)
    _frame(state, edit.at_s)
    there = _frame(state, edit.to_s)
    mine = [turn for turn in state.turns() if turn.speaker == edit.speaker]
    turn = min(mine, key=lambda each: abs(getattr(each, f"{edit.edge}_s") - edit.at_s), default=None)
    if turn is None or abs(getattr(turn, f"{edit.edge}_s") - edit.at_s) > NEAR_S:
        raise InputError(
            f"no turn of speaker {edit.speaker} {edit.edge}s near {edit.at_s:g} s",
            reason="no-boundary",
            hint="turns.rttm lists the turns",
        )
    start, end = round(turn.start_s / FRAME_S), round(turn.end_s / FRAME_S)
    if not (there < end if edit.edge == "start" else start < there):
        raise InputError(
            f"the {edit.edge} of the turn from {turn.start_s:g} to {turn.end_s:g} s cannot move to {edit.to_s:g} s",
            reason="no-boundary",
            hint="a turn cannot be turned round; noise takes a whole one away",
        )
    here = start if edit.edge == "start" else end
    part = slice(min(here, there), max(here, there))
    longer = (there < here) == (edit.edge == "start")
    if longer:
        return _speaking(state, part, edit.speaker, slice(start, end))
    activity = state.activity.copy()
    activity[part][state.route[part] == edit.speaker] = 0
    return replace(state, activity=activity)


@_apply.register
def _(edit: Turns, state: Edited, kept: _Kept) -> Edited:
    spans = [
        (_frame(state, start_s), max(_frame(state, end_s), _frame(state, start_s) + 1), label)
        for start_s, end_s, label in edit.turns
    ]
    return relabelled(state, spans)


@_apply.register
def _(edit: Reseparate, state: Edited, kept: _Kept) -> Edited:
    _known(state, *(number for number in edit.to if number != "new"))
    if kept.patches is None:
        raise StoreError(
            "this result keeps nothing that was separated again", reason="no-store", hint="separate the span again"
        )
    return patched(state, edit, kept.patches(edit.store))


def _known(state: Edited, *speakers: int) -> None:
    for number in speakers:
        if number not in state.speakers:
            there = ", ".join(map(str, state.speakers)) or "none"
            raise InputError(
                f"there is no speaker {number}", reason="unknown-speaker", hint=f"the speakers are {there}"
            )


def _frame(state: Edited, at_s: float) -> int:
    end_s = len(state.activity) * FRAME_S
    if at_s > end_s + END_SLACK_S:
        raise InputError(
            f"{at_s:g} s is past the end of the recording",
            reason="past-the-end",
            hint=f"it ends at {end_s:.2f} s",
        )
    return min(round(at_s / FRAME_S), len(state.activity))


def _span(state: Edited, start_s: float, end_s: float, speaker: int | None, but: int | None = None) -> slice:
    """Frames of a span in which there is something to change."""
    first, last = _frame(state, start_s), _frame(state, end_s)
    speaking = (state.activity[first:last] >= SPEAKING) & _of(state, slice(first, last), speaker)
    if but is not None:
        speaking &= state.route[first:last] != but
    if not speaking.any():
        who = "nobody" if speaker is None else f"speaker {speaker} does not"
        raise InputError(
            f"{who} speak{'s' if speaker is None else ''} between {start_s:g} and {end_s:g} s"
            + (f" but speaker {but}" if but is not None and speaker is None else ""),
            reason="nothing-there",
            hint="turns.rttm lists the turns",
        )
    return slice(first, last)


def _of(state: Edited, part: slice, speaker: int | None) -> NDArray[np.bool_]:
    """(frames, lanes) where a lane is a speaker's (anybody's if ``None``)."""
    route = state.route[part]
    return np.asarray(route != NOBODY if speaker is None else route == speaker)


def _routed(state: Edited, part: slice, speaker: int | None, to: int) -> Edited:
    route = state.route.copy()
    route[part][_of(state, part, speaker)] = to
    return _with_speaker(replace(state, route=route), to)


def _with_speaker(state: Edited, number: int) -> Edited:
    if number == NOBODY or number in state.speakers:
        return state
    return replace(state, speakers=tuple(sorted((*state.speakers, number))), last=max(state.last, number))


def _speaking(state: Edited, part: slice, speaker: int, turn: slice) -> Edited:
    """A speaker speaks throughout a part as well: in the lane of its turn if that is free there, else in one more."""
    mine = np.sum((state.activity[turn] >= SPEAKING) & (state.route[turn] == speaker), axis=0)
    lane = int(mine.argmax())
    taken = (state.activity[part, lane] >= SPEAKING) & (state.route[part, lane] != speaker)
    activity, route, told = state.activity.copy(), state.route.copy(), state.told.copy()
    if taken.any():
        activity = np.pad(activity, ((0, 0), (0, 1)))
        route = np.pad(route, ((0, 0), (0, 1)), constant_values=speaker)
        told = np.pad(told, ((0, 0), (0, 1)))
        lane = -1
    activity[part, lane] = 255
    route[part, lane] = speaker
    told[part, lane] = True
    return replace(state, activity=activity, route=route, told=told)


def _without_silenced(before: Edited, after: Edited) -> Edited:
    """Speakers that a correction left without a word are gone."""
    silenced = {
        number
        for number in after.speakers
        if (after.spoken(number) < SPEAKING).all()
        and (number not in before.speakers or (before.spoken(number) >= SPEAKING).any())
    }
    if not silenced:
        return after
    return replace(
        after,
        route=np.where(np.isin(after.route, list(silenced)), np.int16(NOBODY), after.route),
        speakers=tuple(number for number in after.speakers if number not in silenced),
        names={number: name for number, name in after.names.items() if number not in silenced},
        renamed=after.renamed - silenced,
    )
