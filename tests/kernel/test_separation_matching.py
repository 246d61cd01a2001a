from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaksep_kernel.separation.matching import assign, likeness

SCHEDULE = np.zeros((3, 300), np.float32)
SCHEDULE[0, :120] = 1
SCHEDULE[1, 80:220] = 1
SCHEDULE[2, 200:] = 1


@given(st.permutations(range(3)), st.integers(0, 2**32 - 1))
def test_whatever_the_order_of_tracks_each_finds_its_speaker(order, seed):
    rng = np.random.default_rng(seed)
    level = SCHEDULE * rng.uniform(0.02, 0.3, SCHEDULE.shape) + rng.uniform(0, 0.002, SCHEDULE.shape)
    chosen, margin = assign(likeness(level[list(order)].astype(np.float32), SCHEDULE))
    assert chosen.tolist() == list(order)
    assert margin > 0.2


def test_two_people_who_always_overlap_are_a_guess():
    both = np.ones((2, 200), np.float32)
    level = np.random.default_rng(0).uniform(0.05, 0.1, (2, 200)).astype(np.float32)
    assert assign(likeness(level, both))[1] < 0.05


def test_an_extra_track_belongs_to_nobody():
    level = np.concatenate([SCHEDULE[:2] * 0.1, np.full((1, 300), 1e-4, np.float32)])
    assert assign(likeness(level, SCHEDULE[:2]))[0].tolist() == [0, 1, -1]


@pytest.mark.parametrize(
    ("shape", "expected"), [((3, 0), [-1, -1, -1]), ((1, 1), [0])], ids=["nobody", "one-track-one-speaker"]
)
def test_degenerate_assignments(shape, expected):
    assert assign(np.ones(shape, np.float32))[0].tolist() == expected
