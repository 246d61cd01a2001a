"""Who has the floor, and who talks over whom."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from speaksep_kernel.voices.exclusive import exclusive_turns
from speaksep_kernel.voices.overlaps import Overlap, overlap_map
from speaksep_kernel.voices.turns import Turn


@st.composite
def conversations(draw):
    """Turns in whole frames; no speaker's own overlap."""
    found = []
    for speaker in range(1, draw(st.integers(1, 4)) + 1):
        edges = sorted(draw(st.sets(st.integers(0, 60), max_size=8)))
        pairs = zip(edges[::2], edges[1::2], strict=False)
        found += [Turn(a / 8, b / 8, speaker, draw(st.integers(0, 8)) / 8) for a, b in pairs]
    return sorted(found)


def speaking(turns, speaker):
    frames = np.zeros(61, bool)
    for turn in turns:
        frames[round(turn.start_s * 8) : round(turn.end_s * 8)] |= turn.speaker == speaker
    return frames


def everybody(turns):
    return np.array([speaking(turns, speaker) for speaker in range(1, 5)])


@given(conversations())
def test_one_speaks_wherever_anybody_does_and_nobody_who_does_not(turns):
    before, after = everybody(turns), everybody(exclusive_turns(turns))
    assert np.array_equal(after.sum(0), before.any(0))
    assert not (after & ~before).any()


@given(conversations())
def test_exclusive_turns_follow_one_another_and_do_not_change_again(turns):
    once = exclusive_turns(turns)
    assert all(first.end_s <= then.start_s for first, then in pairwise(once))
    assert exclusive_turns(once) == once


@given(conversations())
def test_the_overlap_map_is_all_stretches_with_several_people(turns):
    frames = everybody(turns)
    seen = np.zeros_like(frames)
    for overlap in overlap_map(turns):
        who = np.array(overlap.speakers) - 1
        seen[who, round(overlap.start_s * 8) : round(overlap.end_s * 8)] = True
    assert np.array_equal(seen, frames & (frames.sum(0) > 1))


def test_three_people_joining_one_after_the_other():
    turns = [Turn(0, 6, 1), Turn(2, 5, 2), Turn(4, 8, 3)]
    assert overlap_map(turns) == (Overlap(2, 4, (1, 2)), Overlap(4, 5, (1, 2, 3)), Overlap(5, 6, (1, 3)))


def test_the_surer_turn_has_the_floor_and_the_first_among_equals():
    equal = [Turn(0, 6, 1, 0.9), Turn(2, 4, 2, 0.9)]
    assert [(t.start_s, t.end_s, t.speaker) for t in exclusive_turns(equal)] == [(0, 6, 1)]
    surer = [Turn(0, 6, 1, 0.8), Turn(2, 4, 2, 0.9)]
    assert [(t.start_s, t.end_s, t.speaker) for t in exclusive_turns(surer)] == [(0, 2, 1), (2, 4, 2), (4, 6, 1)]
