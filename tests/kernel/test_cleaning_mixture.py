"""The cleaned mixture of a recording: in constant memory, kept, read again, and both laws hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from speaksep_kernel.diagnosis.plan import Plan
from speaksep_kernel.errors import PluginError, StoreError
from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.progress import silent
from speaksep_kernel.recording import AnalysisCache, Mixdown, Recording
from speaksep_kernel.results.cleaned import CleanedCache, against_given, clean_mixture, given_mixture, network_mixture
from speaksep_kernel.results.exporters import Flac
from speaksep_kernel.results.write import write_tracks
from speaksep_kernel.separation.cleaners.chain import Step, cleaned_blocks
from speaksep_kernel.testing import conversation
from speaksep_kernel.testing.damage import clip, to_16_bit

RATE_HZ = 8000
Float32 = np.ndarray


@pytest.fixture(scope="module")
def speech() -> Float32:
    audio = conversation(65, 2, 0.1, seed=4, noise_dbfs=None, rate_hz=RATE_HZ).audio
    audio[20 * RATE_HZ : 22 * RATE_HZ] = 0
    return to_16_bit(audio)


def cleaned(audio: Float32, place: Path, *steps: str, mixdown: Mixdown | None = None) -> CleanedCache:
    given = AnalysisCache(Recording.open((audio, RATE_HZ)), mixdown)
    cache, entry = clean_mixture(given, Plan(cleaning=steps), place, silent)
    assert isinstance(cache, CleanedCache)
    assert entry is not None
    return cache


class Halves:
    """Halves what it gets; a seam or a lost sample would show."""

    info = PluginInfo(name="halves", version="1", summary="")

    def clean(self, samples: Float32, rate_hz: int) -> Float32:
        return samples / 2


class Shortens(Halves):
    """Breaks the contract."""

    def clean(self, samples: Float32, rate_hz: int) -> Float32:
        return samples[1:]


def test_pieces_join_without_a_seam(speech: Float32) -> None:
    with AnalysisCache(Recording.open((speech, RATE_HZ))) as cache:
        blocks = list(cleaned_blocks([Step("halves", (Halves(),))], cache, silent))
    assert max(map(len, blocks)) == 30 * RATE_HZ
    np.testing.assert_allclose(np.concatenate(blocks)[:, 0], speech / 2, atol=1e-7)


def test_a_cleaner_that_breaks_its_contract_is_named(speech: Float32) -> None:
    with (
        AnalysisCache(Recording.open((speech, RATE_HZ))) as cache,
        pytest.raises(PluginError, match="cleaner 'shortens' returned") as caught,
    ):
        list(cleaned_blocks([Step("shortens", (Shortens(),))], cache, silent))
    assert caught.value.reason == "cleaner-contract"


def test_nothing_to_clean_does_nothing(speech: Float32, tmp_path: Path) -> None:
    with AnalysisCache(Recording.open((speech, RATE_HZ))) as cache:
        assert clean_mixture(cache, Plan(), tmp_path, silent) == (cache, None)
    assert list(tmp_path.iterdir()) == []


def test_tracks_and_residual_add_up_to_what_was_recorded(speech: Float32, tmp_path: Path) -> None:
    offset = to_16_bit(speech / 2 + np.float32(0.1) * (speech != 0))
    with cleaned(offset, tmp_path, "dc", "rumble") as cache:
        step = 10 * RATE_HZ
        pieces = [cache.read(at, at + step) for at in range(0, cache.samples, step)]
        blocks = against_given(((0.5 * np.stack([piece, piece]), piece) for piece in pieces), cache)
        names, lost = write_tracks(
            blocks,
            tmp_path,
            [1, 2],
            Flac(),
            rate_hz=RATE_HZ,
            samples=cache.samples,
            bits=16,
            peak=given_mixture(cache).peak,
            track_peak=cache.peak,
            hook=silent,
        )
    *tracks, residual = (sf.read(tmp_path / name)[0] for name in names)
    np.testing.assert_allclose(sum(tracks) + residual, offset, atol=1e-9)
    assert lost == 0
    assert abs(float(np.mean(tracks[0]))) < 1e-3
    assert not np.any(tracks[0][20 * RATE_HZ + 80 : 22 * RATE_HZ - 80])


def test_the_network_hears_everything_cleaned_but_the_noise(speech: Float32, tmp_path: Path) -> None:
    offset = to_16_bit(speech / 2 + np.float32(0.1) * (speech != 0))
    plan = Plan(cleaning=("dc", "denoise"), cleaning_options={"denoise": {"limit_db": 6}})
    with cleaned(offset, tmp_path, "dc") as mixture:  # as if it were denoised too
        with network_mixture(mixture.given, mixture, plan, tmp_path, silent) as heard:
            sound = heard.read()
        np.testing.assert_array_equal(sound, mixture.read())
        assert [path.name for path in tmp_path.iterdir()] == ["cleaned.flac"]
        for steps, expected in ((("denoise",), mixture.given), (("dc",), mixture), ((), mixture)):
            with network_mixture(mixture.given, mixture, Plan(cleaning=steps), tmp_path, silent) as heard:
                assert heard is expected
        assert len(mixture.given.read(0, 10)) == 10  # not closed


def test_the_same_recording_gives_the_same_file(speech: Float32, tmp_path: Path) -> None:
    places = [tmp_path / "one", tmp_path / "two"]
    for place in places:
        place.mkdir()
        cleaned(speech, place, "rumble").close()
    one, two = ((place / "cleaned.flac").read_bytes() for place in places)
    assert one == two


def test_restored_peaks_beyond_full_scale_are_kept_as_floats(tmp_path: Path) -> None:
    audio = conversation(5, 2, 0.1, seed=4, noise_dbfs=None, rate_hz=RATE_HZ).audio
    damaged = to_16_bit(clip(audio, 0.01)[0] / np.float32(0.9))
    with cleaned(damaged, tmp_path, "declip") as cache:
        assert cache.peak > 1.2
        names, _ = write_tracks(
            against_given(iter([(cache.read()[None], cache.read())]), cache),
            tmp_path,
            [1],
            Flac(),
            rate_hz=RATE_HZ,
            samples=cache.samples,
            bits=16,
            peak=given_mixture(cache).peak,
            track_peak=cache.peak,
            hook=silent,
        )
    assert names == ["speaker_1.wav", "residual.flac"]
    track, residual = (sf.read(tmp_path / name)[0] for name in names)
    assert np.abs(track).max() > 1.2
    np.testing.assert_allclose(track + residual, damaged, atol=2e-5)


def test_one_speaker_per_channel_is_cleaned_channel_by_channel(tmp_path: Path) -> None:
    talk = conversation(20, 2, 0.0, seed=4, noise_dbfs=None, rate_hz=RATE_HZ)
    audio = np.ascontiguousarray(talk.references.T) + np.float32([0.1, -0.1])
    with cleaned(audio, tmp_path, "dc", mixdown=Mixdown("apart", (0.5, 0.5), "")) as cache:
        assert [abs(float(cache.read_channel(c).mean())) < 1e-3 for c in (0, 1)] == [True, True]


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"fLaC")])
def test_a_damaged_cleaned_mixture_is_told(damage: Any, speech: Float32, tmp_path: Path) -> None:
    cache = AnalysisCache(Recording.open((speech, RATE_HZ)))
    heard, entry = clean_mixture(cache, Plan(cleaning=("dc",)), tmp_path, silent)
    heard.close()
    assert entry is not None
    damage(tmp_path / entry.file)
    with AnalysisCache(Recording.open((speech, RATE_HZ))) as again, pytest.raises(StoreError) as caught:
        CleanedCache(again, entry, tmp_path)
    assert caught.value.reason == "store-damaged"
