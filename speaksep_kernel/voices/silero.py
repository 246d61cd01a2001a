"""The light fallback: silero-vad hears speech, one speaker at a time, where segmentation is not wanted or missing."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.progress import ProgressHook, silent
from speaksep_kernel.voices.segmentation import FRAME, MixtureReader, frame_count
from speaksep_kernel.voices.streams import FRAME_S, RATE_HZ, Streams

CHUNK = 512
"""Samples that silero-vad looks at in one step."""
WINDOW_S = 2.0
SPEECH = 0.5


def segment_silero(cache: MixtureReader, hook: ProgressHook = silent) -> Streams:
    """Speech as one local stream per two-second window, windows side by side.

    Short windows, since a window's stream is taken for one speaker. Same result type as `segment`; no overlaps.
    """
    size = round(WINDOW_S / FRAME_S)
    total = frame_count(cache.samples16k)
    starts = np.arange(0, total, size, dtype=np.int64)
    probability = np.pad(_probabilities(cache, total, hook), (0, len(starts) * size - total))
    activity = np.round(probability.reshape(len(starts), size) * 255).astype(np.uint8)
    window = np.flatnonzero((activity > SPEECH * 255).any(1)).astype(np.int32)
    count = len(window)
    return Streams(
        window_start=starts,
        window_frames=size,
        window=window,
        activity=activity[window],
        embedding=np.empty((count, 0), np.float32),
        weight_s=np.zeros(count, np.float32),
        label=np.full(count, -1, np.int32),
        confidence=np.zeros(count, np.float32),
    )


def _probabilities(cache: MixtureReader, total: int, hook: ProgressHook) -> NDArray[np.float32]:
    """(total,) probability of speech in each frame."""
    import torch
    from silero_vad import load_silero_vad

    with warnings.catch_warnings():
        # The wheel's weights are TorchScript, whose loader newer torch releases call deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        network = load_silero_vad()
    heard: list[float] = []
    steps = range(0, cache.samples16k, CHUNK)
    hook("segment", 0, len(steps))
    with torch.inference_mode():
        for start in steps:
            samples = cache.read16k(start, min(start + CHUNK, cache.samples16k))
            samples = np.pad(np.asarray(samples, np.float32), (0, CHUNK - len(samples)))
            heard.append(float(network(torch.from_numpy(samples), RATE_HZ)))
            hook("segment", len(heard), len(steps))
    if not heard:
        return np.zeros(total, np.float32)
    return np.asarray(heard, np.float32)[np.minimum(np.arange(total) * FRAME // CHUNK, len(heard) - 1)]
