from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from speaksep_kernel.results.quantise import quantise

samples = st.floats(-1.5, 1.5, width=32)


@pytest.mark.parametrize("bits", [16, 24])
@given(data=st.data())
def test_tracks_and_residual_add_up_exactly_and_nothing_clips(bits, data):
    speakers = data.draw(st.integers(1, 4))
    tracks = data.draw(hnp.arrays(np.float32, (speakers, 50), elements=samples))
    mixture = data.draw(hnp.arrays(np.float32, 50, elements=samples))
    values, lost = quantise(tracks, mixture, bits)
    assert lost == 0
    assert np.array_equal(values.sum(axis=0), np.rint(mixture.astype(np.float64) * 2 ** (bits - 1)))
    assert np.abs(values).max(initial=0) < 2 ** (bits - 1)


def test_a_16_bit_mixture_passes_through_untouched():
    mixture = (np.arange(-32767, 32768) / 32768).astype(np.float32)
    values, _ = quantise(mixture[None], mixture, 16)
    assert np.array_equal(values[0], np.arange(-32767, 32768))
    assert not values[1].any()


def test_what_no_file_can_hold_is_counted():
    values, lost = quantise(np.zeros((0, 3), np.float32), np.float32([0.5, 1.5, -1.0]), 16)
    assert lost == 2
    assert np.abs(values).max() == 32767


@given(st.permutations(range(3)), st.integers(0, 2**32 - 1))
def test_the_order_of_speakers_does_not_matter(order, seed):
    rng = np.random.default_rng(seed)
    tracks = rng.uniform(-0.3, 0.3, (3, 100)).astype(np.float32)
    mixture = tracks.sum(axis=0)
    plain, _ = quantise(tracks, mixture, 16)
    other, _ = quantise(tracks[list(order)], mixture, 16)
    assert np.array_equal(plain[list(order)], other[:3])
    assert np.array_equal(plain[3], other[3])


def test_an_unbounded_residual_holds_what_is_beyond_full_scale():
    values, lost = quantise(np.zeros((0, 3), np.float32), np.float32([0.5, 1.5, -2.0]), 24, bounded=False)
    assert (values / 2**23).tolist() == [[0.5, 1.5, -2.0]]
    assert lost == 0
