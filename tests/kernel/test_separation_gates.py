from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from speaksep_kernel.separation.gates import open_gates, overlap_frames, ramp


def activity(*spans: tuple[int, int], frames: int = 400) -> np.ndarray:
    values = np.zeros((frames, 1), np.uint8)
    for start, stop in spans:
        values[start:stop] = 255
    return values


def test_a_gate_leaves_a_fifth_of_a_second_of_room_around_speech():
    assert np.flatnonzero(open_gates(activity((100, 200)))[:, 0])[[0, -1]].tolist() == [90, 209]


def test_a_pause_within_a_sentence_stays_open_and_a_long_one_does_not():
    short, long = open_gates(activity((100, 200), (230, 300))), open_gates(activity((100, 200), (280, 300)))
    assert short[100:300].all()
    assert not long[215:265].any()


def test_speech_up_to_the_ends_of_the_recording_is_not_cut():
    assert open_gates(activity((0, 400))).all()


def test_no_speakers_no_gates():
    assert open_gates(np.zeros((50, 0), np.uint8)).shape == (50, 0)
    assert not overlap_frames(np.zeros((50, 0), bool)).any()


@given(st.integers(0, 2**32 - 1), st.sampled_from([8000, 11025, 16000, 44100]), st.integers(0, 5000))
def test_a_ramp_is_the_same_whatever_the_blocks(seed, rate_hz, cut):
    gates = np.random.default_rng(seed).random((40, 2)) > 0.5
    whole = ramp(gates, 0, 6000, rate_hz)
    parts = np.concatenate([ramp(gates, 0, cut, rate_hz), ramp(gates, cut, 6000, rate_hz)])
    assert np.array_equal(whole, parts)
    assert np.abs(np.diff(whole, axis=0)).max() <= 1.01 / (0.02 * rate_hz)


def test_two_open_gates_are_overlap_with_a_frame_on_both_sides():
    gates = np.zeros((100, 2), bool)
    gates[10:50, 0] = gates[40:80, 1] = True
    assert np.flatnonzero(overlap_frames(gates)).tolist() == list(range(39, 51))
