"""The cache every analysis reads from: right samples anywhere, exact lengths, flat memory, no leftovers."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.recording import AnalysisCache, Recording
from speaksep_kernel.recording import cache as cache_module
from speaksep_kernel.testing import conversation

PARTS = [(0, None), (0, 10), (12345, 50000), (-100, None), (90000, 10**9), (500, 400), (10**9, 10**9 + 5)]


@pytest.fixture(scope="module", params=[8000, 16000, 44100], ids="{} Hz".format)
def speech(request: pytest.FixtureRequest) -> tuple[np.ndarray, int]:
    """(samples, 2) with one speaker per channel, and the rate."""
    pair = conversation(12, 2, overlap=0.2, seed=1).references.T
    return soxr.resample(pair, 16000, request.param), request.param


@pytest.mark.parametrize(("start", "stop"), PARTS)
def test_parts_are_slices(speech: tuple[np.ndarray, int], start: int, stop: int | None) -> None:
    with AnalysisCache(Recording.open(speech)) as cache:
        assert cache.mixdown.kind == "apart"
        whole, whole16k, channel = cache.read(), cache.read16k(), cache.read_channel(1)
        np.testing.assert_array_equal(cache.read(start, stop), whole[start:stop])
        np.testing.assert_array_equal(cache.read16k(start, stop), whole16k[start:stop])
        np.testing.assert_array_equal(cache.read_channel(1, start, stop), channel[start:stop])


def test_what_is_kept_is_what_was_read(speech: tuple[np.ndarray, int]) -> None:
    samples, rate_hz = speech
    with AnalysisCache(Recording.open(speech)) as cache:
        assert cache.samples == len(samples)
        assert cache.samples16k == len(cache.read16k()) == round(len(samples) * 16000 / rate_hz)
        np.testing.assert_array_equal(cache.read_channel(0), samples[:, 0])
        np.testing.assert_allclose(cache.read(), samples.mean(axis=1), atol=1e-7)
        expected = soxr.resample(samples.mean(axis=1), rate_hz, 16000)[: cache.samples16k]
        np.testing.assert_allclose(cache.read16k()[: len(expected)], expected, atol=1e-4)
        both = 0.5 * (cache.read16k_channel(0) + cache.read16k_channel(1))
        np.testing.assert_allclose(cache.read16k(), both, atol=1e-6)


@pytest.mark.parametrize("rate_hz", [8000, 16000, 22050, 44100, 11025])
def test_levels_lie_on_the_grid_of_20_ms(rate_hz: int) -> None:
    frames = 50 * 25 + 1
    samples = np.zeros(-(-frames * rate_hz // 50) - 3, np.float32)
    loud = [0, 7, 600, 1000, 1250]  # blocks of 20 s hold 1000
    for frame in loud:
        samples[-(-frame * rate_hz // 50) : -(-(frame + 1) * rate_hz // 50)] = 0.1
    with AnalysisCache(Recording.open((samples, rate_hz))) as cache:
        assert len(cache.rms_db) == frames
        np.testing.assert_allclose(cache.rms_db[loud], -20, atol=1e-3)
        assert set(np.flatnonzero(cache.rms_db > -120)) == set(loud)


def test_threads_may_read_at_once(speech: tuple[np.ndarray, int]) -> None:
    with AnalysisCache(Recording.open(speech)) as cache, ThreadPoolExecutor(8) as pool:
        whole = cache.read16k()
        starts = range(0, 150000, 1000)
        parts = pool.map(lambda start: cache.read16k(start, start + 1000), starts)
        for start, part in zip(starts, parts, strict=True):
            np.testing.assert_array_equal(part, whole[start : start + 1000])


def test_channels_are_kept_only_if_apart() -> None:
    with (
        AnalysisCache(Recording.open((np.ones(100), 16000))) as cache,
        pytest.raises(ValueError, match="only when they are apart"),
    ):
        cache.read_channel(0)


def test_a_closed_cache_says_so() -> None:
    with AnalysisCache(Recording.open((np.ones(100), 16000))) as cache:
        pass
    with pytest.raises(ValueError, match="closed"):
        cache.read()


def test_progress_ends_complete() -> None:
    calls: list[tuple[str, float, float | None]] = []
    recording = Recording.open((np.zeros((16000 * 45, 2), np.float32), 16000))
    with AnalysisCache(recording, hook=lambda *call: calls.append(call)):
        pass
    assert [call for call in calls if call[0] == "read"] == [
        ("read", 0.0, 45.0), ("read", 20.0, 45.0), ("read", 40.0, 45.0), ("read", 45.0, 45.0),
    ]  # fmt: skip


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_cancelling_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    def cancel(stage: str, completed: float, total: float | None = None) -> None:
        raise error

    before = open_descriptors()
    with pytest.raises(error):
        AnalysisCache(Recording.open((np.zeros(50000), 8000)), hook=cancel, directory=tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert open_descriptors() == before


def test_damage_leaves_nothing(tmp_path: Path) -> None:
    samples = np.zeros(16000 * 50, np.float32)
    samples[-5] = np.nan
    before = open_descriptors()
    with pytest.raises(InputError, match=r"99\.999 s"):
        AnalysisCache(Recording.open((samples, 8000)), directory=tmp_path)
    assert open_descriptors() == before


def test_a_disk_too_small_is_seen_before_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(cache_module.shutil, "disk_usage", lambda _: usage(10**9, 10**9, 1000))
    with pytest.raises(StoreError) as caught:
        AnalysisCache(Recording.open((np.zeros(50000), 8000)), directory=tmp_path)
    assert (caught.value.exit_code, caught.value.reason) == (2, "no-space")


def test_a_disk_that_fills_up(tmp_path: Path) -> None:
    """A limit on file size stands for a full disk: the write fails in the same way."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StoreError) as caught:
            AnalysisCache(Recording.open((np.zeros(50000), 16000)), directory=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (caught.value.exit_code, caught.value.reason) == (2, "no-space")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("directory", ["missing", "file"])
def test_no_place_for_temporary_files(tmp_path: Path, directory: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError):
        AnalysisCache(Recording.open((np.zeros(50000), 16000)), directory=tmp_path / directory)


MEASURE = """
import resource, sys
from speaksep_kernel.recording import AnalysisCache, Recording
with AnalysisCache(Recording.open(sys.argv[1])) as cache:
    for start in range(0, cache.samples16k, 160000):
        cache.read16k(start, start + 160000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def peak_mb(path: Path) -> int:
    """Peak resident memory, in MB, of a process that caches a file and reads all of it."""
    done = subprocess.run([sys.executable, "-c", MEASURE, path], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    for minutes in (2, 60):
        with soundfile.SoundFile(tmp_path / f"{minutes}.flac", "w", 8000, 1) as file:
            for _ in range(minutes):
                file.write(np.random.default_rng(0).standard_normal(60 * 8000) / 9)
    # An hour at both rates would be 345 MB; what grows is the list of levels.
    assert peak_mb(tmp_path / "60.flac") < peak_mb(tmp_path / "2.flac") + 15
