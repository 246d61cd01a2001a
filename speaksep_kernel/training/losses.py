"""The training loss: thresholded SNR under the best permutation, spectra, and activity."""

from __future__ import annotations

from itertools import permutations

import torch
from torch import Tensor
from torch.nn import functional

SILENT = 1e-7
"""Mean power under which a reference counts as silent (speech lies near 2.5e-3)."""
SPECTRA_WEIGHT = 0.1
ACTIVITY_WEIGHT = 0.2
RESIDUAL_WEIGHT = 0.15


def separation_loss(
    estimates: Tensor, logits: Tensor, sources: Tensor, residual: Tensor, activity: Tensor
) -> tuple[Tensor, Tensor]:
    """Loss of one batch.

    Parameters
    ----------
    estimates
        (batch, sources + 1, samples), the residual last.
    logits
        (batch, sources, frames): activity before the sigmoid.
    sources, residual, activity
        What is in the mixtures, see `speaksep_kernel.training.mixer.Batch`.

    Returns
    -------
    loss
        Scalar.
    snr_db
        Scalar, mean SNR over active sources, for the progress line.

    Notes
    -----
    The thresholded SNR with a branch for silent references follows Wisdom et al., "What's all the fuss about free
    universal sound separation data?" (ICASSP 2021): unlike SI-SDR it keeps levels and can ask for silence.
    """
    mixture_power = (sources.sum(1) + residual).square().mean(-1).clamp(min=SILENT)
    tracks = estimates[:, :-1]
    cost = _snr_cost(tracks[:, :, None], sources[:, None], mixture_power[:, None, None])
    count = sources.shape[1]
    orders = torch.tensor(list(permutations(range(count))), device=cost.device)
    slots = torch.arange(count, device=cost.device)
    best = cost[:, slots, orders].sum(-1).argmin(-1)
    order = orders[best]
    chosen = cost.gather(2, order[..., None])[..., 0]
    matched = sources.gather(1, order[..., None].expand_as(sources))
    spoken = matched.square().mean(-1) > SILENT
    loss = chosen.mean()
    loss = loss + RESIDUAL_WEIGHT * _snr_cost(estimates[:, -1], residual, mixture_power).mean()
    loss = loss + SPECTRA_WEIGHT * 10 * _spectra(tracks, matched, spoken)
    labels = activity.gather(1, order[..., None].expand_as(activity))
    frames = min(labels.shape[-1], logits.shape[-1])
    loss = loss + ACTIVITY_WEIGHT * 10 * functional.binary_cross_entropy_with_logits(
        logits[..., :frames].float(), labels[..., :frames]
    )
    return loss, -(chosen.detach() * spoken).sum() / spoken.sum().clamp(min=1)


def _snr_cost(estimate: Tensor, reference: Tensor, mixture_power: Tensor) -> Tensor:
    """Negative SNR in dB, floored at -30 dB where the reference speaks; output power over mixture power elsewhere."""
    power = reference.square().mean(-1)
    error = (reference - estimate).square().mean(-1)
    spoken = 10 * torch.log10(error / power.clamp(min=SILENT) + 1e-3)
    silent = 10 * torch.log10(estimate.square().mean(-1) / mixture_power + 1e-2)
    return torch.where(power > SILENT, spoken, silent)


def _spectra(tracks: Tensor, sources: Tensor, spoken: Tensor) -> Tensor:
    """Mean magnitude error over three resolutions, relative to the references' magnitude."""
    track, source = tracks[spoken], sources[spoken]
    if not len(track):
        return tracks.sum() * 0
    total = tracks.new_zeros(())
    for size in (256, 512, 1024):
        window = torch.hann_window(size, device=tracks.device)
        wanted, got = (
            torch.view_as_real(torch.stft(signal, size, size // 2, window=window, return_complex=True))
            .square()
            .sum(-1)
            .add(1e-8)
            .sqrt()
            for signal in (source, track)
        )
        total = total + ((wanted - got).abs().sum((1, 2)) / wanted.sum((1, 2))).mean()
    return total / 3
