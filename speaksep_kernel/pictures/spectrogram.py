"""Spectrogram tiles: any stretch at any size, linear or mel, from a few frames per column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Scale = Literal["linear", "mel"]

FLOOR_DB, CEILING_DB = -110.0, -20.0
"""Levels (dBFS per bin) drawn darkest and brightest."""
WINDOW_S = (0.016, 0.064)
"""Shortest and longest analysis window; closer views see more of time, wider ones more of pitch."""
_TAKES = 4
_READ_S = 60.0


def tile(
    read: Callable[[float, float], Float32],
    rate_hz: int,
    start_s: float,
    stop_s: float,
    *,
    columns: int,
    rows: int,
    scale: Scale = "mel",
    top_hz: float | None = None,
) -> NDArray[np.uint8]:
    """Draw a stretch of a signal.

    Parameters
    ----------
    read
        ``read(start_s, stop_s)`` gives (n,) samples at ``rate_hz``, fewer or none past an end.
    rate_hz
        Sample rate.
    start_s, stop_s
        What the tile spans.
    columns, rows
        Its size.
    scale
        Spacing of the rows: ``"linear"`` in hertz, or ``"mel"`` (O'Shaughnessy's formula).
    top_hz
        Highest frequency; half the sample rate if ``None``.

    Returns
    -------
    (rows, columns) uint8, highest frequency first: 0 is `FLOOR_DB` or less, 255 is `CEILING_DB` or more.
    """
    column_s = (stop_s - start_s) / columns
    size = 2 ** int(np.round(np.log2(rate_hz * float(np.clip(2 * column_s, *WINDOW_S)))))
    takes = int(np.clip(np.ceil(column_s * rate_hz / size), 1, _TAKES))
    centre_s = start_s + column_s * (np.arange(columns * takes) + 0.5) / takes
    power = _power(read, rate_hz, centre_s, size).reshape(columns, takes, -1).mean(axis=1)
    bands = _bands(power, edges_hz(rows, top_hz or rate_hz / 2, scale) * size / rate_hz)
    level_db = 10 * np.log10(bands + 1e-14)
    grey = (level_db - FLOOR_DB) / (CEILING_DB - FLOOR_DB) * 255
    return np.asarray(np.clip(np.round(grey), 0, 255), dtype=np.uint8).T[::-1]


def edges_hz(rows: int, top_hz: float, scale: Scale) -> NDArray[np.float64]:
    """(rows + 1,) frequencies between the rows, lowest first."""
    if scale == "linear":
        return np.linspace(0, top_hz, rows + 1)
    top_mel = 2595 * np.log10(1 + top_hz / 700)
    return np.asarray(700 * (10 ** (np.linspace(0, top_mel, rows + 1) / 2595) - 1))


def _power(
    read: Callable[[float, float], Float32], rate_hz: int, centre_s: NDArray[np.float64], size: int
) -> NDArray[np.float64]:
    """(frames, size / 2 + 1) power around each time; full scale is a sine of amplitude 1."""
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    gain = 2 / window.sum()
    half_s = size / 2 / rate_hz
    out = np.zeros((len(centre_s), size // 2 + 1))
    at = 0
    while at < len(centre_s):
        end = int(np.searchsorted(centre_s, centre_s[at] + _READ_S))
        begin_s = max(centre_s[at] - half_s, 0.0)
        samples = read(begin_s, centre_s[end - 1] + half_s)
        first = np.round((centre_s[at:end] - half_s - begin_s) * rate_hz).astype(np.int64) + size
        padded = np.pad(samples, (size, 2 * size))
        frames = padded[np.minimum(first, len(padded) - size)[:, None] + np.arange(size)]
        out[at:end] = np.square(np.abs(np.fft.rfft(frames * window, axis=1)) * gain)
        at = end
    return out


def _bands(power: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean power between neighbouring edges (in bins, fractions allowed), by differences of its integral."""
    bins = power.shape[1]
    integral = np.concatenate([np.zeros((len(power), 1)), np.cumsum(power, axis=1)], axis=1)
    position = np.clip(edges + 0.5, 0, bins)
    whole = np.minimum(position.astype(np.int64), bins - 1)
    part = position - whole
    at = integral[:, whole] * (1 - part) + integral[:, whole + 1] * part
    return np.asarray(np.maximum(np.diff(at, axis=1), 0) / np.maximum(np.diff(position), 1e-9))
