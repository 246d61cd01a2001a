"""Fine-tune the segmentation of who speaks when: ``python -m speaksep_kernel.training.segmentation --help``.

pyannote's segmentation-3.0 learns from simulated conversations of the training speakers to hear a change of speaker
without a pause. Its front end is frozen; the recurrent part and the classifier learn. One process makes windows
(``--make``), another learns from those there are, drawing new ones first.
"""

from __future__ import annotations

import argparse
import os
import time
from copy import deepcopy
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.training.corpus import read_shards
from speaksep_kernel.training.segmentation_windows import LOCAL, Windows, hear, recall

if TYPE_CHECKING:
    import torch
    from torch import nn

CLASSES = ((), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2))
"""What the network tells apart: nobody, one of three, two of three."""
TRAIN_SEED, VALID_SEED = 77, 5


def class_table() -> NDArray[np.int64]:
    """(permutations, 8) class of who speaks, coded in bits, under every naming of the three; of three at once, two."""
    table = np.zeros((6, 2**LOCAL), np.int64)
    for row, order in enumerate(permutations(range(LOCAL))):
        for code in range(2**LOCAL):
            who = [k for k in range(LOCAL) if code >> k & 1][:2]
            table[row, code] = CLASSES.index(tuple(sorted(order[k] for k in who)))
    return table


def loss(log_probabilities: torch.Tensor, codes: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """Mean negative log-likelihood under the best naming of every window's speakers (Plaquet & Bredin, 2023).

    Parameters
    ----------
    log_probabilities
        (windows, frames, 7).
    codes
        (windows, frames) int64: who speaks, in bits.
    table
        `class_table`.
    """
    import torch

    by_naming = torch.stack(
        [-log_probabilities.gather(2, naming[codes][..., None])[..., 0].mean(1) for naming in table]
    )
    return by_naming.min(0).values.mean()


def codes_of(truth: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(…, 3) who speaks -> (…) in bits."""
    return np.asarray(truth @ (1 << np.arange(LOCAL)), np.int64)


def forward(network: Any, features: torch.Tensor) -> torch.Tensor:
    """(windows, frames, 60) from the front end -> (windows, frames, 7) log-probabilities."""
    import torch.nn.functional as F

    out, _ = network.lstm(features)
    for linear in network.linear:
        out = F.leaky_relu(linear(out))
    return F.log_softmax(network.classifier(out), -1)


def diarization_error(network: nn.Module, windows: list[Windows], table: torch.Tensor) -> tuple[float, float]:
    """Loss, and frames wrong (missed, false, confused) by frames spoken, the speakers named best in every window."""
    import torch

    powerset = np.array([[k in one for k in range(LOCAL)] for one in CLASSES])
    losses, wrong, spoken = [], 0.0, 0.0
    with torch.inference_mode():
        for one in windows:
            out = forward(network, torch.from_numpy(one.features.astype(np.float32)))
            losses.append(float(loss(out, torch.from_numpy(codes_of(one.truth)), table)))
            found = powerset[out.argmax(-1).numpy()]
            for said, heard in zip(one.truth, found, strict=True):
                right = max((said & heard[:, list(order)]).sum() for order in permutations(range(LOCAL)))
                wrong += float(np.maximum(said.sum(1), heard.sum(1)).sum() - right)
                spoken += float(said.sum())
    return float(np.mean(losses)), wrong / max(spoken, 1.0)


def main() -> None:
    """Make windows, or learn from them."""
    parser = argparse.ArgumentParser(prog="python -m speaksep_kernel.training.segmentation", description=__doc__)
    parser.add_argument("corpus", type=Path, help="folder of tar shards with manifest.csv")
    parser.add_argument("--cache", type=Path, required=True, help="folder for the windows")
    parser.add_argument("--make", type=int, help="make the windows of this many conversations, and end")
    parser.add_argument("--validation", type=int, default=24, help="conversations of validation speakers")
    parser.add_argument("-o", "--out", type=Path, help="file of weights to write (.safetensors)")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--blend", type=float, default=1.0, help="how far from the published weights (0) to go (1)")
    given = parser.parse_args()
    if given.make:
        make(given.corpus, given.cache, given.make, given.validation)
    if given.out:
        train(given.cache, given.out, minutes=given.minutes, rate=given.rate, batch=given.batch)
        blend(given.out, given.blend)


def make(corpus: Path, cache: Path, count: int, validation: int) -> None:
    """Windows of ``validation`` conversations of people never trained on, and of ``count`` of the others."""
    import torch

    torch.set_num_threads(1)
    strangers = read_shards(corpus, "valid")
    for number in range(validation):
        hear(strangers, number, cache / "valid", seed=VALID_SEED)
    voices = read_shards(corpus, "train")
    for number in range(count):
        hear(voices, number, cache / "train", seed=TRAIN_SEED)


def train(
    cache: Path, out: Path, *, minutes: float, rate: float, batch: int, validate: str = "valid", seed: int = 0
) -> None:
    """Learn for ``minutes``, from windows that may still be in the making; keep a moving average of the weights."""
    import torch

    from speaksep_kernel.voices.weights import load_segmentation

    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    table = torch.from_numpy(class_table())
    valid = [recall(path) for path in sorted((cache / validate).glob("w*.npz"))]
    network: Any = deepcopy(load_segmentation(tuned=False))
    learned = [*network.lstm.parameters(), *network.linear.parameters(), *network.classifier.parameters()]
    for one in learned:
        one.requires_grad_(True)
    average = [one.detach().clone() for one in learned]
    optimiser = torch.optim.AdamW(learned, lr=rate, weight_decay=0.0)
    print("validation before: loss {:.4f}, error {:.4f}".format(*diarization_error(network, valid, table)), flush=True)
    seen: set[Path] = set()
    pool: list[tuple[NDArray[np.float16], NDArray[np.bool_]]] = []
    fresh: list[int] = []
    started, step, spoken = time.monotonic(), 0, 0.0
    report = started
    while (share := (time.monotonic() - started) / (60 * minutes)) < 1:
        if step % 20 == 0:
            for path in sorted((cache / "train").glob("w*.npz")):
                if path not in seen:
                    seen.add(path)
                    new = recall(path)
                    fresh += range(len(pool), len(pool) + len(new.features))
                    pool += zip(new.features, new.truth, strict=True)
            rng.shuffle(fresh)
        take = [fresh.pop() for _ in range(min(batch, len(fresh)))]
        take += rng.choice(len(pool), batch - len(take)).tolist()
        features = torch.from_numpy(np.stack([pool[k][0] for k in take]).astype(np.float32))
        codes = torch.from_numpy(codes_of(np.stack([pool[k][1] for k in take])))
        for group in optimiser.param_groups:  # up in 50 steps, down to nothing by a cosine
            group["lr"] = rate * min(1.0, (step + 1) / 50) * 0.5 * (1 + np.cos(np.pi * share))
        cost = loss(forward(network, features), codes, table)
        optimiser.zero_grad()
        cost.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimiser.step()
        step += 1
        decay = min(0.995, 1 - 1 / step)
        for kept, one in zip(average, learned, strict=True):
            kept.lerp_(one.detach(), 1 - decay)
        spoken += float(cost.detach())
        if time.monotonic() - report > 300:
            report = time.monotonic()
            print(f"{step} steps, {len(pool)} windows, {share:.0%}: loss {spoken / step:.4f}", flush=True)
            _save(network, learned, average, out)
    _save(network, learned, average, out)
    with torch.no_grad():
        for one, kept in zip(learned, average, strict=True):
            one.copy_(kept)
    print(f"{step} steps, {len(pool)} windows ({len(pool) / 360:.1f} h)")
    print("validation after: loss {:.4f}, error {:.4f}".format(*diarization_error(network, valid, table)), flush=True)


def blend(path: Path, share: float) -> None:
    """Leave ``share`` of the way from the published weights to those in ``path``, in half precision.

    Weights in between keep what the published ones know of sounds that no simulation has (Wortsman et al., 2022).
    """
    import torch
    from safetensors.torch import load_file, save_file

    from speaksep_kernel.voices.weights import load_segmentation

    published = dict(load_segmentation(tuned=False).named_parameters())
    tuned = {name: torch.lerp(published[name].detach(), part, share) for name, part in load_file(path).items()}
    temporary = path.with_suffix(".part")
    save_file({name: part.half().contiguous() for name, part in tuned.items()}, temporary)
    os.replace(temporary, path)


def _save(network: nn.Module, learned: list[nn.Parameter], average: list[torch.Tensor], out: Path) -> None:
    """The averaged weights, without the frozen front end's."""
    from safetensors.torch import save_file

    kept = dict(zip((id(one) for one in learned), average, strict=True))
    weights = {name: kept[id(one)].contiguous() for name, one in network.named_parameters() if id(one) in kept}
    temporary = out.with_suffix(".part")
    save_file(weights, temporary)
    os.replace(temporary, out)


if __name__ == "__main__":
    main()
