"""Waveforms at any zoom: lowest and highest sample per stretch, in a pyramid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.atomic import write_atomically
from speaksep_kernel.errors import StoreError

Float32 = NDArray[np.float32]
Int16 = NDArray[np.int16]

STEP = 256
"""Samples per entry of the finest level; anything closer is drawn from the samples themselves."""
_FACTOR = 4


class PeakBuilder:
    """Collects peaks from blocks in order, whatever their lengths."""

    def __init__(self) -> None:
        self._parts: list[Int16] = []
        self._rest: Float32 = np.zeros(0, np.float32)
        self._samples = 0

    def add(self, samples: Float32) -> None:
        """Take the next (n,) samples."""
        self._samples += len(samples)
        samples = np.concatenate([self._rest, samples])
        whole = len(samples) // STEP * STEP
        self._rest = samples[whole:]
        if whole:
            self._parts.append(_extremes(samples[:whole].reshape(-1, STEP)))

    def finish(self) -> Peaks:
        """Everything so far."""
        parts = [*self._parts, _extremes(self._rest[None])] if len(self._rest) else self._parts
        finest = np.concatenate(parts) if parts else np.zeros((0, 2), np.int16)
        return Peaks(finest, self._samples)


@dataclass(frozen=True)
class Peaks:
    """Lowest and highest sample of every stretch of a signal.

    Attributes
    ----------
    finest
        (entries, 2) int16, lowest and highest of `STEP` samples each; full scale is 32767.
    samples
        Length of the signal.

    Examples
    --------
    >>> builder = PeakBuilder()
    >>> builder.add(np.linspace(-1, 1, 512, dtype=np.float32))
    >>> builder.finish().view(0, 512, 2)
    array([[-32767,    -64],
           [    64,  32767]], dtype=int16)
    """

    finest: Int16
    samples: int

    def view(self, start: int, stop: int, pixels: int) -> Int16:
        """(pixels, 2) lowest and highest sample behind each pixel, exact to `STEP` samples; 0 outside the signal.

        Parameters
        ----------
        start, stop
            Samples the picture spans.
        pixels
            Its width.
        """
        out = np.zeros((pixels, 2), np.int16)
        if stop <= start or not len(self.finest):
            return out
        level, step = self._level((stop - start) / pixels)
        edges = np.linspace(start, stop, pixels + 1) / step
        first = np.floor(edges[:-1]).astype(np.int64)
        last = np.maximum(np.ceil(edges[1:]).astype(np.int64), first + 1)
        seen = (first < len(level)) & (last > 0)
        bounds = np.stack([np.maximum(first[seen], 0), np.minimum(last[seen], len(level))], axis=1).ravel()
        # reduceat needs every index inside; the pair of the last stretch may end right behind it.
        padded = np.concatenate([level, level[-1:]])
        out[seen, 0] = np.minimum.reduceat(padded[:, 0], bounds)[::2]
        out[seen, 1] = np.maximum.reduceat(padded[:, 1], bounds)[::2]
        return out

    @cached_property
    def _levels(self) -> list[Int16]:
        levels = [self.finest]
        while len(levels[-1]) > _FACTOR:
            below = levels[-1]
            below = np.concatenate([below, np.repeat(below[-1:], -len(below) % _FACTOR, axis=0)])
            groups = below.reshape(-1, _FACTOR, 2)
            levels.append(np.stack([groups[:, :, 0].min(axis=1), groups[:, :, 1].max(axis=1)], axis=1))
        return levels

    def _level(self, samples_per_pixel: float) -> tuple[Int16, int]:
        """The coarsest level that is not coarser than a pixel, and the samples per entry."""
        number = 0
        while number + 1 < len(self._levels) and STEP * _FACTOR ** (number + 1) <= samples_per_pixel:
            number += 1
        return self._levels[number], STEP * _FACTOR**number

    def save(self, path: Path) -> None:
        """Write them: 4 bytes per `STEP` samples.

        Raises
        ------
        StoreError
            The disk is full.
        """
        data = self.samples.to_bytes(8, "little") + self.finest.astype("<i2").tobytes()
        write_atomically(path, data, mode=0o644)

    @classmethod
    def load(cls, path: Path) -> Peaks:
        """Read what `save` wrote.

        Raises
        ------
        StoreError
            Reason ``peaks-unreadable``.
        """
        try:
            data = path.read_bytes()
        except OSError as error:
            raise _unreadable(path, error.strerror or "cannot be read") from error
        samples = int.from_bytes(data[:8], "little")
        if len(data) != 8 + 4 * -(-samples // STEP):
            raise _unreadable(path, f"{len(data)} bytes for {samples} samples")
        return cls(np.frombuffer(data, "<i2", offset=8).reshape(-1, 2), samples)


def envelope(samples: Float32, pixels: int) -> Int16:
    """(pixels, 2) lowest and highest of (n,) samples behind each pixel: for close views, where every sample counts."""
    if not len(samples):
        return np.zeros((pixels, 2), np.int16)
    edges = np.linspace(0, len(samples), pixels + 1)
    first = np.minimum(np.floor(edges[:-1]).astype(np.int64), len(samples) - 1)
    last = np.clip(np.ceil(edges[1:]).astype(np.int64), first + 1, len(samples))
    values = _int16(np.append(samples, samples[-1]))
    bounds = np.stack([first, last], axis=1).ravel()
    return np.stack([np.minimum.reduceat(values, bounds)[::2], np.maximum.reduceat(values, bounds)[::2]], axis=1)


def _extremes(rows: Float32) -> Int16:
    return _int16(np.stack([rows.min(axis=1), rows.max(axis=1)], axis=1))


def _int16(samples: Float32) -> Int16:
    return np.asarray(np.round(np.clip(samples, -1, 1) * 32767), dtype=np.int16)


def _unreadable(path: Path, why: str) -> StoreError:
    return StoreError(
        f"stored peaks {str(path)!r}: {why}", reason="peaks-unreadable", hint="render the separation again"
    )
