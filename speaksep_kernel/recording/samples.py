"""Recordings that are arrays: `(samples, rate_hz)` from a notebook."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.errors import InputError

Float32 = NDArray[np.float32]


class ArrayDecoder:
    """Serves blocks of an array; the caller's array is neither copied nor changed unless it is made of integers."""

    format, subtype = "ARRAY", "FLOAT"

    def __init__(self, samples: Any, rate_hz: Any, name: str) -> None:
        array = np.asarray(samples)
        if array.ndim == 1:
            array = array[:, None]
        if array.ndim != 2 or array.dtype.kind not in "fiu" or array.dtype == np.uint16:
            raise InputError(
                f"{name}: array of shape {np.shape(samples)} and type {array.dtype}",
                reason="bad-array",
                hint="give (frames,) or (frames, channels) of float32 in -1 to 1, or of int16",
            )
        if isinstance(rate_hz, bool) or not isinstance(rate_hz, int | float | np.integer | np.floating):
            raise InputError(f"{name}: sample rate {rate_hz!r}", reason="bad-rate", hint="give the rate in Hz")
        if not float(rate_hz).is_integer():
            raise InputError(f"{name}: sample rate {rate_hz} Hz", reason="bad-rate", hint="give a whole number of Hz")
        self.array = array
        self.rate_hz = int(rate_hz)
        self.frames, self.channels = array.shape
        self.bit_depth = 8 * array.dtype.itemsize if array.dtype.kind in "iu" else None

    def decode(self, start: int, block_frames: int) -> Iterator[Float32]:
        """Blocks of (at most ``block_frames``, channels) from sample ``start`` on."""
        for begin in range(start, self.frames, block_frames):
            yield to_float32(self.array[begin : begin + block_frames])

    def sha256(self) -> str:
        """Hash of rate, shape, type and samples."""
        digest = hashlib.sha256(f"{self.rate_hz} {self.array.shape} {self.array.dtype.str}".encode())
        for begin in range(0, self.frames, 1 << 20):
            digest.update(np.ascontiguousarray(self.array[begin : begin + (1 << 20)]).tobytes())
        return digest.hexdigest()


def to_float32(block: NDArray[Any]) -> Float32:
    """Samples as float32 with full scale at 1: integers are divided by theirs, floats stay."""
    if block.dtype.kind == "f":
        return block.astype(np.float32)
    scale = 2.0 ** (8 * block.dtype.itemsize - 1)
    offset = scale if block.dtype.kind == "u" else 0.0
    return ((block.astype(np.float64) - offset) / scale).astype(np.float32)
