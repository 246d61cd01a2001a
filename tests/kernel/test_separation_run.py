from __future__ import annotations

import numpy as np
import pytest

from speaksep_kernel.errors import PluginError, StoreError
from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.progress import silent
from speaksep_kernel.separation.protocol import LocalTracks
from speaksep_kernel.separation.run import separate_windows
from speaksep_kernel.separation.tables import TrackStore, WindowTable, empty_table
from speaksep_kernel.separation.windows import Windows
from speaksep_kernel.testing import voice

FRAMES = 100
SAMPLES = FRAMES * 320


class Speech:
    """Four seconds of a real voice, then digital silence."""

    def __init__(self) -> None:
        self.audio = np.concatenate([np.concatenate(voice("june"))[:64000], np.zeros(64000, np.float32)])
        self.samples16k = len(self.audio)

    def read16k(self, start, stop):
        return self.audio[start:stop]


class Fixed:
    """Returns what it was made with."""

    def __init__(self, result, rates_hz=(16000,)):
        self.info = PluginInfo(name="fixed", version="1", summary="", sample_rates_hz=rates_hz)
        self.result = result
        self.rates_hz = []

    def separate(self, windows, rate_hz):
        self.rates_hz.append(rate_hz)
        return [self.result(window) for window in windows]


def run(tmp_path, separator, starts=(0, 50)):
    store = TrackStore(tmp_path / "tracks", sources=2, samples=SAMPLES)
    windows = Windows(np.array(starts), FRAMES)
    return separate_windows(separator, Speech(), windows, empty_table(FRAMES, 2), store, hook=silent), store


def test_tracks_come_back_from_the_store_as_they_went_in(tmp_path):
    table, store = run(tmp_path, Fixed(lambda x: LocalTracks(np.stack([x, 0.25 * x]))))
    expected = Speech().audio[50 * 320 : 50 * 320 + SAMPLES]
    again = store.read(1, 0, SAMPLES) * table.scale[1]
    assert np.abs(again - np.stack([expected, 0.25 * expected])).max() < 1e-3 * np.abs(expected).max()
    assert np.array_equal(store.read(1, 640, 960), store.read(1, 0, SAMPLES)[:, 640:960])


def test_a_separator_of_another_rate_is_resampled_to(tmp_path):
    separator = Fixed(lambda x: LocalTracks(x[None]), rates_hz=(8000,))
    table, store = run(tmp_path, separator, starts=(0,))
    audio, again = Speech().audio[:SAMPLES], store.read(0, 0, SAMPLES)[0] * table.scale[0]
    assert separator.rates_hz == [8000]
    assert np.corrcoef(audio[500:-500], again[500:-500])[0, 1] > 0.95


@pytest.mark.parametrize(
    "result",
    [
        pytest.param(lambda x: LocalTracks(x), id="one-dimension"),
        pytest.param(lambda x: LocalTracks(x[None, :-1]), id="too-short"),
        pytest.param(lambda x: LocalTracks(np.full((2, len(x)), np.nan, np.float32)), id="nan"),
    ],
)
def test_a_separator_that_breaks_its_contract_is_named(tmp_path, result):
    with pytest.raises(PluginError, match="'fixed'"):
        run(tmp_path, Fixed(result))


@pytest.mark.parametrize("sources", [1, 2, 3], ids="{}-tracks".format)
def test_any_number_of_tracks_fits_the_table_loudest_kept(tmp_path, sources):
    gains = np.array([[1.0], [0.01], [0.5]], np.float32)[:sources]
    table, _ = run(tmp_path, Fixed(lambda x: LocalTracks(gains * x)), starts=(0,))
    assert table.level.shape == (1, 2, FRAMES)
    assert table.level[0].sum() >= 0.99 * np.sort(gains[:, 0])[::-1][:2].sum() / gains[0, 0] * table.level[0, 0].sum()


def test_a_network_that_rings_into_digital_silence_is_silenced(tmp_path):
    table, store = run(tmp_path, Fixed(lambda x: LocalTracks(np.ones((2, len(x)), np.float32))), starts=(300,))
    assert not store.read(0, 0, SAMPLES).any()
    assert not table.level.any()


def test_activity_is_put_on_our_frames_and_guessed_from_loudness_where_missing(tmp_path):
    half = np.repeat(np.float32([[0, 1], [1, 0]]), 31, axis=1)
    given, _ = run(tmp_path, Fixed(lambda x: LocalTracks(np.stack([x, x]), half)), starts=(0,))
    guessed, _ = run(tmp_path, Fixed(lambda x: LocalTracks(np.stack([x, 0 * x]))), starts=(0,))
    assert (given.voiced[0, 0, :45] == 0).all()
    assert (given.voiced[0, 1, :45] == 255).all()
    assert guessed.voiced[0, 0].mean() > 100
    assert not guessed.voiced[0, 1].any()


def test_a_table_survives_the_disk_with_equal_bytes(tmp_path):
    table, _ = run(tmp_path, Fixed(lambda x: LocalTracks(np.stack([x, x]))))
    table.save(tmp_path / "a.npz")
    WindowTable.load(tmp_path / "a.npz").save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_damaged_table_says_so(tmp_path):
    (tmp_path / "table.npz").write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(StoreError, match="separate the recording again"):
        WindowTable.load(tmp_path / "table.npz")
