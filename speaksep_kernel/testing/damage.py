"""Damage of known amount done to clean recordings, for validating diagnosers."""

from __future__ import annotations

from typing import Literal

import numpy as np
import scipy.signal
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
NoiseKind = Literal["white", "pink", "hum"]


def mains_hum(samples: int, rate_hz: int, mains_hz: float) -> Float32:
    """(samples,) float32 of RMS 1: a mains tone and three harmonics, each softer than the last."""
    time_s = np.arange(samples) / rate_hz
    wave = np.sum([np.sin(2 * np.pi * mains_hz * k * time_s + k) / k for k in range(1, 5)], axis=0)
    return np.asarray(wave / np.sqrt(np.mean(wave**2)), dtype=np.float32)


def noise(samples: int, rate_hz: int, kind: NoiseKind = "white", seed: int = 0) -> Float32:
    """(samples,) float32 noise of RMS 1: white, pink from 60 Hz up, or 50-Hz hum."""
    rng = np.random.default_rng(seed)
    if kind == "hum":
        return mains_hum(samples, rate_hz, 50)
    wave = rng.standard_normal(samples)
    if kind == "pink":
        frequency_hz = np.fft.rfftfreq(samples, 1 / rate_hz)
        wave = np.fft.irfft(np.fft.rfft(wave) / np.sqrt(np.maximum(frequency_hz, 60.0)), samples)
    return np.asarray(wave / np.sqrt(np.mean(wave**2)), dtype=np.float32)


def add_noise(audio: Float32, speaking: NDArray[np.bool_], snr_db: float, wave: Float32) -> Float32:
    """Noise added so that speech power where somebody speaks is ``snr_db`` above it.

    Parameters
    ----------
    audio
        (samples,) clean speech.
    speaking
        (samples,) where somebody speaks.
    snr_db
        Wanted ratio.
    wave
        (samples,) noise of RMS 1.
    """
    level = np.sqrt(np.mean(np.square(audio[speaking], dtype=np.float64)))
    return audio + wave * np.float32(level * 10 ** (-snr_db / 20))


def clip(audio: Float32, share: float) -> tuple[Float32, float]:
    """Clipped hard so that about a share of the samples is cut off; with the exact share.

    The level is put at 0.9 of full scale afterwards, as a recorder's limit often is not at full scale.
    """
    level = float(np.quantile(np.abs(audio), 1 - share))
    exact = float(np.mean(np.abs(audio) >= level))
    return np.asarray(np.clip(audio, -level, level) * (0.9 / level), dtype=np.float32), exact


def band_limit(audio: Float32, rate_hz: int, edge_hz: float, order: int = 0) -> Float32:
    """Low-pass filtered: a brick wall (order 0), or a Butterworth filter of the order."""
    if order:
        sections = scipy.signal.butter(order, edge_hz, fs=rate_hz, output="sos")
        return np.asarray(scipy.signal.sosfilt(sections, audio), dtype=np.float32)
    taps = scipy.signal.firwin(1001, edge_hz, fs=rate_hz)
    return np.asarray(scipy.signal.oaconvolve(audio, taps, mode="same"), dtype=np.float32)


def drop(audio: Float32, rate_hz: int, at_s: list[float], length_s: float) -> Float32:
    """Sound replaced by zeros at the given times."""
    broken = audio.copy()
    for start_s in at_s:
        broken[round(start_s * rate_hz) : round((start_s + length_s) * rate_hz)] = 0
    return broken


def to_16_bit(audio: Float32, seed: int = 0) -> Float32:
    """Rounded to 16 bits with rectangular dither, as most files are."""
    dither = np.random.default_rng(seed).uniform(-0.5, 0.5, audio.shape)
    return np.asarray(np.round(audio * 32768 + dither) / 32768, dtype=np.float32)


def wind(samples: int, rate_hz: int, gusts_s: list[tuple[float, float]], seed: int = 0) -> Float32:
    """(samples,) float32 of RMS 1 within the gusts: noise falling by 12 dB an octave, swelling and fading."""
    rng = np.random.default_rng(seed)
    frequency_hz = np.fft.rfftfreq(samples, 1 / rate_hz)
    wave = np.fft.irfft(np.fft.rfft(rng.standard_normal(samples)) / np.maximum(frequency_hz, 25.0) ** 2, samples)
    shape = np.zeros(samples)
    for start_s, end_s in gusts_s:
        first, last = round(start_s * rate_hz), min(round(end_s * rate_hz), samples)
        shape[first:last] = np.sin(np.linspace(0, np.pi, last - first)) ** 0.5
    wave *= shape
    return np.asarray(wave / np.sqrt(np.mean(np.square(wave[shape > 0]))), dtype=np.float32)


def thumps(samples: int, rate_hz: int, at_s: list[float]) -> Float32:
    """(samples,) float32 with a peak near 1: a 40-Hz bump of a tenth of a second at each of the times."""
    wave = np.zeros(samples, np.float32)
    length = round(0.1 * rate_hz)
    time_s = np.arange(length) / rate_hz
    bump = np.sin(2 * np.pi * 40 * time_s) * np.exp(-time_s / 0.03)
    for start_s in at_s:
        first = round(start_s * rate_hz)
        wave[first : first + length] += bump[: samples - first].astype(np.float32)
    return np.asarray(wave / np.abs(bump).max(), dtype=np.float32)
