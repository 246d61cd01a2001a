"""Kaldi's log-mel filterbank, the input that CAM++ was trained on."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from speaksep_kernel.voices.streams import RATE_HZ

if TYPE_CHECKING:
    import torch

BANDS = 80
WINDOW = 400
STEP = 160
FFT = 512
LOW_HZ = 20.0
PREEMPHASIS = 0.97


def fbank(samples: torch.Tensor) -> torch.Tensor:
    """Mean-free log-mel energies as ``kaldi compute-fbank-feats --num-mel-bins=80 --dither=0`` gives them.

    Parameters
    ----------
    samples
        (..., samples) float32 mono at 16 kHz, at least 25 ms.

    Returns
    -------
    torch.Tensor
        (..., frames, 80) float32, one frame per 10 ms (25-ms windows, whole windows only), less the mean over time.
    """
    import torch

    frames = samples.unfold(-1, WINDOW, STEP)
    frames = frames - frames.mean(-1, keepdim=True)
    previous = torch.cat([frames[..., :1], frames[..., :-1]], -1)
    frames = (frames - PREEMPHASIS * previous) * torch.hann_window(WINDOW, periodic=False) ** 0.85
    power = torch.fft.rfft(frames, FFT).abs().square()
    logmel: torch.Tensor = (power @ _mel_weights()).clamp_min(torch.finfo(torch.float32).eps).log()
    return logmel - logmel.mean(-2, keepdim=True)


@cache
def _mel_weights() -> torch.Tensor:
    """(bins, bands) triangles, equally wide on Kaldi's mel scale (not librosa's)."""
    import torch

    def mel(hz: np.ndarray | float) -> np.ndarray:
        return np.asarray(1127.0 * np.log1p(np.asarray(hz) / 700.0))

    edges = np.linspace(mel(LOW_HZ), mel(RATE_HZ / 2), BANDS + 2)
    bins = mel(np.arange(FFT // 2 + 1) * RATE_HZ / FFT)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return torch.from_numpy(np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32))
