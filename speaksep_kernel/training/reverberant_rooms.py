"""Rooms whose reverberation is known, to fit and to judge the blind measure of it."""

from __future__ import annotations

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from speaksep_kernel.voices.streams import RATE_HZ

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

MIDDLE_HZ = (354.0, 2828.0)
"""Octaves of 500, 1000 and 2000 Hz: reverberation is told, and its truth measured, in them."""
EARLY_S = 0.05


def room_truth(response: Float32) -> tuple[float, float]:
    """T60 in seconds and C50 in dB of an impulse response, in the middle octaves (ISO 3382-1, by Schroeder's integral).

    T60 is extrapolated from the fall between -5 and -35 dB (T30).

    Parameters
    ----------
    response
        (samples,) at 16 kHz.
    """
    sections = scipy.signal.butter(3, MIDDLE_HZ, "bandpass", fs=RATE_HZ, output="sos")
    padded = np.pad(response.astype(np.float64), RATE_HZ // 10)
    power = np.square(scipy.signal.sosfiltfilt(sections, padded))
    first = int(np.argmax(power > 0.25 * power.max()))  # reflections may be louder than the direct sound
    left = np.cumsum(power[::-1])[::-1]
    after = round(EARLY_S * RATE_HZ) + first
    c50_db = 10 * np.log10((left[first] - left[after]) / max(left[after], 1e-12 * left[first]))
    fall_db = 10 * np.log10(np.maximum(left[first:], 1e-15 * left[first]) / left[first])
    part = np.flatnonzero((fall_db <= -5) & (fall_db >= -35))
    rate = np.polyfit(part / RATE_HZ, fall_db[part], 1)[0]
    return -60.0 / float(rate), float(min(c50_db, 40.0))


def shoebox(seed: int, places: int = 2, t60_s: tuple[float, float] = (0.12, 1.1)) -> list[Float32]:
    """Impulse responses of one simulated room, (samples,) at 16 kHz each.

    Image sources for the early, rays for the late reflections (pyroomacoustics); walls that absorb more or less towards
    high frequencies. The truth has to be measured: Sabine's formula is only where the walls come from.
    """
    import pyroomacoustics

    rng = np.random.default_rng(seed)
    while True:
        size = rng.uniform([3.0, 3.0, 2.3], [10.0, 8.0, 3.8])
        wanted_s = float(np.exp(rng.uniform(*np.log(t60_s))))
        try:
            absorption, _ = pyroomacoustics.inverse_sabine(wanted_s, size)
        except ValueError:  # the room is too large to be this dry
            continue
        break
    tilt = float(rng.uniform(0.8, 1.3))
    bands_hz = [125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0]
    walls = {
        "coeffs": [min(0.98, absorption * tilt ** float(np.log2(hz / 1000))) for hz in bands_hz],
        "center_freqs": bands_hz,
    }
    pyroomacoustics.random.seed(seed)  # the rays are cast with the simulator's own generator
    room = pyroomacoustics.ShoeBox(
        size,
        fs=RATE_HZ,
        materials=pyroomacoustics.Material(walls, {"coeffs": [0.1] * 7, "center_freqs": bands_hz}),
        max_order=3,
        ray_tracing=True,
        air_absorption=True,
    )
    microphone = rng.uniform(0.5, size - 0.5)
    room.add_microphone(microphone)
    while len(room.sources) < places:
        place = rng.uniform(0.5, size - 0.5)
        if np.linalg.norm(place - microphone) > 0.3:
            room.add_source(place)
    room.compute_rir()
    return [np.asarray(response, np.float32) for response in room.rir[0]]


def noise_tail(seed: int, t60_s: tuple[float, float] = (0.1, 1.2)) -> Float32:
    """Impulse response after Polack: a direct sound, reflections, and noise that falls exponentially per octave."""
    rng = np.random.default_rng(seed)
    middle_s = float(np.exp(rng.uniform(*np.log(t60_s))))
    tilt = float(rng.uniform(0.75, 1.15))
    samples = round(RATE_HZ * min(1.5 * middle_s * 1.3 + 0.1, 2.0))
    time_s = np.arange(samples) / RATE_HZ
    tail = np.zeros(samples)
    for centre_hz in (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 7000.0):
        edges = (centre_hz / 1.4142, min(centre_hz * 1.4142, 7900.0))
        sections = scipy.signal.butter(2, edges, "bandpass", fs=RATE_HZ, output="sos")
        band_s = middle_s * tilt ** float(np.log2(centre_hz / 1000))
        tail += scipy.signal.sosfilt(sections, rng.standard_normal(samples)) * 10 ** (-3 * time_s / band_s)
    tail *= time_s >= rng.uniform(0.002, 0.02)
    for at_s, gain in zip(rng.uniform(0.002, 0.04, 6), rng.uniform(-1, 1, 6), strict=True):
        tail[round(at_s * RATE_HZ)] += gain * np.abs(tail).max()
    tail /= np.sqrt(np.sum(tail**2))
    direct_to_rest_db = rng.uniform(-8, 12)
    tail[0] += 10 ** (direct_to_rest_db / 20)
    return np.asarray(tail, np.float32)
