"""The training loop: AdamW, warm-up and cosine over wall-clock, moving average, validation, full resume."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from speaksep_kernel.errors import StoreError
from speaksep_kernel.separation.network import SeparationNetwork, save_network
from speaksep_kernel.training import checkpoint, curve
from speaksep_kernel.training.losses import separation_loss
from speaksep_kernel.training.measures import best_order, improvements_db
from speaksep_kernel.training.mixer import Batch, Mixer
from speaksep_kernel.training.state import TrainingState
from speaksep_kernel.training.validation import Item
from speaksep_kernel.voices.parallel import side_by_side

CHECKPOINT, CURVE, PICTURE, WEIGHTS = "checkpoint", "curve.csv", "curve.png", "speaksep.safetensors"
"""What a run's folder holds."""


@dataclass(frozen=True)
class Recipe:
    """How a run is trained.

    Attributes
    ----------
    minutes
        Wall-clock of the whole run, over all its parts; the learning rate follows it.
    batch, seconds
        Mixtures per step and their length; the last quarter has twice the length and half the batch.
    rate, last_rate, warm_up_steps, clip
        AdamW's learning rate, where the cosine ends, steps of warm-up, and the gradient's largest norm.
    cosine
        False holds the rate (and the length of the mixtures).
    average
        Decay of the weights' moving average.
    validate_minutes
        Wall-clock between two validations, each followed by a checkpoint.
    bfloat16
        Matrices of the network in bfloat16 (autocast): on CUDA always, on a CPU if asked.
    """

    minutes: float
    batch: int = 4
    seconds: float = 4.0
    rate: float = 1e-3
    last_rate: float = 1e-5
    warm_up_steps: int = 500
    clip: float = 5.0
    cosine: bool = True
    average: float = 0.999
    validate_minutes: float = 10.0
    bfloat16: bool = False


def train(
    network: SeparationNetwork,
    mixer: Mixer,
    validation: dict[str, list[Item]],
    run: Path,
    recipe: Recipe,
    *,
    device: torch.device,
    stop_after_s: float = math.inf,
    interrupted: Callable[[], bool] = lambda: False,
    report: Callable[[str], None] = print,
) -> dict[str, float]:
    """Train until the recipe's time is spent, from the run's checkpoint if there is one.

    Parameters
    ----------
    stop_after_s
        End this part early, validated, to go on later.
    interrupted
        Asked before every step: True saves a checkpoint and returns at once.

    Returns
    -------
    scores
        SI-SDR improvement in dB per validation set; empty if interrupted before the first validation.

    Raises
    ------
    InputError
        If the run's checkpoint is damaged or of another architecture.
    StoreError
        If a checkpoint cannot be written; the one before it is intact.
    """
    state = TrainingState(network, mixer, device)
    if checkpoint.exists(run / CHECKPOINT):
        state.resume(run / CHECKPOINT)
        report(f"going on from step {state.step}, {state.mixture_s / 3600:.1f} h of mixtures")
    begun, spent_before = time.monotonic(), state.spent_s
    last_validation, seen = begun, 0
    running = torch.zeros((), device=device)
    scores: dict[str, float] = {}
    while True:
        if interrupted():
            state.save(run / CHECKPOINT)
            return scores
        now = time.monotonic()
        state.spent_s = spent_before + now - begun
        done = state.spent_s / (recipe.minutes * 60)
        over = done >= 1 or now - begun >= stop_after_s
        if over or now - last_validation > recipe.validate_minutes * 60:
            scores = _publish(state, validation, run, running.item() / max(seen, 1), report)
            running, seen, last_validation = torch.zeros((), device=device), 0, time.monotonic()
        if over:
            return scores
        long = recipe.cosine and done > 0.75
        seconds, size = (recipe.seconds * 2, max(1, recipe.batch // 2)) if long else (recipe.seconds, recipe.batch)
        running += _step(state, recipe, size, seconds, _rate(recipe, state.step, done))
        seen += 1


def _step(state: TrainingState, recipe: Recipe, size: int, seconds: float, rate: float) -> torch.Tensor:
    """One step; returns the mean SNR of the active sources in dB."""
    network, optimiser, scaler = state.network, state.optimiser, state.scaler
    for group in optimiser.param_groups:
        group["lr"] = rate
    batch = state.mixer.batch(size, seconds)
    optimiser.zero_grad(set_to_none=True)
    cores = torch.get_num_threads()
    if batch.mixture.device.type == "cuda" or min(cores, size) == 1:
        loss, snr_db = _loss(network, batch, recipe)
        scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        scaler.unscale_(optimiser)
    else:
        snr_db = _side_by_side(network, batch.split(min(cores, size)), recipe)
    if torch.isfinite(nn.utils.clip_grad_norm_(network.parameters(), recipe.clip)):
        scaler.step(optimiser)
    scaler.update()
    state.step += 1
    state.mixture_s += size * seconds
    state.update_average(recipe.average)
    return snr_db


def _loss(network: SeparationNetwork, batch: Batch, recipe: Recipe) -> tuple[torch.Tensor, torch.Tensor]:
    """Loss and mean SNR of the active sources in dB."""
    kind = batch.mixture.device.type
    with torch.autocast(kind, dtype=torch.bfloat16, enabled=kind == "cuda" or recipe.bfloat16):
        estimates, logits = network(batch.mixture)
    return separation_loss(estimates.float(), logits.float(), batch.sources, batch.residual, batch.activity)


def _side_by_side(network: SeparationNetwork, parts: list[Batch], recipe: Recipe) -> torch.Tensor:
    """Set the mean gradients of parts of a batch, a core for each; returns their mean SNR.

    An LSTM is many small products: two cores that share each of them did 8 s of mixtures a second, two that work on a
    part each 10 (measured), and a core that is taken away for a while holds only its own part up.
    """
    weights = list(network.parameters())

    def alone(part: Batch) -> tuple[tuple[torch.Tensor, ...], torch.Tensor]:
        torch.set_num_threads(1)
        loss, snr_db = _loss(network, part, recipe)
        return torch.autograd.grad(loss, weights), snr_db

    cores = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(len(parts)) as pool:
            found = list(pool.map(alone, parts))
    finally:
        torch.set_num_threads(cores)
    for weight, *gradients in zip(weights, *(gradients for gradients, _ in found), strict=True):
        weight.grad = torch.stack(gradients).mean(0)
    return torch.stack([snr_db for _, snr_db in found]).mean()


def _publish(
    state: TrainingState, sets: dict[str, list[Item]], run: Path, snr_db: float, report: Callable[[str], None]
) -> dict[str, float]:
    """Validate; write the checkpoint, the weights, and the curve with its picture."""
    network = state.averaged_network()
    scores = validate(network, sets)
    state.save(run / CHECKPOINT)
    minutes, hours = state.spent_s / 60, state.mixture_s / 3600
    partial = run / f"{WEIGHTS}.new"
    try:
        save_network(network, partial)
        os.replace(partial, run / WEIGHTS)
        curve.append(run / CURVE, (state.step, minutes, hours, snr_db), scores)
        curve.draw(run / CURVE, run / PICTURE)
    except OSError as error:
        raise StoreError(f"cannot write to {run}: {error}", reason="not-saved", hint="free some disk space") from error
    report(
        f"step {state.step} {minutes:.1f} min {hours:.1f} h train {snr_db:.2f} dB "
        + " ".join(f"{name} {value:.2f}" for name, value in scores.items())
    )
    return scores


def validate(network: SeparationNetwork, sets: dict[str, list[Item]]) -> dict[str, float]:
    """Mean SI-SDR improvement in dB per set."""
    each = map if next(network.parameters()).device.type == "cuda" else side_by_side
    return {name: float(np.mean([*each(partial(_improvement_db, network), items)])) for name, items in sets.items()}


@torch.inference_mode()
def _improvement_db(network: SeparationNetwork, item: Item) -> float:
    device = next(network.parameters()).device
    estimates = network(torch.from_numpy(item.mixture)[None].to(device))[0][0, :-1].float().cpu().numpy()
    gains_db = improvements_db(estimates, item.references, item.mixture)
    return float(gains_db[best_order(gains_db), range(len(item.references))].mean())


def _rate(recipe: Recipe, step: int, done: float) -> float:
    """Learning rate after ``step`` steps, with the share ``done`` of the time spent."""
    warm = min(1.0, (step + 1) / recipe.warm_up_steps)
    if not recipe.cosine:
        return recipe.rate * warm
    low = recipe.last_rate / recipe.rate
    return recipe.rate * warm * (low + (1 - low) * (1 + math.cos(math.pi * min(done, 1.0))) / 2)
