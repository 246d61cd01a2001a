"""Train the embedded network from nothing, or go on from the run's last checkpoint."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError

from speaksep_kernel.errors import InputError, SpeakSepError
from speaksep_kernel.separation.network import SeparationNetwork, load_network
from speaksep_kernel.training.corpus import Corpus, read_corpus
from speaksep_kernel.training.loop import Recipe, train
from speaksep_kernel.training.mixer import Mixer, Settings
from speaksep_kernel.training.rooms import simulate_rooms
from speaksep_kernel.training.validation import training_sets

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and train; returns the exit code."""
    options = _parser().parse_args(arguments)
    stopping = False

    def stop(number: int, frame: object) -> None:
        nonlocal stopping
        stopping = True
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a second Ctrl-C does not wait for the step

    try:
        torch.manual_seed(options.seed)
        device = torch.device(options.device)
        network = _network(options)
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        corpus, valid = _corpora(options.corpus, options.cache)
        rooms = _rooms("train", options.rooms, 0, options.cache)
        valid_rooms = _rooms("valid", min(options.rooms, 32), 999, options.cache)
        print(f"{corpus.hours:.2g} h of {len(corpus.speakers)} speakers, {options.rooms} rooms", flush=True)
        recipe = Recipe(
            minutes=options.minutes,
            batch=options.batch,
            seconds=options.seconds,
            rate=options.rate,
            cosine=not options.constant,
            validate_minutes=options.validate_minutes,
            bfloat16=options.bfloat16,
        )
        sets = training_sets(valid, valid_rooms)
        previous = signal.signal(signal.SIGINT, stop)
        try:
            train(
                network,
                Mixer(corpus, rooms, device=device, seed=options.seed, settings=_settings(options)),
                sets,
                options.run,
                recipe,
                device=device,
                stop_after_s=options.stop_after_minutes * 60,
                interrupted=lambda: stopping,
                report=lambda line: print(line, flush=True),
            )
        finally:
            signal.signal(signal.SIGINT, previous)
    except SpeakSepError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        stopping = True
    if stopping:
        print("interrupted; the same command goes on from the last checkpoint", file=sys.stderr)
        return INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m speaksep_kernel.training", description=__doc__)
    add = parser.add_argument
    add("--corpus", type=Path, required=True, help="folder of tar shards with manifest.csv, or of speaker sub-folders")
    add("--run", type=Path, required=True, help="folder of the run: checkpoint, curve, weights")
    add("--minutes", type=float, required=True, help="wall-clock of the whole run; the learning rate follows it")
    add("--stop-after-minutes", type=float, default=float("inf"), help="end this part early, to go on later")
    add("--from-weights", type=Path, help="start from these weights instead of random ones (fine-tuning)")
    add("--width", type=int, default=96, help="features per band")
    add("--hidden", type=int, default=128, help="LSTM cells per direction")
    add("--blocks", type=int, default=4, help="dual-path blocks")
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    add("--bfloat16", action="store_true", help="on a CPU that has instructions for it: half as long again as fast")
    add("--batch", type=int, default=4, help="mixtures per step (64 on a large GPU)")
    add("--seconds", type=float, default=4.0, help="length of a mixture; twice that in the last quarter")
    add("--rate", type=float, default=1e-3, help="highest learning rate")
    add("--constant", action="store_true", help="hold the learning rate instead of letting it fall")
    add("--validate-minutes", type=float, default=10.0, help="wall-clock between validations and checkpoints")
    add("--rooms", type=int, default=400, help="simulated rooms; 0 trains without")
    add("--counts", type=float, nargs=4, default=Settings.counts, help="shares of mixtures with 0, 1, 2 and 3 speakers")
    add("--taking-turns", type=float, default=Settings.taking_turns, help="share of mixtures with pauses and turns")
    add("--seed", type=int, default=1)
    add("--cache", type=Path, help="folder that keeps the decoded corpus and the rooms between parts")
    return parser


def _settings(options: argparse.Namespace) -> Settings:
    if min(options.counts) < 0 or sum(options.counts) <= 0 or not 0 <= options.taking_turns <= 1:
        raise InputError(
            f"no mixtures can be drawn with --counts {' '.join(map(str, options.counts))} "
            f"--taking-turns {options.taking_turns}",
            reason="bad-shares",
            hint="give four shares of 0 or more, not all 0, and one from 0 to 1",
        )
    return Settings(counts=tuple(options.counts), taking_turns=options.taking_turns)


def _network(options: argparse.Namespace) -> SeparationNetwork:
    if options.from_weights is None:
        return SeparationNetwork(width=options.width, hidden=options.hidden, blocks=options.blocks)
    try:
        return load_network(options.from_weights)
    except (OSError, SafetensorError, RuntimeError, TypeError) as error:
        raise InputError(
            f"cannot read the weights {options.from_weights}: {error}",
            reason="bad-weights",
            hint="name a speaksep.safetensors",
        ) from error


def _corpora(folder: Path, cache: Path | None) -> tuple[Corpus, Corpus]:
    kept = [cache / f"{split}.npz" for split in ("train", "valid")] if cache else []
    if kept and all(path.exists() for path in kept):
        return _load_corpus(kept[0]), _load_corpus(kept[1])
    corpora = read_corpus(folder, processes=os.cpu_count() or 1)
    for path, corpus in zip(kept, corpora, strict=False):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{os.getpid()}.npz")
        names = np.array(corpus.speakers)
        np.savez(partial, samples=corpus.samples, start=corpus.start, length=corpus.length, speakers=names)
        partial.replace(path)
    return corpora


def _load_corpus(path: Path) -> Corpus:
    with np.load(path) as data:
        return Corpus(data["samples"], data["start"], data["length"], tuple(str(name) for name in data["speakers"]))


def _rooms(split: str, count: int, seed: int, cache: Path | None) -> NDArray[np.float32] | None:
    if not count:
        return None
    kept = cache / f"rooms-{split}-{count}.npy" if cache else None
    if kept and kept.exists():
        return np.asarray(np.load(kept))
    rooms = simulate_rooms(count, seed=seed, processes=os.cpu_count() or 1)
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_name(f"{os.getpid()}.npy")
        np.save(partial, rooms)
        partial.replace(kept)
    return rooms


if __name__ == "__main__":
    sys.exit(main())
