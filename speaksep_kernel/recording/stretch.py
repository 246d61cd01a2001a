"""Slower or faster without another pitch, piece by piece, for listening."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

HOP_S = 0.025
"""Half a grain: long enough for two periods of the lowest voice, short enough for the fastest syllable."""
REACH_S = 0.012
"""How far a grain may be moved to meet the one before in phase: the longest period of a voice (about 80 Hz)."""
SLOWEST, FASTEST = 0.25, 4.0


def margin(rate_hz: int) -> int:
    """Samples that `stretch` wants before and behind a piece."""
    return round((HOP_S + REACH_S) * rate_hz) + 2


def stretch(samples: Float32, guide: Float32, speed: float, rate_hz: int) -> Float32:
    """A piece of several lanes at another speed, by overlapping grains of the waveform (WSOLA).

    Parameters
    ----------
    samples
        (lanes, n + 2 · margin): the piece and `margin(rate_hz)` samples around it.
    guide
        (n + 2 · margin,) what decides where grains meet in phase, the mixture: so all lanes are cut at the same places,
        and their sum stays the sum.
    speed
        2 is twice as fast.
    rate_hz
        Of the samples.

    Returns
    -------
    (lanes, round(n / speed)) samples. The first and the last grain are where they belong, so pieces follow each other
    without a click, and nothing drifts.

    Source
    ------
    W. Verhelst, M. Roelands: An overlap-add technique based on waveform similarity (WSOLA), ICASSP 1993.

    Examples
    --------
    >>> rate = 16000
    >>> wave = np.sin(np.arange(rate + 2 * margin(rate), dtype=np.float32) / 10)
    >>> stretch(wave[None], wave, 0.5, rate).shape
    (1, 32000)
    """
    from scipy.signal import correlate  # half a second that whoever only looks does not wait for

    edge, hop, reach = margin(rate_hz), round(HOP_S * rate_hz), round(REACH_S * rate_hz)
    length = round((samples.shape[1] - 2 * edge) / speed)
    count = max(1, round(length / hop))
    places = np.linspace(0, length, count + 1).round().astype(int)  # grains stand here in what comes out
    half = int(np.diff(places).max(initial=1))
    taken = edge + np.minimum(np.round(places * speed), samples.shape[1] - 2 * edge).astype(int)
    for k in range(1, count):
        follows = taken[k - 1] + places[k] - places[k - 1]  # what would come next, were nothing moved
        if follows + half > len(guide):
            continue
        natural = guide[follows - half : follows + half]
        around = guide[taken[k] - half - reach : taken[k] + half + reach]
        total = np.cumsum(np.square(around, dtype=np.float64))
        energy = total[len(natural) - 1 :] - np.append(0, total[: -len(natural)])
        likeness = correlate(around, natural, "valid") / np.sqrt(energy + 1e-9)
        taken[k] += int(np.argmax(likeness)) - reach
    out = np.zeros((len(samples), length), np.float32)
    for k in range(count):
        span = places[k + 1] - places[k]
        rise = (0.5 - 0.5 * np.cos(np.pi * (np.arange(span, dtype=np.float32) + 0.5) / max(span, 1))).astype(np.float32)
        ending = samples[:, taken[k] : taken[k] + span]
        coming = samples[:, taken[k + 1] - span : taken[k + 1]]
        out[:, places[k] : places[k + 1]] = (1 - rise) * ending + rise * coming
    return out
