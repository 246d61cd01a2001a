"""Separators for tests: one that knows the references, one that splits the mixture in two."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d
from scipy.signal import fftconvolve

from speaksep_kernel import plugins
from speaksep_kernel.plugins import Loaded, PluginInfo
from speaksep_kernel.separation.protocol import LocalTracks
from speaksep_kernel.testing import Conversation

Float32 = NDArray[np.float32]


class Halves:
    """Every window's tracks are six and four tenths of it, whoever speaks."""

    info = PluginInfo(name="halves", version="1", summary="", max_speakers=2, sample_rates_hz=(16000,))

    def __init__(self, *, device: str = "cpu", **options: object) -> None: ...

    def separate(self, windows: Float32, rate_hz: int) -> list[LocalTracks]:
        return [LocalTracks(np.stack([0.6 * window, 0.4 * window]).astype(np.float32)) for window in windows]


def oracle_for(talk: Conversation) -> type[Halves]:
    """A separator that finds each window in a conversation and returns what was said there, in random order."""
    mixture = _at_16k(talk.audio[None], talk.rate_hz)[0]
    references = _at_16k(talk.references, talk.rate_hz)

    class Oracle(Halves):
        info = PluginInfo(name="oracle", version="1", summary="", max_speakers=3, sample_rates_hz=(16000,))

        def separate(self, windows: Float32, rate_hz: int) -> list[LocalTracks]:
            return [self._one(window, np.random.default_rng(len(window))) for window in windows]

        def _one(self, window: Float32, rng: np.random.Generator) -> LocalTracks:
            at = _position(mixture, window)
            known = references[:, at : at + len(window)]
            tracks = np.zeros((3, len(window)), np.float32)
            loudest = np.argsort(-np.square(known).sum(axis=1))[:3]
            tracks[: len(loudest), : known.shape[1]] = known[loudest]
            tracks = tracks[rng.permutation(3)]
            frames = np.sqrt(np.square(tracks[:, : len(window) // 256 * 256].reshape(3, -1, 256)).mean(axis=-1))
            active = maximum_filter1d(frames, 9, axis=1) > 0.003
            return LocalTracks(tracks, active.astype(np.float32))

    return Oracle


def install(monkeypatch, separator: type[Halves]) -> None:
    """Make a separator known to the registry for one test."""
    real = plugins.available

    def available(group: str):
        found = dict(real(group))
        if group == "speaksep.separators":
            found[separator.info.name] = Loaded(separator.info, separator, "tests")
        return found

    monkeypatch.setattr(plugins, "available", available)


def sisdr_db(estimate: Float32, reference: Float32) -> float:
    """Scale-invariant signal-to-distortion ratio in dB."""
    target = (estimate @ reference) / (reference @ reference) * reference
    return float(10 * np.log10((target @ target) / (np.square(estimate - target).sum() + 1e-20)))


def _position(mixture: Float32, window: Float32) -> int:
    piece = window[:16000]
    energy = np.cumsum(np.concatenate([[0.0], np.square(mixture, dtype=np.float64)]))
    shifts = np.arange(max(1, len(mixture) - len(piece) + 1))
    correlation = fftconvolve(mixture, piece[::-1])[len(piece) - 1 :][: len(shifts)]
    ends = np.minimum(shifts + len(piece), len(mixture))
    return int(np.argmin(energy[ends] - energy[shifts] - 2 * correlation))


def _at_16k(signals: Float32, rate_hz: int) -> Float32:
    return np.asarray(soxr.resample(signals.T, rate_hz, 16000), dtype=np.float32).T
