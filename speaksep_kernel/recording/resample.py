"""Streaming resampling whose length is exact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import soxr
from numpy.typing import NDArray

Float32 = NDArray[np.float32]


def resampled_frames(frames: int, rate_hz: int, new_rate_hz: int) -> int:
    """Samples that ``frames`` samples become at another rate (rounded half up, in integers)."""
    return (2 * frames * new_rate_hz + rate_hz) // (2 * rate_hz)


class StreamResampler:
    """Resample block by block with constant memory; what comes out in total is `resampled_frames` long.

    Parameters
    ----------
    rate_hz, new_rate_hz
        Input and output rate.
    channels
        Channels of the blocks, which are (frames, channels) float32.
    frames
        Input samples per channel in total.
    """

    def __init__(self, rate_hz: int, new_rate_hz: int, channels: int, frames: int) -> None:
        self._stream = soxr.ResampleStream(rate_hz, new_rate_hz, channels, dtype="float32", quality="HQ")
        self._left = resampled_frames(frames, rate_hz, new_rate_hz)
        self._channels = channels

    def push(self, block: Float32, *, last: bool = False) -> Float32:
        """Feed a block, get what is ready; with ``last`` everything that is left, padded with zeros or cut."""
        out = np.asarray(self._stream.resample_chunk(np.ascontiguousarray(block), last=last), dtype=np.float32)
        out = out.reshape(-1, self._channels)[: self._left]
        self._left -= len(out)
        if last and self._left:
            out = np.concatenate([out, np.zeros((self._left, self._channels), np.float32)])
            self._left = 0
        return out


def resample_blocks(
    blocks: Iterable[Float32], rate_hz: int, new_rate_hz: int, channels: int, frames: int, block_frames: int
) -> Iterator[Float32]:
    """Resample a stream of blocks into blocks of ``block_frames`` (the last one shorter)."""
    resampler = StreamResampler(rate_hz, new_rate_hz, channels, frames)
    ready: list[Float32] = []
    for block in blocks:
        ready.append(resampler.push(block))
        if sum(map(len, ready)) >= block_frames:
            joined = np.concatenate(ready)
            whole = len(joined) - len(joined) % block_frames
            for begin in range(0, whole, block_frames):
                yield joined[begin : begin + block_frames]
            ready = [joined[whole:]]
    ready.append(resampler.push(np.zeros((0, channels), np.float32), last=True))
    joined = np.concatenate(ready)
    for begin in range(0, len(joined), block_frames):
        yield joined[begin : begin + block_frames]
