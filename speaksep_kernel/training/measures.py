"""How well a mixture was separated, in numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Float32 = NDArray[np.float32]
TINY = 1e-12


def si_sdr_db(estimate: Float32, reference: Float32) -> float:
    """Scale-invariant signal-to-distortion ratio of one pair (Le Roux et al., 2019), means removed."""
    track = estimate.astype(np.float64) - estimate.mean(dtype=np.float64)
    wanted = reference.astype(np.float64) - reference.mean(dtype=np.float64)
    target = (track @ wanted) / (wanted @ wanted + TINY) * wanted
    noise = track - target
    return float(10 * np.log10((target @ target + TINY) / (noise @ noise + TINY)))


def improvements_db(estimates: Float32, references: Float32, mixture: Float32) -> NDArray[np.float64]:
    """SI-SDR improvement over the mixture of every track for every reference, (tracks, references) in dB."""
    before = np.array([si_sdr_db(mixture, reference) for reference in references])
    after = np.array([[si_sdr_db(track, reference) for reference in references] for track in estimates])
    return np.asarray(after - before)


def best_order(scores: NDArray[np.float64]) -> list[int]:
    """For each reference the track it gets, so that ``scores`` (tracks, references) sum to the most."""
    tracks, references = linear_sum_assignment(scores, maximize=True)
    return [int(track) for _, track in sorted(zip(references, tracks, strict=True))]


def sa_sdr_db(estimates: Float32, references: Float32) -> float:
    """Source-aggregated SDR (von Neumann et al., 2022): all references over all errors, levels count."""
    error = float(np.square(references - estimates, dtype=np.float64).sum())
    return float(10 * np.log10((np.square(references, dtype=np.float64).sum() + TINY) / (error + TINY)))


def attenuation_db(track: Float32, mixture: Float32) -> float:
    """How far a track that should be silent lies below the mixture, in dB, at most 100."""
    ratio = np.mean(np.square(track), dtype=np.float64) / (np.mean(np.square(mixture), dtype=np.float64) + TINY)
    return float(-10 * np.log10(ratio + 1e-10))


def activity_of(sources: Float32, frames: int) -> NDArray[np.bool_]:
    """Frames in which each source lies within 35 dB of its loudest, (sources, frames); never in a silent source."""
    power = np.stack([np.square(part).mean(-1) for part in np.array_split(sources, frames, axis=-1)], axis=-1)
    loudest = power.max(-1, keepdims=True)
    return np.asarray((power > loudest * 10**-3.5) & (loudest > 1e-9))


def pitch_hz(speech: Float32, rate_hz: int) -> float:
    """Median fundamental frequency of one voice in Hz, by autocorrelation; NaN if nothing is voiced.

    Parameters
    ----------
    speech
        (samples,) of one speaker.
    """
    size, hop = round(0.064 * rate_hz), round(0.032 * rate_hz)
    frames = np.lib.stride_tricks.sliding_window_view(speech, size)[::hop] * np.hanning(size)
    frames = frames[np.square(frames).mean(-1) > 0.3 * np.square(frames).mean()]
    # Of a window the autocorrelation is known; dividing by it undoes the fall towards longer lags (Boersma, 1993).
    correlation = _autocorrelation(frames) / _autocorrelation(np.hanning(size)[None])
    shortest, longest = rate_hz // 400, rate_hz // 65
    correlation = correlation[:, shortest:longest] / (correlation[:, :1] + TINY)
    best = correlation.max(-1)
    # The first lag nearly as good as the best one: multiples of a period correlate as well as the period.
    lag = (correlation > 0.9 * best[:, None]).argmax(-1)
    voiced = best > 0.6
    return float(np.median(rate_hz / (shortest + lag[voiced]))) if voiced.any() else float("nan")


def _autocorrelation(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    size = frames.shape[-1]
    spectrum = np.fft.rfft(frames, 2 * size)
    return np.asarray(np.fft.irfft(np.square(np.abs(spectrum)), 2 * size)[:, :size])
