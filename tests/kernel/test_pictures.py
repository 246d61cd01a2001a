"""Peaks and spectrogram tiles are what the samples say, at every zoom."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speaksep_kernel.errors import StoreError
from speaksep_kernel.pictures.peaks import STEP, PeakBuilder, Peaks, envelope
from speaksep_kernel.pictures.spectrogram import edges_hz, tile

RATE_HZ = 16000


def peaks_of(samples: np.ndarray, sizes: list[int]) -> Peaks:
    builder = PeakBuilder()
    at = 0
    for size in [*sizes, len(samples)]:
        builder.add(samples[at : at + size])
        at += size
    return builder.finish()


@settings(deadline=None, max_examples=60)
@given(
    length=st.integers(1, 40000),
    sizes=st.lists(st.integers(0, 3000), max_size=8),
    start=st.integers(-500, 40000),
    span=st.integers(1, 60000),
    pixels=st.integers(1, 300),
)
def test_a_view_covers_the_extremes_and_invents_none(
    length: int, sizes: list[int], start: int, span: int, pixels: int
) -> None:
    samples = np.random.default_rng(length).uniform(-0.9, 0.9, length).astype(np.float32)
    view = peaks_of(samples, sizes).view(start, start + span, pixels)
    edges = np.linspace(start, start + span, pixels + 1)
    slack = STEP * max(1, 4 ** np.floor(np.log(max(span / pixels / STEP, 1)) / np.log(4)))
    for (low, high), a, b in zip(view / 32767, edges[:-1], edges[1:], strict=True):
        inside = samples[max(0, int(np.floor(a))) : max(0, int(np.ceil(b)))]
        around = samples[max(0, int(a - slack)) : max(0, int(b + slack))]
        assert low <= inside.min(initial=low) + 1e-4
        assert high >= inside.max(initial=high) - 1e-4
        assert around.min(initial=0) - 1e-4 <= low
        assert high <= around.max(initial=0) + 1e-4


def test_blocks_do_not_show() -> None:
    samples = np.random.default_rng(1).uniform(-1, 1, 10000).astype(np.float32)
    whole, parts = peaks_of(samples, []), peaks_of(samples, [1, 255, 256, 700, 3])
    assert np.array_equal(whole.finest, parts.finest)
    assert whole.samples == parts.samples == 10000


def test_peaks_are_the_same_after_a_round_trip(tmp_path) -> None:
    peaks = peaks_of(np.sin(np.arange(5000, dtype=np.float32)), [])
    peaks.save(tmp_path / "peaks")
    loaded = Peaks.load(tmp_path / "peaks")
    assert np.array_equal(loaded.finest, peaks.finest)
    assert loaded.samples == 5000


@pytest.mark.parametrize("data", [None, b"", b"\x10\x27" + b"\0" * 6 + b"\0" * 12], ids=["missing", "empty", "short"])
def test_damaged_peaks_are_refused(tmp_path, data: bytes | None) -> None:
    path = tmp_path / "peaks"
    path.write_bytes(data) if data is not None else None
    with pytest.raises(StoreError) as caught:
        Peaks.load(path)
    assert caught.value.reason == "peaks-unreadable"


def test_an_envelope_holds_every_sample() -> None:
    samples = np.array([0, 0.5, -0.25, 1, 0], np.float32)
    assert envelope(samples, 5)[:, 1].tolist() == [0, 16384, -8192, 32767, 0]
    assert envelope(samples, 1).tolist() == [[-8192, 32767]]


@pytest.mark.parametrize("scale", ["linear", "mel"])
@pytest.mark.parametrize("span_s", [0.2, 5.0, 600.0], ids=["close", "near", "far"])
def test_a_tone_is_one_bright_row(scale: str, span_s: float) -> None:
    def read(start_s: float, stop_s: float) -> np.ndarray:
        at = np.arange(round(start_s * RATE_HZ), round(stop_s * RATE_HZ))
        return (0.5 * np.sin(2 * np.pi * 2000 * at / RATE_HZ)).astype(np.float32)

    picture = tile(read, RATE_HZ, 0, span_s, columns=60, rows=48, scale=scale)
    assert picture.shape == (48, 60)
    rows = edges_hz(48, RATE_HZ / 2, scale)
    expected = 47 - (np.searchsorted(rows, 2000) - 1)
    assert np.abs(picture[:, 10:50].argmax(axis=0) - expected).max() <= 1
    assert picture[:, 30].max() > 230
    assert np.median(picture[:, 30]) < 150


def test_past_the_end_is_dark() -> None:
    samples = np.random.default_rng(1).standard_normal(RATE_HZ).astype(np.float32) * 0.1
    picture = tile(lambda a, b: samples[round(a * RATE_HZ) : round(b * RATE_HZ)], RATE_HZ, 0, 2, columns=40, rows=16)
    assert picture[:, :18].mean() > 100
    assert picture[:, 23:].max() == 0
