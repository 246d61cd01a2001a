from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaksep_kernel.separation.windows import choose_windows, covered_frames, trapezoid, window_length

FRAMES_PER_S = 50


@st.composite
def needed_frames(draw):
    total = draw(st.integers(1, 4000))
    spans = draw(st.lists(st.tuples(st.integers(0, total), st.integers(1, 800)), max_size=8))
    needed = np.zeros(total, bool)
    for start, length in spans:
        needed[start : start + length] = True
    return needed


@given(needed_frames())
def test_every_needed_frame_has_full_weight_in_some_window(needed):
    windows = choose_windows(needed)
    assert not (needed & ~covered_frames(windows, len(needed))).any()


@given(needed_frames())
def test_windows_lie_inside_the_recording_in_order(needed):
    windows = choose_windows(needed)
    assert (windows.start >= 0).all()
    assert (windows.start + windows.frames <= len(needed)).all()
    assert (np.diff(windows.start) > 0).all()
    assert windows.frames == window_length(len(needed))


def test_nothing_needed_gives_no_window():
    assert len(choose_windows(np.zeros(5000, bool))) == 0


def test_a_short_overlap_sits_in_the_middle_of_its_one_window():
    needed = np.zeros(60 * FRAMES_PER_S, bool)
    needed[1500:1600] = True
    windows = choose_windows(needed, window_s=8.0)
    assert windows.start.tolist() == [1350]


def test_a_long_overlap_is_covered_with_context_on_both_sides():
    needed = np.zeros(120 * FRAMES_PER_S, bool)
    needed[1000:3000] = True
    windows = choose_windows(needed, window_s=8.0, margin_s=1.0)
    assert windows.start[0] <= 1000 - FRAMES_PER_S
    assert windows.start[-1] + windows.frames >= 3000 + FRAMES_PER_S
    assert (np.diff(windows.start) <= windows.frames - 2 * FRAMES_PER_S).all()


def test_a_short_recording_is_one_window():
    needed = np.ones(19 * FRAMES_PER_S, bool)
    windows = choose_windows(needed)
    assert (windows.start.tolist(), windows.frames) == ([0], 950)


@pytest.mark.parametrize(
    ("at_start", "at_end", "first", "last"),
    [
        pytest.param(False, False, 0.0, 0.0, id="inside"),
        pytest.param(True, False, 1.0, 0.0, id="first-window"),
        pytest.param(False, True, 0.0, 1.0, id="last-window"),
    ],
)
def test_trapezoid_falls_to_zero_except_at_the_ends_of_the_recording(at_start, at_end, first, last):
    weight = trapezoid(16000, 16000, at_start=at_start, at_end=at_end)
    assert (weight[0], weight[-1]) == (first, last)
    assert (weight[4900:11000] == 1).all()
    assert np.abs(np.diff(weight)).max() < 1e-3
