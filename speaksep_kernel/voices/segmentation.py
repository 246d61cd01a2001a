"""Who speaks when within ten seconds: pyannote's overlap-aware segmentation, window by window."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.progress import ProgressHook, silent
from speaksep_kernel.voices.streams import FRAME_S, RATE_HZ, Streams

WINDOW_S = 10.0
HOP_S = 2.0
BATCH = 16
PART = 4
"""Windows read at once, and windows in one call of the network."""
FRAME = round(FRAME_S * RATE_HZ)
"""Samples per frame."""
MIN_ACTIVE_S = 0.12
"""A local stream that is never active for this long in all is not one."""
SILENCE_RMS = 10 ** (-90 / 20)
"""Below one step of 16-bit audio there is nobody, whatever a network that normalises levels may see."""

# Receptive field of the network's frames, in samples: centre of the first one, and step.
_CENTRE, _STEP = 495, 270
# Powerset classes: nobody, 1, 2, 3, 1+2, 1+3, 2+3.
_POWERSET = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]], dtype=np.float32)


class MixtureReader(Protocol):
    """The part of the analysis cache that voices read: the mono mixture at 16 kHz."""

    @property
    def samples16k(self) -> int:
        """Length in samples at 16 kHz."""
        ...

    def read16k(self, start: int, stop: int) -> NDArray[np.float32]:
        """(stop - start,) float32 samples at 16 kHz."""
        ...


def frame_count(samples16k: int) -> int:
    """Frames that cover ``samples16k`` samples; the last one may be partly filled."""
    return -(-samples16k // FRAME)


def segment(
    cache: MixtureReader, hook: ProgressHook = silent, *, hop_s: float = HOP_S, window_s: float = WINDOW_S
) -> Streams:
    """Find the local streams of a recording, not yet embedded or labelled.

    Parameters
    ----------
    cache
        The recording's mono mixture at 16 kHz.
    hook
        Told "segment" in windows.
    hop_s, window_s
        Windows of ``window_s`` start every ``hop_s`` seconds; the last one ends with the recording.

    Returns
    -------
    Streams
        Up to three streams a window, ``embedding`` of width 0, ``label`` -1.
    """
    import torch

    from speaksep_kernel.voices.parallel import side_by_side
    from speaksep_kernel.voices.weights import load_segmentation

    total = frame_count(cache.samples16k)
    size = round(window_s / FRAME_S)
    starts = window_starts(total, size, round(hop_s / FRAME_S))
    network = load_segmentation()
    window, activity = [], []
    hook("segment", 0, len(starts))
    for first in range(0, len(starts), BATCH):
        batch = starts[first : first + BATCH]
        audio = np.stack([_audio(cache, start, min(size, total)) for start in batch])
        parts = np.array_split(audio, min(len(audio), -(-BATCH // PART)))
        logits = side_by_side(lambda part: network(torch.from_numpy(part)[:, None]).numpy(), parts)
        local = _gated(_on_grid(np.concatenate(logits), min(size, total)), audio)
        for k, probabilities in enumerate(local, first):
            heard = np.flatnonzero((probabilities > 0.5).sum(1) >= MIN_ACTIVE_S / FRAME_S)
            window += [k] * len(heard)
            activity += [np.pad(probabilities[j], (0, size - probabilities.shape[1])) for j in heard]
        hook("segment", min(first + BATCH, len(starts)), len(starts))
    count = len(window)
    return Streams(
        window_start=np.asarray(starts, np.int64),
        window_frames=size,
        window=np.asarray(window, np.int32),
        activity=np.round(np.reshape(activity, (count, size)) * 255).astype(np.uint8),
        embedding=np.empty((count, 0), np.float32),
        weight_s=np.zeros(count, np.float32),
        label=np.full(count, -1, np.int32),
        confidence=np.zeros(count, np.float32),
    )


def window_starts(total: int, size: int, hop: int) -> list[int]:
    """First frames of the windows that cover ``total`` frames; the last window ends with the recording.

    Examples
    --------
    >>> window_starts(1300, 500, 300)
    [0, 300, 600, 800]
    """
    if total == 0:
        return []
    last = max(0, total - size)
    return [*range(0, last, hop), last]


def _audio(cache: MixtureReader, start: int, frames: int) -> NDArray[np.float32]:
    """``frames`` frames from frame ``start``, filled up with silence past the end (and to one second at least)."""
    samples = cache.read16k(start * FRAME, min((start + frames) * FRAME, cache.samples16k))
    return np.pad(samples, (0, max(frames * FRAME, RATE_HZ) - len(samples))).astype(np.float32, copy=False)


def _on_grid(logits: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """(batch, network frames, 7) log-probabilities -> (batch, 3, frames) on our frame grid, by interpolation."""
    marginal = np.exp(logits) @ _POWERSET
    there = (np.arange(frames) + 0.5) * FRAME
    position = np.clip((there - _CENTRE) / _STEP, 0, marginal.shape[1] - 1)
    left = np.minimum(position.astype(int), marginal.shape[1] - 2)
    share = (position - left).astype(np.float32)[:, None]
    return np.asarray((marginal[:, left] * (1 - share) + marginal[:, left + 1] * share).transpose(0, 2, 1), np.float32)


def _gated(probabilities: NDArray[np.float32], audio: NDArray[np.float32]) -> NDArray[np.float32]:
    frames = probabilities.shape[2]
    rms = np.sqrt(np.mean(audio[:, : frames * FRAME].reshape(len(audio), frames, FRAME) ** 2, -1))
    return np.asarray(probabilities * (rms > SILENCE_RMS)[:, None], np.float32)
